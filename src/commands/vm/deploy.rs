//! `deployVirtualMachine`: an instance, decided at once and built by a job.

use super::{
    building, clearing, draft, grouping, not_here::DeployNotHere, placing, view::VmView, wish,
};
use crate::{
    command::prelude::*,
    domain::vm::{VmEvent, VmState},
    store::{affinity_group, detail, limit, owner::Owner, usage, vm, volume},
};
use serde::{Deserialize, Serialize};

/// `deployVirtualMachine`.
#[derive(Debug)]
pub(super) struct DeployVirtualMachine;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the ID of the pod to start in
    #[param(admin, since = "4.13")]
    pub(super) pod_id: Option<Id<id::Pod>>,
    /// the ID of the cluster to start in
    #[param(admin, since = "4.13")]
    pub(super) cluster_id: Option<Id<id::Cluster>>,
    /// the ID of the service offering: the size of the instance
    pub(super) service_offering_id: Id<id::ServiceOffering>,
    /// the ID of the template the instance is made of
    pub(super) template_id: Id<id::Template>,
    /// the ID of the zone
    pub(super) zone_id: Id<id::Zone>,
    /// the ID of the GPU offering: an ordered list of acceptable GPUs
    pub(super) gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// the number of GPUs, within what the service offering allows; its own when not given
    pub(super) gpu_count: Option<i32>,
    /// the host name of the instance
    pub(super) name: Option<String>,
    /// the name of the instance that its owner sees
    pub(super) display_name: Option<String>,
    /// the account that will own the instance; needs domainid
    pub(super) account: Option<String>,
    /// the ID of the owner's domain
    pub(super) domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that will own it
    pub(super) project_id: Option<Id<id::Project>>,
    /// the IDs of the networks, joined by commas; the first is the default one
    pub(super) network_ids: Vec<Id<id::Network>>,
    /// the size of the root disk in GiB, not smaller than the template
    #[param(since = "4.4")]
    pub(super) root_disk_size: Option<i64>,
    /// the kind of host, which must be the template's
    pub(super) hypervisor: Option<String>,
    /// user data for cloud-init in base64
    #[param(max = 1_048_576)]
    pub(super) userdata: Option<String>,
    /// the name of an SSH key pair
    pub(super) keypair: Option<String>,
    /// the names of SSH key pairs, joined by commas
    #[param(since = "4.17")]
    pub(super) keypairs: Vec<String>,
    /// the ID of the host to start on
    #[param(admin)]
    pub(super) host_id: Option<Id<id::Host>>,
    /// networks with addresses: networkid, ip, mac by index; instead of networkids
    #[param(map = "records")]
    pub(super) ip_to_network_list: Vec<BTreeMap<String, String>>,
    /// the address in the default network
    pub(super) ip_address: Option<String>,
    /// the MAC address of the default interface
    pub(super) mac_address: Option<String>,
    /// the IDs of the affinity groups it will be in, joined by commas
    #[param(name = "affinitygroupids")]
    pub(super) affinity_group_ids: Vec<Id<id::AffinityGroup>>,
    /// the names of the affinity groups, instead of their IDs
    #[param(name = "affinitygroupnames")]
    pub(super) affinity_group_names: Vec<String>,
    /// whether to start the instance; true when not given
    pub(super) start_vm: Option<bool>,
    /// whether its owner sees the instance
    #[param(admin, since = "4.2")]
    pub(super) display_vm: Option<bool>,
    /// details by name; cpuNumber, cpuSpeed and memory size an instance of a customized offering
    #[param(since = "4.3")]
    pub(super) details: BTreeMap<String, String>,
    /// what the instance boots by: BIOS or UEFI, which its host must have
    #[param(since = "4.14")]
    pub(super) boot_type: Option<String>,
    /// how it boots by UEFI: LEGACY or SECURE
    #[param(since = "4.14")]
    pub(super) boot_mode: Option<String>,
    /// elements to be added to the instance's definition, where the operator allows them; never devices
    #[param(since = "4.12", max = 5120)]
    pub(super) extra_config: Option<String>,
    #[param(group)]
    pub(super) _not_here: DeployNotHere,
}

