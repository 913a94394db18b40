//! The cloud-init seed of an instance: its name, its keys, its addresses, its user data.

use crate::{
    command::prelude::*,
    hypervisor::seed::{self, Seed},
    store::vm::{Blueprint, Plug},
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Base64 as people write it: with or without padding.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes behind base64, in its usual or its URL alphabet.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let usual: String = text
        .chars()
        .map(|c| {
            if c == '-' {
                '+'
            } else if c == '_' {
                '/'
            } else {
                c
            }
        })
        .collect();
    TOLERANT.decode(usual).ok()
}

/// Writes the seed's image; whoever uploads it removes it.
pub(super) async fn image(plan: &Blueprint, directory: &Path) -> Result<PathBuf> {
    let user_data = plan.user_data.as_deref().and_then(decode).unwrap_or_default();
    let (meta, network) = (meta_data(plan)?, network_config(&plan.plugs)?);
    let directory = directory.join("seeds");
    let work = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&directory).map_err(|error| Error::Internal(Box::new(error)))?;
        let seed =
            Seed { user_data: &user_data, meta_data: &meta, network_config: network.as_deref() };
        seed::build(&seed, &directory)
    });
    work.await.map_err(|error| Error::Internal(Box::new(error)))?
}

/// JSON is YAML, and escapes what must be escaped.
fn meta_data(plan: &Blueprint) -> Result<String> {
    let mut meta = json!({
        "instance-id": plan.vm.id,
        "local-hostname": plan.vm.name,
    });
    if !plan.public_keys.is_empty() {
        meta["public-keys"] = json!(plan.public_keys);
    }
    text(&meta)
}

fn text(value: &Value) -> Result<String> {
    let line = serde_json::to_string(value).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(format!("{line}\n"))
}

/// Fixed addresses, where a network has no DHCP of ours; else the guest asks.
fn network_config(plugs: &[Plug]) -> Result<Option<String>> {
    if !plugs.iter().any(|plug| plug.guest_type == "Shared" && plug.ip.is_some()) {
        return Ok(None);
    }
    let mut cards = serde_json::Map::new();
    for (index, plug) in plugs.iter().enumerate() {
        let mut card =
            json!({"match": {"macaddress": plug.mac}, "set-name": format!("eth{index}")});
        let prefix =
            plug.cidr.as_deref().and_then(|cidr| cidr.split_once('/')).map(|(_, bits)| bits);
        match (&plug.ip, plug.guest_type.as_str()) {
            (Some(ip), "Shared") => {
                card["addresses"] = json!([format!("{ip}/{}", prefix.unwrap_or("24"))]);
                if let Some(gateway) = plug.gateway.as_ref().filter(|_| plug.is_default) {
                    card["routes"] = json!([{"to": "0.0.0.0/0", "via": gateway}]);
                }
            }
            (_, "Isolated") => card["dhcp4"] = json!(true),
            _ => {}
        }
        cards.insert(format!("eth{index}"), card);
    }
    text(&json!({"version": 2, "ethernets": cards})).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_people_write_it() {
        for text in ["aGk=", "aGk"] {
            assert_eq!(decode(text).as_deref(), Some(b"hi".as_slice()));
        }
        assert_eq!(decode("-_8"), decode("+/8="));
        assert_eq!(decode("not base64!"), None);
    }

    #[test]
    fn a_shared_network_gives_fixed_addresses() {
        let plug = Plug {
            network: Id::mint(),
            guest_type: "Shared".into(),
            bridge: Some("br0".into()),
            gateway: Some("10.0.0.1".into()),
            cidr: Some("10.0.0.0/16".into()),
            mac: "02:00:00:00:00:01".into(),
            ip: Some("10.0.0.9".into()),
            is_default: true,
        };
        let config = network_config(std::slice::from_ref(&plug)).unwrap().unwrap();
        assert!(config.contains(r#""addresses":["10.0.0.9/16"]"#), "{config}");
        assert_eq!(
            network_config(&[Plug { guest_type: "Isolated".into(), ..plug }]).unwrap(),
            None
        );
    }
}
