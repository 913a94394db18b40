//! Turns an answer of the dialect into an HTTP response with the headers of the real server.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::gzip;
use crate::dialect::envelope::Answer;

/// Sent with every answer; the same name several times over is what the real server sends, the lone `1` included.
const SECURITY: [(HeaderName, &str); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_XSS_PROTECTION, "1;mode=block"),
    (header::CONTENT_SECURITY_POLICY, "1"),
    (header::CONTENT_SECURITY_POLICY, "default-src=none"),
    (header::CONTENT_SECURITY_POLICY, "script-src=self"),
    (header::CONTENT_SECURITY_POLICY, "connect-src=self"),
    (header::CONTENT_SECURITY_POLICY, "img-src=self"),
    (header::CONTENT_SECURITY_POLICY, "style-src=self"),
];

/// The response to this request, compressed if the client takes that.
pub(super) async fn send(request: &HttpRequest, answer: Answer) -> HttpResponse {
    let mut response = start(answer.status);
    response.content_type(answer.content_type);
    if let Some(value) = answer.description.as_deref().and_then(latin_1) {
        response.insert_header((HeaderName::from_static("x-description"), value));
    }
    if !answer.cookies.is_empty() {
        response.insert_header((header::EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"));
    }
    for cookie in &answer.cookies {
        response.append_header((header::SET_COOKIE, cookie.as_str()));
    }
    for (name, value) in SECURITY {
        response.append_header((name, value));
    }
    if answer.status >= 300 || request.method() == Method::HEAD {
        return response.body(answer.body);
    }
    response.insert_header((header::VARY, "Accept-Encoding, User-Agent"));
    if gzip::is_accepted(request.headers())
        && let Some(packed) = gzip::compress(&answer.body).await
    {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return response.body(packed);
    }
    response.body(answer.body)
}

/// A response with this status and, for CloudStack's own numbers, the number as its reason.
fn start(status: u16) -> HttpResponseBuilder {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(code);
    if code.canonical_reason().is_none() {
        response.reason(reason(status));
    }
    response
}

const fn reason(status: u16) -> &'static str {
    match status {
        430 => "430",
        432 => "432",
        530 => "530",
        531 => "531",
        532 => "532",
        533 => "533",
        534 => "534",
        535 => "535",
        536 => "536",
        537 => "537",
        _ => "",
    }
}

fn latin_1(text: &str) -> Option<HeaderValue> {
    let bytes: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect();
    HeaderValue::from_bytes(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            content_type: "application/json;charset=utf-8",
            body: body.into(),
            description: (status != 200).then(|| "café ?".to_string()),
            cookies: Vec::new(),
        }
    }

    fn all(response: &HttpResponse, name: &str) -> Vec<String> {
        let values = response.headers().get_all(name);
        values
            .map(|value| value.as_bytes().iter().map(|byte| char::from(*byte)).collect())
            .collect()
    }

    #[actix_web::test]
    async fn headers_are_those_of_the_recordings() {
        let request = TestRequest::default().to_http_request();
        let response = send(&request, answer(200, "{}")).await;
        assert_eq!(all(&response, "content-type"), ["application/json;charset=utf-8"]);
        assert_eq!(all(&response, "x-content-type-options"), ["nosniff"]);
        assert_eq!(all(&response, "x-xss-protection"), ["1;mode=block"]);
        let policies = [
            "1",
            "default-src=none",
            "script-src=self",
            "connect-src=self",
            "img-src=self",
            "style-src=self",
        ];
        assert_eq!(all(&response, "content-security-policy"), policies);
        assert_eq!(all(&response, "vary"), ["Accept-Encoding, User-Agent"]);
        assert_eq!(all(&response, "x-description"), [""; 0]);
    }

    #[actix_web::test]
    async fn errors_have_a_description_and_no_vary() {
        let request =
            TestRequest::default().insert_header(("accept-encoding", "gzip")).to_http_request();
        let response = send(&request, answer(533, &"x".repeat(5000))).await;
        assert_eq!(all(&response, "x-description"), ["café ?"]);
        assert_eq!(all(&response, "vary"), [""; 0]);
        assert_eq!(all(&response, "content-encoding"), [""; 0]);
        assert_eq!(response.head().reason(), "533");
    }

    #[actix_web::test]
    async fn known_statuses_keep_their_reason() {
        let request = TestRequest::default().to_http_request();
        let reason =
            async |status| send(&request, answer(status, "")).await.head().reason().to_string();
        assert_eq!(reason(431).await, "Request Header Fields Too Large");
        assert_eq!(reason(401).await, "Unauthorized");
        for status in [430, 432, 530, 531, 532, 533, 534, 535, 536, 537] {
            assert_eq!(reason(status).await, status.to_string());
        }
    }

    #[actix_web::test]
    async fn success_is_compressed_for_those_who_take_it() {
        let request = TestRequest::default()
            .insert_header(("accept-encoding", "gzip, deflate"))
            .to_http_request();
        let response = send(&request, answer(200, &"x".repeat(5000))).await;
        assert_eq!(all(&response, "content-encoding"), ["gzip"]);
        assert!(to_bytes(response.into_body()).await.unwrap().len() < 200);
        let head =
            TestRequest::default().method(Method::HEAD).insert_header(("accept-encoding", "gzip"));
        let response = send(&head.to_http_request(), answer(200, &"x".repeat(5000))).await;
        assert_eq!(all(&response, "vary"), [""; 0]);
    }
}