/// What the job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    vm: Id<id::Vm>,
    /// Where it starts; none when it is not to be started.
    host: Option<Id<id::Host>>,
}

impl AsyncCommand for DeployVirtualMachine {
    const SPEC: Spec = Spec {
        name: "deployVirtualMachine",
        about: "Creates an instance and starts it, unless told otherwise",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.CREATE"),
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
        let mut draft = draft::draw(env, tx, caller, request)?;
        let is_started = request.start_vm.unwrap_or(true);
        let placed = match is_started {
            true => Some(place(env, tx, caller, &mut draft)?),
            false => None,
        };
        draft.vm.host_id = placed.as_ref().map(|placed| placed.host.id);
        draft.vm.pool_id = placed.as_ref().and_then(|placed| placed.pool);
        draft.vm.decision = placed.as_ref().and_then(|placed| placed.decision.clone());
        draft.root.pool_id = draft.vm.pool_id;
        draft.vm.state = if is_started { VmState::Starting } else { VmState::Stopped };
        vm::insert(tx, &draft.vm)?;
        volume::insert(tx, &draft.root)?;
        wish::plug(tx, caller, draft.vm.id, &draft.wishes)?;
        usage::deployed(tx, draft.vm.id, draft.root.id)?;
        detail::put(tx, draft.vm.id, &draft.details)?;
        affinity_group::join(tx, draft.vm.id, &draft.groups)?;
        let gpus = match &placed {
            Some(placed) => placing::hold(tx, placed, (draft.vm.id, owner(&draft)))?,
            None => limit::Bill::new(),
        };
        limit::charge_tagged(tx, owner(&draft), &bill(&draft, gpus), tags(&draft))?;
        let plan = Plan { vm: draft.vm.id, host: draft.vm.host_id };
        let id = draft.vm.id.uuid();
        Ok(Admitted {
            plan,
            subject: Some((Kind::Vm, id)),
            created: Some(id),
            describe: Some(format!("starting instance {}", draft.vm.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<VmView>> {
        let vm = plan.vm;
        if plan.host.is_some() {
            building::build(cx, vm, true).await?;
        }
        Ok(One(cx.db.read(move |conn| vm::one(conn, vm)).await?.into()))
    }

    async fn undo(cx: &Cx, plan: &Plan) -> Result<()> {
        match plan.host {
            Some(host) => clearing::undo_start(cx, plan.vm, host, VmEvent::DeployFailed).await,
            None => Ok(()),
        }
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        plan.host
    }
}

/// A place; where there is none, a limit that would have refused it anyway is said first.
fn place(
    env: &Env,
    tx: &mut Tx<'_>,
    caller: &Caller,
    draft: &mut draft::Draft,
) -> Result<placing::Placed> {
    grouping::settle(tx, &draft.groups, draft.vm.id, &mut draft.order)?;
    match placing::place(env, tx, caller, &draft.order) {
        Err(Error::Capacity(text)) => {
            let gpus = draft.order.demand.alternatives.iter().map(|wanted| wanted.count).min();
            let gpus = usize::try_from(gpus.unwrap_or(0)).unwrap_or(usize::MAX);
            let bill = bill(draft, limit::bill_of_known_gpus(gpus, 0));
            limit::check(tx, owner(draft), &bill, tags(draft))?;
            Err(Error::Capacity(text))
        }
        other => other,
    }
}

fn owner(draft: &draft::Draft) -> Owner {
    Owner { account: draft.vm.account_id, domain: draft.vm.domain_id }
}

/// The tags with limits that it and its disk count for.
fn tags(draft: &draft::Draft) -> limit::Tags<'_> {
    limit::Tags { host: draft.vm.limit_tags.as_deref(), storage: draft.root.limit_tags.as_deref() }
}

/// What the instance counts against its owner's limits.
fn bill(draft: &draft::Draft, gpus: limit::Bill) -> limit::Bill {
    let mut bill = limit::bill_of_vm(draft.vm.cpu_number, draft.vm.memory_mib);
    bill.extend(gpus);
    bill.extend(volume::bill(draft.root.size));
    bill
}
