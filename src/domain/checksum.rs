//! Checksums as CloudStack's users write them: `{SHA-256}9f86..`, or bare digits whose number tells the algorithm.

use std::{fmt, str::FromStr};

/// How a file is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 32 digits.
    Md5,
    /// 40 digits.
    Sha1,
    /// 56 digits.
    Sha224,
    /// 64 digits.
    Sha256,
    /// 96 digits.
    Sha384,
    /// 128 digits.
    Sha512,
}

const ALL: [(Algorithm, &str, usize); 6] = [
    (Algorithm::Md5, "MD5", 32),
    (Algorithm::Sha1, "SHA-1", 40),
    (Algorithm::Sha224, "SHA-224", 56),
    (Algorithm::Sha256, "SHA-256", 64),
    (Algorithm::Sha384, "SHA-384", 96),
    (Algorithm::Sha512, "SHA-512", 128),
];

/// What a file must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How it is hashed.
    pub algorithm: Algorithm,
    /// The digits, in lower case.
    pub hex: String,
}

impl FromStr for Checksum {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let (name, hex) = named.map_or((None, text), |(name, hex)| (Some(name), hex));
        let plain = |name: &str| name.replace('-', "").to_ascii_lowercase();
        let found = ALL.iter().find(|(_, own, digits)| match name {
            Some(name) => plain(own) == plain(name),
            None => *digits == hex.len(),
        });
        let digits = hex.bytes().all(|b| b.is_ascii_hexdigit());
        match found {
            Some((algorithm, _, length)) if digits && hex.len() == *length => {
                Ok(Self { algorithm: *algorithm, hex: hex.to_ascii_lowercase() })
            }
            _ => Err(format!(
                "Checksum {text} is no checksum: write {{MD5}}, {{SHA-1}}, {{SHA-224}}, {{SHA-256}}, {{SHA-384}} or {{SHA-512}} and its digits"
            )),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            ALL.iter().find(|(own, ..)| *own == self.algorithm).map_or("", |(_, name, _)| name);
        write!(f, "{{{name}}}{}", self.hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_one_are_read() {
        let md5 = "D41D8CD98F00B204E9800998ECF8427E";
        for text in [md5.to_owned(), format!("{{MD5}}{md5}"), format!("{{md5}}{md5}")] {
            let read: Checksum = text.parse().unwrap();
            assert_eq!(read.to_string(), "{MD5}d41d8cd98f00b204e9800998ecf8427e");
        }
        let long = "a".repeat(64);
        for text in [long.clone(), format!("{{SHA-256}}{long}"), format!("{{sha256}}{long}")] {
            assert_eq!(text.parse::<Checksum>().unwrap().algorithm, Algorithm::Sha256);
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "abc", "{MD5}abc", "{CRC}00", "{SHA-256", &"g".repeat(32)] {
            assert!(text.parse::<Checksum>().is_err(), "{text}");
        }
    }
}
