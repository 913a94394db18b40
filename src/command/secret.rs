//! Passwords and keys: made here, compared here, never printed.

use crate::error::{Error, Result};
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use subtle::ConstantTimeEq;

/// Random text of this many bytes, URL-safe.
pub fn random_text(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer)
        .map_err(|error| Error::internal(format!("no randomness: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

/// A pair of API key and secret key: 64 random bytes each, 86 characters.
pub fn key_pair() -> Result<(String, String)> {
    Ok((random_text(64)?, random_text(64)?))
}

/// The argon2id hash of a password, with its salt. Error: a password of nothing but blanks, which is none.
pub fn hash_password(password: &str) -> Result<String> {
    if password.trim().is_empty() {
        return Err(Error::invalid("Password cannot be empty or blank."));
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| Error::internal(format!("password hash: {error}")))?.to_string())
}

/// Whether the password is the hash's, in constant time.
pub fn is_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether the password is the hash's. Takes its time whether there is such a user, or a usable hash, or not.
pub fn is_password_of(password: &str, hash: Option<&str>) -> bool {
    static NOBODY: LazyLock<String> =
        LazyLock::new(|| random_text(16).and_then(|text| hash_password(&text)).unwrap_or_default());
    // made before the first answer, whoever asks
    let nobody = NOBODY.as_str();
    let usable = hash.filter(|hash| PasswordHash::new(hash).is_ok());
    let fits = is_password(password, usable.unwrap_or(nobody));
    fits && usable.is_some()
}

/// What is kept of a random text that somebody else holds: its SHA-256.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        hex
    })
}

/// Whether two digests or signatures are the same, in constant time: the one place that compares what is secret.
pub fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits_its_hash() {
        let hash = hash_password("pass word").unwrap();
        assert!(is_password("pass word", &hash));
        assert!(
            !is_password("password", &hash) && !is_password("", &hash) && !is_password("x", "!")
        );
    }

    #[test]
    fn who_does_not_exist_has_no_password() {
        let hash = hash_password("right").unwrap();
        assert!(is_password_of("right", Some(&hash)) && !is_password_of("wrong", Some(&hash)));
        assert!(!is_password_of("right", None) && !is_password_of("!", Some("!")));
    }

    #[test]
    fn digests_are_sha_256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert!(digest("") == empty && is_same(&digest(""), empty));
        assert!(!is_same(empty, &digest("x")) && !is_same(empty, ""));
    }

    #[test]
    fn keys_are_long_and_differ() {
        let (api, secret) = key_pair().unwrap();
        assert!(api.len() == 86 && secret.len() == 86 && api != secret);
    }
}
