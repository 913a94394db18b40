//! Request signatures: HMAC-SHA1 over the canonical text of the parameters, in all the spellings clients use.
//!
//! The real server knows one canonical text. Clients in wide use write others: Go and Python leave `~` alone,
//! libcloud leaves brackets alone too, Marvin and the official guide sort by the lower-cased name. Their requests
//! fail there when such a character or such an order occurs; here they pass. Nothing is lost by that: each text still
//! needs the secret key.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::intake::any_case;
use crate::command::secret;

/// How the names are put in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// By the name as sent, in UTF-16 code units: the real server's.
    Raw,
    /// By the lower-cased name: Marvin's, libcloud's and the guide's.
    Lower,
}

/// The signature of these parameters; one called `signature` is left out.
pub fn sign(params: &[(String, String)], secret: &str) -> String {
    digest(&canonical(params, Order::Raw, ""), secret).unwrap_or_default()
}

/// Whether the `signature` among these parameters was made with this secret key.
pub fn verify(params: &[(String, String)], secret: &str) -> bool {
    let given = any_case(params, "signature").unwrap_or_default();
    if given.is_empty() || secret.is_empty() {
        return false;
    }
    let mut tried: Vec<String> = Vec::with_capacity(1);
    for bare in ["", "~", "~[]"] {
        for order in [Order::Raw, Order::Lower] {
            let text = canonical(params, order, bare);
            if tried.contains(&text) {
                continue;
            }
            if digest(&text, secret).is_some_and(|own| secret::is_same(&own, given)) {
                return true;
            }
            tried.push(text);
        }
    }
    false
}

/// The text that is signed; the characters in `bare` stay as they are beside the usual ones.
fn canonical(params: &[(String, String)], order: Order, bare: &str) -> String {
    let mut pairs: Vec<(Cow<'_, str>, &str)> = params
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("signature"))
        .map(|(name, value)| match order {
            Order::Raw => (Cow::Borrowed(name.as_str()), value.as_str()),
            Order::Lower => (Cow::Owned(name.to_lowercase()), value.as_str()),
        })
        .collect();
    pairs.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&name);
        text.push('=');
        escape(value, bare, &mut text);
    }
    text.to_lowercase()
}

/// Percent-escapes a value the way a form does, with `%20` for the space.
fn escape(value: &str, bare: &str, text: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                text.push(byte.into())
            }
            other if bare.as_bytes().contains(&other) => text.push(other.into()),
            other => {
                text.push('%');
                text.extend(
                    [other >> 4, other & 15]
                        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
                );
            }
        }
    }
}

fn digest(text: &str, secret: &str) -> Option<String> {
    // the error is about the key's length, and HMAC takes every length
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::intake::decode;
    use proptest::prelude::*;
    use serde_json::Value;

    /// What the real server and five clients made of the same requests.
    fn vectors() -> Value {
        serde_json::from_str(include_str!("vectors.json")).unwrap()
    }

    fn params_of(vector: &Value) -> Vec<(String, String)> {
        serde_json::from_value(vector["params"].clone()).unwrap()
    }

    fn with_signature(params: &[(String, String)], signature: &str) -> Vec<(String, String)> {
        let mut signed = params.to_vec();
        signed.push(("Signature".into(), signature.into()));
        signed
    }

    #[test]
    fn signatures_equal_those_of_the_real_server() {
        let all = vectors();
        for vector in all["signing"].as_array().unwrap() {
            let id = vector["id"].as_str().unwrap();
            let secret = vector.get("secret").unwrap_or(&all["secret"]).as_str().unwrap();
            let params = params_of(vector);
            let signature = vector["signature"].as_str().unwrap();
            assert_eq!(
                canonical(&params, Order::Raw, ""),
                vector["canonical"].as_str().unwrap(),
                "{id}"
            );
            assert_eq!(sign(&params, secret), signature, "{id}");
            assert!(verify(&with_signature(&params, signature), secret), "{id}");
            assert!(
                verify(&decode(vector["query"].as_str().unwrap(), None).unwrap(), secret),
                "{id} as sent"
            );
            assert!(!verify(&with_signature(&params, signature), "another secret"), "{id}");
        }
    }

    #[test]
    fn the_signatures_of_other_clients_are_tolerated() {
        let all = vectors();
        let mut seen = 0;
        for vector in all["signing"].as_array().unwrap() {
            for signature in vector["tolerated"].as_array().into_iter().flatten() {
                let signed = with_signature(&params_of(vector), signature.as_str().unwrap());
                assert!(verify(&signed, all["secret"].as_str().unwrap()), "{}", vector["id"]);
                seen += 1;
            }
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn decoded_requests_have_the_canonical_text_of_the_real_server() {
        let all = vectors();
        for vector in all["decoding"].as_array().unwrap() {
            let is_form = vector["content_type"] == "application/x-www-form-urlencoded";
            let body = vector["body"].as_str().filter(|_| is_form).map(str::as_bytes);
            let params = decode(vector["query"].as_str().unwrap_or_default(), body).unwrap();
            assert_eq!(
                canonical(&params, Order::Raw, ""),
                vector["canonical"].as_str().unwrap(),
                "{}",
                vector["case"]
            );
            assert_eq!(
                sign(&params, all["secret"].as_str().unwrap()),
                vector["signature"],
                "{}",
                vector["case"]
            );
        }
    }

    #[test]
    fn brackets_may_stay_bare() {
        let params = vec![("keyword".to_string(), "[vm]~".to_string())];
        let signature = digest("keyword=[vm]~", "key").unwrap();
        assert!(verify(&with_signature(&params, &signature), "key"));
    }

    #[test]
    fn nothing_passes_without_a_signature_or_a_secret() {
        let params = vec![("command".to_string(), "listZones".to_string())];
        assert!(!verify(&params, "key"));
        assert!(!verify(&with_signature(&params, ""), "key"));
        assert!(!verify(&with_signature(&params, &sign(&params, "")), ""));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(params in proptest::collection::vec((".{0,8}", ".{0,12}"), 0..6), secret in ".{1,90}") {
            let params: Vec<(String, String)> =
                params.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("signature")).collect();
            let signature = sign(&params, &secret);
            prop_assert!(verify(&with_signature(&params, &signature), &secret));
            let mut changed = params;
            changed.push(("one".into(), "more".into()));
            prop_assert!(!verify(&with_signature(&changed, &signature), &secret));
        }
    }
}
