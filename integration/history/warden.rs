//! An administrator who looks after the hosts meanwhile: takes devices away and gives them back, resets what is in
//! quarantine, looks at hosts anew, asks what would fit.

use super::{arena::Arena, record::Dice};
use serde_json::Value;
use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed, time::Duration};

/// What it does whatever happens; a reset only of what came into quarantine.
pub const COMMANDS: &[&str] =
    &["disableGpuDevice", "enableGpuDevice", "discoverGpuDevices", "listGpuCapacity"];

/// Works until so many operations were made; how often each command was answered well.
pub async fn tend(arena: &Arena, seed: u64, operations: u64) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let mut dice = Dice::new(seed, u64::MAX - 1);
    while arena.done.load(Relaxed) < operations {
        tokio::time::sleep(Duration::from_millis(20 + dice.below(80) as u64)).await;
        let all = arena.addresses();
        let admin = arena.admin.at(all[dice.below(all.len())]);
        // whoever has no answer tries again another time
        let Ok(page) = admin.try_call("listGpuDevices", &[]).await else { continue };
        let devices = page.json["listgpudevicesresponse"]["gpudevice"].as_array();
        let devices = devices.cloned().unwrap_or_default();
        let in_quarantine = devices.iter().find(|device| device["health"] == "Quarantined");
        let any = match devices.len() {
            0 => continue,
            most => &devices[dice.below(most)],
        };
        let id = |device: &Value| device["id"].as_str().unwrap_or_default().to_owned();
        let host = any["hostid"].as_str().unwrap_or_default().to_owned();
        let (command, key, value) = match (dice.below(6), in_quarantine) {
            (0, _) => ("disableGpuDevice", "ids", id(any)),
            (1 | 2, _) => ("enableGpuDevice", "ids", id(any)),
            (3, _) => ("discoverGpuDevices", "id", host),
            (_, Some(device)) => ("resetGpuDevice", "id", id(device)),
            _ => ("listGpuCapacity", "zoneid", arena.zone.deploy[0].1.clone()),
        };
        arena.count();
        if admin.try_call(command, &[(key, &value)]).await.is_ok_and(|answer| answer.status == 200)
        {
            *counts.entry(command).or_default() += 1;
        }
    }
    counts
}
