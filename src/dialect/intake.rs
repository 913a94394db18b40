//! Reads the parameters of a request from its query string and its form body, by CloudStack's merge rules.
//!
//! The rules come from two readings of the query laid over each other, which is why they look odd: a repeated name
//! takes its *last* value from the query and its *first* from the body, and the query beats the body. Clients
//! depend on none of this, but the signature is defined over the outcome, so it has to be exact.

use std::collections::HashMap;

/// The parameters of a request, decoded, in order of arrival, each name once and in its original letter case.
pub type Params = Vec<(String, String)>;

/// The largest form body that is read, in bytes.
pub const BODY_LIMIT: usize = 1 << 20;

/// The largest number of different names in a form body.
pub const KEY_LIMIT: usize = 5000;

/// The request cannot be read at all; answered with 400 before anything else is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// A percent sign in the query that two hex digits do not follow.
    #[error("Unable to parse URI query")]
    Query,
    /// The same in the body, or a body beyond one of the limits.
    #[error("Unable to parse form content")]
    Form,
}

/// Decodes and merges the query string and, for a form post, the body.
pub fn decode(query: &str, form: Option<&[u8]>) -> Result<Params, Garbled> {
    let mut merged = Merged::default();
    for (name, value, rank) in pairs(query.as_bytes()) {
        let (name, value) = decode_pair(name, value).ok_or(Garbled::Query)?;
        merged.put(name, value, rank);
    }
    if let Some(body) = form {
        if body.len() > BODY_LIMIT {
            return Err(Garbled::Form);
        }
        let before = merged.params.len();
        for (name, value, _) in pairs(body) {
            let (name, value) = decode_pair(name, value).ok_or(Garbled::Form)?;
            merged.put(name, value, Rank::Body);
            if merged.params.len() - before > KEY_LIMIT {
                return Err(Garbled::Form);
            }
        }
    }
    Ok(merged.params)
}

/// The value of the parameter spelled exactly like this.
pub fn exact<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The value of the parameter with this name in any letter case.
pub fn any_case<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Where a value stands: which of two values for one name is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// `name=value` in the query: beats whatever was there.
    Assigned,
    /// A name without `=` in the query: an empty value, which the first one keeps.
    Bare,
    /// From the body: counts only where nothing else has the name.
    Body,
}

#[derive(Default)]
struct Merged {
    params: Params,
    places: HashMap<String, usize>,
}

impl Merged {
    fn put(&mut self, name: String, value: String, rank: Rank) {
        if let Some(&place) = self.places.get(&name) {
            if rank == Rank::Assigned {
                self.params[place].1 = value;
            }
            return;
        }
        self.places.insert(name.clone(), self.params.len());
        self.params.push((name, value));
    }
}

fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8], Rank)> {
    text.split(|byte| *byte == b'&').filter(|item| !item.is_empty()).map(|item| {
        match item.iter().position(|byte| *byte == b'=') {
            Some(at) => (&item[..at], &item[at + 1..], Rank::Assigned),
            None => (item, &b""[..], Rank::Bare),
        }
    })
}

fn decode_pair(name: &[u8], value: &[u8]) -> Option<(String, String)> {
    Some((decode_text(name)?, decode_text(value)?))
}

/// Undoes the escaping of one name or value; bytes that are no UTF-8 become U+FFFD, as on the real server.
fn decode_text(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()),
    )
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(query: &str) -> Vec<(String, String)> {
        decode(query, None).unwrap()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn the_last_value_in_the_query_wins() {
        assert_eq!(of("a=1&b=2&a=3"), [pair("a", "3"), pair("b", "2")]);
    }

    #[test]
    fn the_first_value_in_the_body_wins() {
        assert_eq!(decode("", Some(b"a=1&a=2")).unwrap(), [pair("a", "1")]);
    }

    #[test]
    fn the_query_beats_the_body() {
        let params = decode("a=q&flag", Some(b"command=x&a=body&flag=body")).unwrap();
        assert_eq!(params, [pair("a", "q"), pair("flag", ""), pair("command", "x")]);
    }

    #[test]
    fn a_name_without_a_value_loses_to_one_with_a_value() {
        assert_eq!(of("a=2&a"), [pair("a", "2")]);
        assert_eq!(of("a&a=2"), [pair("a", "2")]);
    }

    #[test]
    fn empty_items_are_skipped_and_empty_names_kept() {
        assert_eq!(of("&&a=1&&=v&"), [pair("a", "1"), pair("", "v")]);
        assert_eq!(of(""), []);
    }

    #[test]
    fn a_semicolon_separates_nothing() {
        assert_eq!(of("a=1;b=2"), [pair("a", "1;b=2")]);
    }

    #[test]
    fn broken_escapes_are_refused() {
        for query in ["a=%zz", "a=%2", "a=%", "%g0=1", "a=%+1"] {
            assert_eq!(decode(query, None), Err(Garbled::Query), "{query}");
        }
        assert_eq!(decode("", Some(b"a=%zz")), Err(Garbled::Form));
    }

    #[test]
    fn bytes_that_are_no_text_become_the_replacement_character() {
        assert_eq!(of("a=%ff%C3%A9"), [pair("a", "\u{fffd}é")]);
    }

    #[test]
    fn a_body_beyond_a_limit_is_refused() {
        let long = format!("a={}", "x".repeat(BODY_LIMIT));
        assert_eq!(decode("", Some(long.as_bytes())), Err(Garbled::Form));
        let keys = |count: usize| (0..count).map(|n| format!("k{n}=1&")).collect::<String>();
        assert_eq!(decode("", Some(keys(KEY_LIMIT + 1).as_bytes())), Err(Garbled::Form));
        assert_eq!(decode("", Some(keys(KEY_LIMIT).as_bytes())).unwrap().len(), KEY_LIMIT);
    }

    #[test]
    fn names_are_found_by_spelling_or_by_any_case() {
        let params = of("apiKey=k&Command=c");
        assert_eq!(any_case(&params, "apikey"), Some("k"));
        assert_eq!(exact(&params, "command"), None);
        assert_eq!(exact(&params, "Command"), Some("c"));
    }

    proptest! {
        #[test]
        fn decoding_never_panics(query in any::<String>(), body in any::<Vec<u8>>()) {
            let _ = decode(&query, Some(&body));
        }

        #[test]
        fn what_was_escaped_comes_back(name in ".{1,20}", value in ".{0,40}") {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            prop_assert_eq!(of(&query), [(name, value)]);
        }
    }
}
