//! `extraconfig`: elements that somebody wants added to an instance's definition. Taken where the operator allows their
//! names, and never for devices.

use crate::{
    command::prelude::*,
    hypervisor::libvirt,
    store::{deploy::EXTRA_CONFIG, detail::Details},
};

/// The details with what `extraconfig` says, as a parameter of its own or as a detail.
pub(super) fn details(
    details: &Details,
    parameter: Option<&str>,
    allowed: &[String],
) -> Result<Details> {
    let is_extra = |key: &str| key.to_ascii_lowercase().starts_with("extraconfig");
    let (extra, mut kept): (Details, Details) =
        details.clone().into_iter().partition(|(key, _)| is_extra(key));
    let parts = extra.into_values().chain(parameter.map(str::to_owned));
    let text: Vec<String> =
        parts.map(|part| elements(&part)).filter(|part| !part.is_empty()).collect();
    if !text.is_empty() {
        let text = text.join("\n");
        libvirt::check_extra(&text, allowed)?;
        kept.insert(EXTRA_CONFIG.to_owned(), text);
    }
    Ok(kept)
}

/// What is meant: clients encode the text once more for themselves, and CloudStack lets a line with a title stand above
/// each piece.
fn elements(text: &str) -> String {
    let decoded = if text.contains('<') { text.to_owned() } else { decode(text) };
    let is_title = |line: &&str| line.trim_end().ends_with(':') && !line.contains('<');
    let lines: Vec<&str> = decoded.lines().filter(|line| !is_title(line)).collect();
    lines.join("\n").trim().to_owned()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_read_however_it_is_wrapped() {
        let plain = "<memtune><x y='1 2'/></memtune>";
        assert_eq!(elements(plain), plain);
        assert_eq!(elements(&format!("tuning:\n{plain}\n")), plain);
        assert_eq!(elements("%3Cmemtune%3E%3Cx+y%3D%271%202%27%2F%3E%3C%2Fmemtune%3E"), plain);
        assert_eq!(elements("100% of nothing%"), "100% of nothing%");
    }
}
