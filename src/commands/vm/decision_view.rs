//! The `placementdecision` object: where an instance was put, and why there.

use crate::{
    command::prelude::*,
    domain::placement::{
        NumaPolicy,
        decision::{Decision, Other},
    },
    store::vm::Decided,
};
use std::collections::HashMap;

/// A host that would have done.
#[derive(Debug, View)]
#[view(object = "placementalternative")]
pub struct OtherView {
    /// the ID of the host
    host_id: Id<id::Host>,
    /// the name of the host
    host_name: Option<String>,
    /// why the instance is not there
    reason: String,
    /// on how many NUMA nodes its GPUs would be
    numa_node_count: u32,
    /// behind how many PCIe switches
    pci_switch_count: u32,
    /// how much room for others it would cost
    damage: u32,
}

/// What was decided when an instance last reserved its place.
#[derive(Debug, View)]
#[view(object = "placementdecision")]
pub struct DecisionView {
    /// the ID of the instance
    virtual_machine_id: Id<id::Vm>,
    /// the name of the instance
    virtual_machine_name: String,
    /// when it was decided
    decided: Date,
    /// the decision in one sentence
    explanation: String,
    /// the GPU card and profile it got
    gpu_name: Option<String>,
    /// how many of them
    gpu_count: Option<u32>,
    /// which alternative of the GPU offering, from 1
    alternative: Option<u32>,
    /// how many alternatives there were
    alternative_count: Option<u32>,
    /// what was asked of NUMA nodes
    numa_policy: Option<String>,
    /// whether instances are put close together or far apart
    placement: Option<String>,
    /// the NUMA nodes of its GPUs, joined by commas
    numa_nodes: Option<String>,
    /// the ID of the host
    #[view(admin)]
    host_id: Option<Id<id::Host>>,
    /// the name of the host
    #[view(admin)]
    host_name: Option<String>,
    /// the GPU devices; a slice that was made for it is named by its GPU
    #[view(admin)]
    gpu_device_ids: Option<Vec<String>>,
    /// behind how many PCIe switches its GPUs are
    #[view(admin)]
    pci_switch_count: Option<u32>,
    /// how many GPUs were cut for the first time
    #[view(admin)]
    opened_gpus: Option<u32>,
    /// how much room for others it cost
    #[view(admin)]
    damage: Option<u32>,
    /// how many hosts were looked at
    #[view(admin)]
    hosts: Option<u64>,
    /// how many hosts its affinity groups ruled out
    #[view(admin)]
    hosts_ruled_out: Option<u64>,
    /// why the alternatives before this one were passed over
    #[view(admin)]
    passed_over: Option<String>,
    /// the next best hosts, and better ones that were busy
    #[view(admin)]
    others: Option<Vec<OtherView>>,
}

/// Names of hosts.
type Names = HashMap<Id<id::Host>, String>;

/// A decision as it was written.
pub(super) fn read(decided: &Decided) -> Result<Decision> {
    serde_json::from_str(&decided.text).map_err(|error| Error::Internal(Box::new(error)))
}

/// As GPU offerings say it.
const fn numa(policy: NumaPolicy) -> &'static str {
    match policy {
        NumaPolicy::Required => "required",
        NumaPolicy::Preferred => "preferred",
        NumaPolicy::Ignored => "none",
    }
}

impl DecisionView {
    /// A decision with the names of its hosts.
    pub(super) fn of(decided: Decided, decision: Decision, names: &Names) -> Self {
        let explanation = decision.sentence();
        let Decision { host, gpus, hosts, others, ruled_out } = decision;
        let gpu = gpus.as_ref();
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let nodes = gpu.map(|gpu| {
            let nodes: Vec<String> = gpu.numa_nodes.iter().map(ToString::to_string).collect();
            nodes.join(",")
        });
        let other = |Other { host, score, why }| OtherView {
            host_id: host,
            host_name: names.get(&host).cloned(),
            reason: why,
            numa_node_count: score.nodes,
            pci_switch_count: score.places,
            damage: score.damage,
        };
        Self {
            virtual_machine_id: decided.vm,
            virtual_machine_name: decided.name,
            decided: decided.at.into(),
            explanation,
            gpu_name: gpu.map(|gpu| gpu.name.clone()),
            gpu_count: gpu.map(|gpu| gpu.count),
            alternative: gpu.map(|gpu| number(gpu.alternative)),
            alternative_count: gpu.map(|gpu| number(gpu.alternatives)),
            numa_policy: gpu.map(|gpu| numa(gpu.numa).to_owned()),
            placement: gpu.map(|gpu| gpu.packing.as_str().to_lowercase()),
            numa_nodes: nodes.filter(|nodes| !nodes.is_empty()),
            host_id: Some(host),
            host_name: names.get(&host).cloned(),
            gpu_device_ids: gpu.map(|gpu| gpu.devices.iter().map(ToString::to_string).collect()),
            pci_switch_count: gpu.map(|gpu| gpu.score.places),
            opened_gpus: gpu.map(|gpu| gpu.score.opened),
            damage: gpu.map(|gpu| gpu.score.damage),
            hosts: Some(hosts as u64),
            hosts_ruled_out: Some(ruled_out as u64),
            passed_over: gpus.and_then(|gpus| gpus.passed_over),
            others: Some(others.into_iter().map(other).collect()),
        }
    }
}
