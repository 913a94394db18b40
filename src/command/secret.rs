//! Passwords and keys: made here, compared here, never printed.

use crate::error::{Error, Result};
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

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

/// The argon2id hash of a password, with its salt.
pub fn hash_password(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| Error::internal(format!("password hash: {error}")))?.to_string())
}

/// Whether the password is the hash's, in constant time.
pub fn is_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
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
    fn keys_are_long_and_differ() {
        let (api, secret) = key_pair().unwrap();
        assert!(api.len() == 86 && secret.len() == 86 && api != secret);
    }
}
