//! The operator's file of GPUs that are wired to each other.
//!
//! ```toml
//! [[board]]
//! host = "gpu-07"                       # the host's name, or "*" for all that are not named
//! partitions = "1,2,3,4 5,6,7,8 1,3 2,4 5,7 6,8 1 2 3 4 5 6 7 8"
//! modules = { "0000:1b:00.0" = 5, "0000:43:00.0" = 7 }
//! ```

use crate::domain::gpu::{Fabric, PciAddress, fabric::Board};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    board: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    host: String,
    partitions: String,
    modules: BTreeMap<String, u8>,
}

/// Reads the file; a mistake in it is an error, for guessing would give GPUs away that cannot work together.
pub(super) fn read(path: &Path) -> Result<Vec<Board>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Board>, String> {
    let all: Text = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut names = BTreeSet::new();
    all.board
        .into_iter()
        .map(|entry| match names.insert(entry.host.to_lowercase()) {
            true => board(entry),
            false => Err(format!("host {} is there twice", entry.host)),
        })
        .collect()
}

fn board(entry: Entry) -> Result<Board, String> {
    let Entry { host, partitions, modules } = entry;
    let named = |why: String| format!("host {host}: {why}");
    let fabric: Fabric = partitions.parse().map_err(&named)?;
    if fabric.is_empty() {
        return Err(named("there are no partitions".to_owned()));
    }
    let mut seen = BTreeSet::new();
    let mut read = BTreeMap::new();
    for (address, module) in modules {
        let address: PciAddress = address.parse().map_err(&named)?;
        if !(1..=32).contains(&module) || !seen.insert(module) {
            return Err(named(format!("module {module} is no module id, or there twice")));
        }
        read.insert(address, module);
    }
    Ok(Board { host, fabric, modules: read })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[board]]\nhost = \"a\"\npartitions = \"1,2 1 2\"\nmodules = { \"0000:1b:00.0\" = 2, \"0000:1c:00.0\" = 1 }\n";

    #[test]
    fn a_board_is_read_and_found_by_its_hosts_name() {
        let mut boards = parse(GOOD).unwrap();
        assert_eq!(
            (boards[0].fabric.to_string().as_str(), boards[0].modules.len()),
            ("1 2 1,2", 2)
        );
        assert!(Board::of(&boards, "A").is_some() && Board::of(&boards, "b").is_none());
        boards.push(Board { host: "*".into(), ..boards[0].clone() });
        assert_eq!(Board::of(&boards, "b").unwrap().host, "*");
        assert_eq!(Board::of(&boards, "a").unwrap().host, "a");
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_mistake_is_told() {
        let said = |from: &str, to: &str| parse(&GOOD.replace(from, to)).unwrap_err();
        assert!(said("= 1 }", "= 2 }").contains("module 2 is no module id, or there twice"));
        assert!(said("= 1 }", "= 40 }").contains("module 40"));
        assert!(said("1,2 1 2", "").contains("host a: there are no partitions"));
        assert!(said("1,2 1 2", "1,x").contains("x is no module id"));
        assert!(said("0000:1c:00.0", "nowhere").contains("host a"));
        assert!(said("modules", "module").contains("unknown field"));
        assert!(parse(&format!("{GOOD}{GOOD}")).unwrap_err().contains("host a is there twice"));
    }
}
