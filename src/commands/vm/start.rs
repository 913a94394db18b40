//! `startVirtualMachine`: where its disk is, with the devices it kept or with new ones. What was made by hand starts from
//! its own definition.

use super::{
    building,
    clearing::{self, Before},
    draft::{self, Order, Size},
    grouping, hand_made,
    not_here::StartNotHere,
    placing,
    view::VmView,
};
use crate::{
    command::prelude::*,
    domain::{
        gpu::AllocationState,
        machine::{Firmware, shape::HugePages},
        placement::{Disk, Needs, NumaPolicy},
        vm::{GpuDemand, VmEvent, VmState},
    },
    store::{
        affinity_group, debt,
        gpu_held::{self, HeldDevice},
        limit,
        owner::Owner,
        placement::words,
        vm::{self, Vm},
        volume,
    },
};
use serde::{Deserialize, Serialize};

/// `startVirtualMachine`.
#[derive(Debug)]
pub(super) struct StartVirtualMachine;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    id: Id<id::Vm>,
    /// the ID of the pod to start in
    #[param(admin)]
    pod_id: Option<Id<id::Pod>>,
    /// the ID of the cluster to start in
    #[param(admin)]
    cluster_id: Option<Id<id::Cluster>>,
    /// the ID of the host to start on
    #[param(admin, since = "3.0.1")]
    host_id: Option<Id<id::Host>>,
    #[param(group)]
    _not_here: StartNotHere,
}

/// What the job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    vm: Id<id::Vm>,
    host: Id<id::Host>,
    had_devices: bool,
    had_disks: bool,
    /// Whether it was made by hand.
    #[serde(default)]
    is_adopted: bool,
}

impl AsyncCommand for StartVirtualMachine {
    const SPEC: Spec = Spec {
        name: "startVirtualMachine",
        about: "Starts an instance that is stopped",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.START"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Undo;
    type Request = Request;
    type Plan = Plan;
    type Response = One<VmView>;

    fn admit(
        env: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let id = request.id;
        let now = vm::get(tx, id)?;
        if now.state != VmState::Stopped {
            // the table of states says what is in the way
            vm::step(tx, &now, VmEvent::Start)?;
            return Err(Error::Conflict(format!("instance {id} is {}", now.state)));
        }
        if debt::is_owed(tx, id.uuid())? {
            return Err(Error::Unavailable(format!(
                "instance {id} still has to be cleaned up on a host that does not answer"
            )));
        }
        let held = gpu_held::held_by(tx, id)?;
        if held.iter().any(|device| device.state != AllocationState::Allocated) {
            return Err(Error::Unavailable(format!(
                "instance {id} is still giving GPUs back, which waits for their host"
            )));
        }
        let disks = volume::of_vm(tx, id)?;
        let had_disks = disks.iter().any(|disk| disk.state == "Ready");
        let kept_at = held.first().map(|device| device.host);
        let order = order(tx, &now, request, had_disks, &held)?;
        let placed = placing::place(env, tx, caller, &order)?;
        vm::step(tx, &now, VmEvent::Start)?;
        // who kept its devices is where it was decided before
        let decision = placed.decision.as_deref().filter(|_| kept_at.is_none());
        vm::place(tx, id, (placed.host.id, placed.pool), decision)?;
        let owner = Owner { account: now.account_id, domain: now.domain_id };
        let gpus = placing::hold(tx, &placed, (id, owner))?;
        limit::charge_tagged(tx, owner, &gpus, limit::Tags::of_vm(now.limit_tags.as_deref()))?;
        let host = placed.host.id;
        Ok(Admitted {
            plan: Plan {
                vm: id,
                host,
                had_devices: kept_at.is_some(),
                had_disks,
                is_adopted: now.adopted,
            },
            subject: Some((Kind::Vm, id.uuid())),
            created: None,
            describe: Some(format!("starting instance {}", now.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<VmView>> {
        let vm = plan.vm;
        match plan.is_adopted {
            true => hand_made::start(cx, vm, plan.host).await?,
            false => building::build(cx, vm, !plan.had_disks).await?,
        }
        Ok(One(cx.db.read(move |conn| vm::one(conn, vm)).await?.into()))
    }

    async fn undo(cx: &Cx, plan: &Plan) -> Result<()> {
        let before = Before {
            had_devices: plan.had_devices,
            had_disks: plan.had_disks || plan.is_adopted,
            is_adopted: plan.is_adopted,
        };
        clearing::undo(cx, plan.vm, plan.host, VmEvent::StartFailed, before).await
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        Some(plan.host)
    }
}

/// What placement must find for an instance that exists.
fn order(
    tx: &mut Tx<'_>,
    now: &Vm,
    request: &Request,
    had_disks: bool,
    held: &[HeldDevice],
) -> Result<Order> {
    let asks = vm::asks(tx, now.id)?;
    let groups = match asks.is_grouped {
        true => affinity_group::of_vm(tx, now.id)?,
        false => Vec::new(),
    };
    let kept_at = held.first().map(|device| device.host);
    let asked = GpuDemand::read(now.demand.as_deref());
    let gpus = asked.clone().filter(|_| kept_at.is_none());
    let size = Size { cpus: now.cpu_number, mhz: now.cpu_speed, memory_mib: now.memory_mib };
    if let (Some(kept), Some(wanted)) = (kept_at, request.host_id)
        && kept != wanted
    {
        return Err(Error::Invalid(format!(
            "instance {} holds GPUs of host {kept} and can start there only",
            now.id
        )));
    }
    let host = kept_at.or(request.host_id);
    let needs = Needs {
        hypervisor: Some(now.hypervisor.clone()),
        arch: Some(asks.arch),
        pod: request.pod_id,
        cluster: request.cluster_id,
        tags: words(asks.host_tags.as_deref()),
        firmware: Firmware::read(asks.uefi.as_deref()),
        pages: HugePages::size(asks.huge_pages.as_deref()),
        disk: Some(Disk {
            pool: now.pool_id.filter(|_| had_disks),
            tags: words(asks.storage_tags.as_deref()),
            space: u64::try_from(asks.image_size).unwrap_or_default(),
        }),
    };
    let mut order = Order { zone: now.zone_id, demand: draft::demand(&size, &gpus, needs, host) };
    if !held.is_empty() {
        let node = |device: &HeldDevice| u32::try_from(device.numa_node?).ok();
        order.demand.kept = held.iter().filter_map(node).collect();
        order.demand.numa = asked.map_or(NumaPolicy::Ignored, |gpus| gpus.numa);
    }
    if now.adopted {
        hand_made::bind(tx, now, held, &mut order)?;
    }
    grouping::settle(tx, &groups, now.id, &mut order)?;
    Ok(order)
}
