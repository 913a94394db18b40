//! The `placement` object: what placement decides, and why.

use crate::{
    command::prelude::*,
    domain::{
        gpu::Pick,
        placement::{Choice, Demand, HostClass, Refusal, Shape},
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

/// Hosts of like shape that are out.
#[derive(Debug, View)]
#[view(object = "placementhostclass")]
pub struct HostClassView {
    /// what these hosts have of what was asked
    shape: String,
    /// how many hosts
    hosts: u64,
    /// why they are out
    reasons: Vec<ReasonView>,
}

/// How many instances of a shape still fit.
#[derive(Debug, View)]
#[view(object = "placementgpushape")]
pub struct FitView {
    /// the GPU card and profile
    gpu_name: String,
    /// GPUs of each instance
    gpu_count: u32,
    /// how many such instances still fit
    instances: u64,
    /// how many still fit with all GPUs on one NUMA node
    instances_on_one_node: u64,
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
    /// the same by hosts of like shape
    #[view(admin)]
    host_classes: Option<Vec<HostClassView>>,
    /// how many instances with 1, 2, 4 and 8 of these GPUs still fit; each number stands alone
    #[view(admin)]
    gpu_shapes: Option<Vec<FitView>>,
}

fn reasons(counts: &[(String, usize)]) -> Vec<ReasonView> {
    let one = |(reason, hosts): &(String, usize)| ReasonView {
        hosts: *hosts as u64,
        reason: reason.clone(),
    };
    counts.iter().map(one).collect()
}

fn class(class: &HostClass) -> HostClassView {
    HostClassView {
        shape: class.shape.clone(),
        hosts: class.hosts as u64,
        reasons: reasons(&class.reasons),
    }
}

fn fits(left: &[(String, Vec<Shape>)]) -> Vec<FitView> {
    let all = left.iter().flat_map(|(name, shapes)| shapes.iter().map(move |it| (name, it)));
    let one = |(name, shape): (&String, &Shape)| FitView {
        gpu_name: name.clone(),
        gpu_count: shape.count,
        instances: shape.anywhere,
        instances_on_one_node: shape.on_one_node,
    };
    all.map(one).collect()
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
        let named: Vec<String> = demand.exact.iter().map(ToString::to_string).collect();
        let gpus = gpus.or_else(|| (!named.is_empty()).then(|| named.join(" and ")));
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
            gpu_device_ids: gpus.map(|_| best.picks.iter().map(id).collect()),
            hosts: Some(hosts as u64),
            reasons: None,
            host_classes: None,
            gpu_shapes: None,
        })
    }

    /// Why there is no place.
    pub(super) fn refused(caller: &Caller, refusal: &Refusal) -> Self {
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
            reasons: Some(reasons(&refusal.reasons)),
            host_classes: Some(refusal.classes.iter().map(class).collect()),
            gpu_shapes: Some(fits(&refusal.left)),
        }
    }
}
