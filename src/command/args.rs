//! The parameters of a request, as text: names in lower case, map parameters taken apart.

use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// How a map parameter is written (dialect section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapStyle {
    /// Every `[i].K=V` contributes K=V.
    Merge,
    /// Only the lowest index counts.
    First,
    /// `[i].key=K&[i].value=V`; plain `[i].K=V` is taken too.
    KeyValue,
    /// One record an index, fields kept apart: read by [`Args::records`].
    Records,
}

/// Parameters by lower-case name; of a map parameter `name[i].field` the field keeps its case.
#[derive(Debug, Clone, Default)]
pub struct Args {
    plain: BTreeMap<String, String>,
    maps: BTreeMap<String, BTreeMap<u32, BTreeMap<String, String>>>,
}

impl Args {
    /// Takes pairs apart. Errors: 430 when a name with a bracket is malformed.
    pub fn new<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Result<Self> {
        let mut args = Self::default();
        for (name, value) in pairs {
            if name.contains('[') {
                let (map, index, field) =
                    take_apart(&name).ok_or_else(|| Error::BadMap(name.clone()))?;
                args.maps.entry(map).or_default().entry(index).or_default().insert(field, value);
            } else {
                args.plain.insert(name.to_lowercase(), value);
            }
        }
        Ok(args)
    }

    /// A plain parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.plain.get(name).map(String::as_str)
    }

    /// Sets a plain parameter (tests, aliases).
    pub fn set(&mut self, name: &str, value: &str) {
        self.plain.insert(name.to_lowercase(), value.to_owned());
    }

    /// All plain parameters in order of name.
    pub fn plain(&self) -> impl Iterator<Item = (&str, &str)> {
        self.plain.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All values, with the name of their parameter.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let maps = self.maps.iter().flat_map(|(name, records)| {
            records
                .values()
                .flat_map(BTreeMap::values)
                .map(move |value| (name.as_str(), value.as_str()))
        });
        self.plain().chain(maps)
    }

    /// A map parameter under its style.
    pub fn map(&self, name: &str, style: MapStyle) -> BTreeMap<String, String> {
        let Some(records) = self.maps.get(name) else { return BTreeMap::new() };
        match style {
            MapStyle::First => records.values().next().cloned().unwrap_or_default(),
            MapStyle::Merge | MapStyle::Records => {
                records.values().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
            }
            MapStyle::KeyValue => records.values().flat_map(key_value).collect(),
        }
    }

    /// A map parameter as records, in order of index.
    pub fn records(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        self.maps.get(name).map(|records| records.values().cloned().collect()).unwrap_or_default()
    }
}

fn key_value(record: &BTreeMap<String, String>) -> Vec<(String, String)> {
    match (record.get("key"), record.get("value")) {
        (Some(key), Some(value)) => vec![(key.clone(), value.clone())],
        _ => record.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
    }
}

/// `details[0].cpuNumber` -> (`details`, 0, `cpuNumber`).
fn take_apart(name: &str) -> Option<(String, u32, String)> {
    let (map, rest) = name.split_once('[')?;
    let (index, rest) = rest.split_once(']')?;
    let field = rest.strip_prefix('.')?;
    let plain = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
    if !plain || field.is_empty() || field.contains('[') {
        return None;
    }
    Some((map.to_lowercase(), index.parse().ok()?, field.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(pairs: &[(&str, &str)]) -> Result<Args> {
        Args::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn names_are_lower_case_and_map_fields_keep_theirs() {
        let args =
            args(&[("HostId", "x"), ("Details[0].cpuNumber", "4"), ("details[2].memory", "1")])
                .unwrap();
        assert_eq!(args.get("hostid"), Some("x"));
        let merged = args.map("details", MapStyle::Merge);
        assert_eq!(merged.get("cpuNumber").map(String::as_str), Some("4"));
        assert_eq!(merged.len(), 2);
        assert_eq!(args.map("details", MapStyle::First).len(), 1);
    }

    #[test]
    fn both_ways_to_write_a_key_and_a_value_are_read() {
        let args = args(&[("d[0].key", "a"), ("d[0].value", "1"), ("d[1].b", "2")]).unwrap();
        let map = args.map("d", MapStyle::KeyValue);
        assert_eq!(
            map.into_iter().collect::<Vec<_>>(),
            [("a".into(), "1".into()), ("b".into(), "2".into())]
        );
    }

    #[test]
    fn malformed_map_names_are_430() {
        for name in ["details[0]", "details[x].a", "details[0]a", "details[].a", "details[0]."] {
            assert_eq!(args(&[(name, "1")]).unwrap_err().code(), 430, "{name}");
        }
    }
}
