//! Compression of answers for clients that take it.

use std::io::Write;

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Bodies below this size fit into one packet anyway.
const SMALLEST: usize = 1024;

/// Bodies above this size are compressed on the blocking pool.
const LARGE: usize = 64 * 1024;

/// Whether the client takes gzip.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(is_zero_weight)
    })
}

fn is_zero_weight(part: &str) -> bool {
    let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
    weight.and_then(|number| number.trim().parse::<f32>().ok()) == Some(0.0)
}

/// The compressed body, or nothing where that does not pay.
pub(super) async fn compress(body: &[u8]) -> Option<Vec<u8>> {
    match body.len() {
        0..SMALLEST => None,
        SMALLEST..LARGE => pack(body),
        _ => {
            let body = body.to_vec();
            actix_web::web::block(move || pack(&body)).await.ok().flatten()
        }
    }
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use std::io::Read;

    fn accepts(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
        is_accepted(&headers)
    }

    #[test]
    fn gzip_is_used_only_when_offered() {
        assert!(accepts("gzip"));
        assert!(accepts("deflate, GZIP;q=0.5, br"));
        assert!(!accepts("deflate, br"));
        assert!(!accepts("gzip;q=0"));
        assert!(!accepts("gzip; q=0.0, identity"));
        assert!(!is_accepted(&HeaderMap::new()));
    }

    #[actix_web::test]
    async fn compressed_bodies_come_back() {
        assert_eq!(compress(b"short").await, None);
        for size in [SMALLEST, LARGE + 1] {
            let body = "abcdefgh".repeat(size / 8 + 1);
            let packed = compress(body.as_bytes()).await.unwrap();
            assert!(packed.len() < body.len() / 2);
            let mut text = String::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
            assert_eq!(text, body);
        }
    }
}
