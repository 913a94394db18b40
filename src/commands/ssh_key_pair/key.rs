//! OpenSSH keys: the public line, the private file, the fingerprint.

use crate::error::{Error, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use md5::{Digest as _, Md5};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

const ED25519: &str = "ssh-ed25519";
const KINDS: &[&str] = &[
    ED25519,
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// A public key as `authorized_keys` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// Kind and key, without a comment.
    pub(super) line: String,
    /// MD5 of the key in pairs of digits, as CloudStack's users know it.
    pub(super) fingerprint: String,
}

/// Reads a public key. The comment is dropped: it is of no use, and may be anything.
pub(super) fn read(text: &str) -> Result<PublicKey> {
    let bad = |why: &str| Error::Invalid(format!("Public key is invalid: {why}"));
    let text = text.trim();
    if text.contains(['\n', '\r']) {
        return Err(bad("it has more than one line"));
    }
    let mut words = text.split_ascii_whitespace();
    let (Some(kind), Some(key)) = (words.next(), words.next()) else {
        return Err(bad("it is not of the form `ssh-ed25519 AAAA..`"));
    };
    if !KINDS.contains(&kind) {
        return Err(bad("its kind is not known"));
    }
    let blob = BASE64.decode(key).map_err(|_| bad("its key is not base64"))?;
    let inner = blob.get(..4).and_then(|size| size.try_into().ok()).map(u32::from_be_bytes);
    let inner = inner.and_then(|size| blob.get(4..4_usize.checked_add(size as usize)?));
    if inner != Some(kind.as_bytes()) {
        return Err(bad("its key is of another kind than it says"));
    }
    Ok(PublicKey { line: format!("{kind} {key}"), fingerprint: fingerprint(&blob) })
}

fn fingerprint(blob: &[u8]) -> String {
    let pairs: Vec<String> = Md5::digest(blob).iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// Makes an Ed25519 key pair: the public key and the private key's file.
pub(super) fn make() -> Result<(PublicKey, String)> {
    let mut random = [0; 36];
    getrandom::fill(&mut random).map_err(|error| Error::internal(error.to_string()))?;
    let (seed, check) = random.split_at(32);
    let pair = Ed25519KeyPair::from_seed_unchecked(seed)
        .map_err(|error| Error::internal(error.to_string()))?;
    let public = pair.public_key().as_ref();
    let mut blob = Vec::new();
    put(&mut blob, ED25519.as_bytes());
    put(&mut blob, public);
    let line = format!("{ED25519} {}", BASE64.encode(&blob));
    let fingerprint = fingerprint(&blob);
    Ok((PublicKey { line, fingerprint }, private_file(&blob, public, seed, check)))
}

/// The file that `ssh -i` reads: OpenSSH's format, without a passphrase.
fn private_file(blob: &[u8], public: &[u8], seed: &[u8], check: &[u8]) -> String {
    let mut secret = Vec::new();
    secret.extend_from_slice(check);
    secret.extend_from_slice(check);
    put(&mut secret, ED25519.as_bytes());
    put(&mut secret, public);
    put(&mut secret, &[seed, public].concat());
    put(&mut secret, b"");
    secret.extend((1..=8_u8).take((8 - secret.len() % 8) % 8));
    let mut file = b"openssh-key-v1\0".to_vec();
    for word in [b"none".as_slice(), b"none", b""] {
        put(&mut file, word);
    }
    file.extend_from_slice(&1_u32.to_be_bytes());
    put(&mut file, blob);
    put(&mut file, &secret);
    let text = BASE64.encode(file);
    let lines: Vec<&str> =
        text.as_bytes().chunks(70).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let (first, last) =
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----");
    format!("{first}\n{}\n{last}\n", lines.join("\n"))
}

fn put(out: &mut Vec<u8>, word: &[u8]) {
    out.extend_from_slice(&(word.len() as u32).to_be_bytes());
    out.extend_from_slice(word);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_is_read_back() {
        let (public, private) = make().unwrap();
        assert_eq!(read(&format!("{} someone@somewhere", public.line)).unwrap(), public);
        assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE"));
        assert_eq!(public.fingerprint.len(), 47);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (public, _) = make().unwrap();
        let other = public.line.replace("ssh-ed25519 ", "ssh-rsa ");
        let two = format!("{}\n{}", public.line, public.line);
        for text in ["", "ssh-rsa", "ssh-dss AAAA", "ssh-rsa !!", "ssh-rsa AAAA", &other, &two] {
            assert_eq!(read(text).unwrap_err().code(), 431, "{text}");
        }
    }
}
