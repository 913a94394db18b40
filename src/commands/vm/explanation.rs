//! The `placement` object: what placement decides, and why.

use crate::{
    command::prelude::*,
    domain::{
        gpu::Pick,
        placement::{Choice, Demand, Refusal},
    },
    store::vm,
};

/// Hosts that are out for one reason.
#[derive(Debug, View)]
#[view(object = "placementreason")]
pub struct ReasonView {
    /// how many hosts
    hosts: u64,
    /// why
    reason: String,
}

/// Where an instance would go, or why it would go nowhere.
#[derive(Debug, View)]
#[view(object = "placement")]
pub struct PlacementView {
    /// whether the instance can be placed now
    fits: bool,
    /// the same in one sentence
    explanation: String,
    /// the GPU card and profile it would get
    gpu_name: Option<String>,
    /// how many of them
    gpu_count: Option<u32>,
    /// the NUMA nodes they are on, joined by commas
    numa_nodes: Option<String>,
    /// what would fit instead
    nearest: Option<Vec<String>>,
    /// the ID of the host
    #[view(admin)]
    host_id: Option<Id<id::Host>>,
    /// the name of the host
    #[view(admin)]
    host_name: Option<String>,
    /// the GPU devices it would get; a slice that would be made is named by its GPU
    #[view(admin)]
    gpu_device_ids: Option<Vec<String>>,
    /// how many hosts were looked at
    #[view(admin)]
    hosts: Option<u64>,
    /// why hosts are out
    #[view(admin)]
    reasons: Option<Vec<ReasonView>>,
}

impl PlacementView {
    /// The best of these choices.
    pub(super) fn fits(
        conn: &mut Conn,
        demand: &Demand,
        hosts: usize,
        choices: &[Choice],
    ) -> Result<Self> {
        let best = choices.first().ok_or_else(|| Error::internal("no choice and no refusal"))?;
        let host = vm::address(conn, best.host)?;
        let asked = best.alternative.and_then(|n| demand.alternatives.get(n));
        let gpus = asked.map(|a| format!("{} x {}", a.count, a.name));
        let nodes: Vec<String> = best.numa_nodes.iter().map(ToString::to_string).collect();
        let on_nodes = match nodes.as_slice() {
            [] => String::new(),
            [node] => format!(" on NUMA node {node}"),
            many => format!(" on NUMA nodes {}", many.join(", ")),
        };
        let explanation = match &gpus {
            Some(gpus) => format!("the instance fits: {gpus}{on_nodes}"),
            None => "the instance fits".to_owned(),
        };
        let id = |pick: &Pick| match pick {
            Pick::Device(id) | Pick::Slice { gpu: id, .. } => id.to_string(),
        };
        Ok(Self {
            fits: true,
            explanation,
            gpu_name: asked.map(|a| a.name.clone()),
            gpu_count: asked.map(|a| a.count),
            numa_nodes: (!nodes.is_empty()).then(|| nodes.join(",")),
            nearest: None,
            host_id: Some(host.id),
            host_name: Some(host.name),
            gpu_device_ids: asked.map(|_| best.picks.iter().map(id).collect()),
            hosts: Some(hosts as u64),
            reasons: None,
        })
    }

    /// Why there is no place.
    pub(super) fn refused(caller: &Caller, refusal: &Refusal) -> Self {
        let reason = |(reason, hosts): &(String, usize)| ReasonView {
            hosts: *hosts as u64,
            reason: reason.clone(),
        };
        Self {
            fits: false,
            explanation: match caller.is_admin() {
                true => refusal.for_admins(),
                false => refusal.for_users(),
            },
            gpu_name: None,
            gpu_count: None,
            numa_nodes: None,
            nearest: Some(refusal.nearest.iter().map(ToString::to_string).collect()),
            host_id: None,
            host_name: None,
            gpu_device_ids: None,
            hosts: Some(refusal.hosts as u64),
            reasons: Some(refusal.reasons.iter().map(reason).collect()),
        }
    }
}
