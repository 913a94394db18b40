//! `adoptVirtualMachine`: takes domains that were made by hand on a host, and run with GPUs, into the books as instances
//! that hold these GPUs. Without `dryrun=false` it only shows what would be done, and why not.
//!
//! The domain goes on running as it is; nothing on the host is touched. Its disks are volumes from then on, its interfaces
//! are in the network of the bridge they are plugged into; what the books cannot hold is told as a note. The service made
//! none of them and could not make them again. So a stop leaves its definition on the host, a start uses it as long as it
//! names the devices that the instance holds (the books notice a start by hand, too), another offering is refused, and a
//! destroy removes the definition and leaves its disks.

use super::{adopting::AdoptionView, draft};
use crate::{
    command::prelude::*,
    domain::{
        machine::{SeenDomain, SeenParts},
        placement::{NumaPolicy, Packing},
        vm::{Choice, GpuDemand, VmState},
    },
    hypervisor::HostDriver,
    store::{
        adopted_parts,
        adoption::{self, Stray},
        deploy, gpu_claim, limit,
        owner::{self, Owner},
        usage::{self, Usage},
        vm, volume,
    },
};
use std::collections::HashMap;

/// `adoptVirtualMachine`.
#[derive(Debug)]
pub(super) struct AdoptVirtualMachine;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the ID of the host
    host_id: Id<id::Host>,
    /// the ID of the service offering the instance counts as; its size must be fixed
    service_offering_id: Id<id::ServiceOffering>,
    /// the ID of the template that tells the instance's operating system; nothing is read of it
    template_id: Id<id::Template>,
    /// the name of the domain on its host; all that have GPUs when not given
    domain_name: Option<String>,
    /// the host name of the instance; that of the domain when not given
    name: Option<String>,
    /// the name of the instance that its owner sees
    display_name: Option<String>,
    /// the account that will own the instance; needs domainid
    account: Option<String>,
    /// the ID of the owner's domain
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that will own it
    project_id: Option<Id<id::Project>>,
    /// whether only to show what would be done; true when not given
    dry_run: Option<String>,
}

impl Command for AdoptVirtualMachine {
    const SPEC: Spec = Spec {
        name: "adoptVirtualMachine",
        about: "Takes running domains that hold GPUs by hand into the inventory, or shows what would be taken",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("VM.ADOPT"),
    };
    type Request = Request;
    type Response = List<AdoptionView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let host = request.host_id;
        let is_real = request
            .dry_run
            .as_deref()
            .is_some_and(|word| word.trim().eq_ignore_ascii_case("false"));
        let driver = cx.hosts.at(host)?;
        let mut domains = driver.domains().await?;
        domains.sort_by_key(|domain| domain.uuid);
        let wanted = request.domain_name.clone();
        let is_named =
            |domain: &&SeenDomain| wanted.as_ref().is_none_or(|name| *name == domain.name);
        let names: Vec<uuid::Uuid> = domains.iter().filter(is_named).map(|d| d.uuid).collect();
        if let (Some(name), true) = (&wanted, names.is_empty()) {
            return Err(Error::Invalid(format!("there is no domain {name} on host {host}")));
        }
        let (asked, caller) = (request.clone(), cx.caller.clone());
        let mut parts = ask(cx, driver.as_ref(), host, (&domains, &names)).await?;
        let (seen, known) = (domains.clone(), parts.clone());
        let shown = cx
            .db
            .txn("adopt dry run", move |tx| {
                let mut strays = adoption::strays(tx, host, &seen)?;
                strays.retain(|stray| names.contains(&stray.domain.uuid));
                for stray in &mut strays {
                    let parts = known.get(&stray.domain.uuid).cloned().unwrap_or_default();
                    examine(tx, &caller, &asked, (stray, &parts))?;
                }
                Ok(strays)
            })
            .await?;
        if !is_real {
            let views = shown.iter().map(|stray| AdoptionView::new(host, stray, false));
            return Ok(List::whole(views.collect()));
        }
        if let (Some(_), [only]) = (&wanted, shown.as_slice())
            && !only.against.is_empty()
        {
            let why = only.against.join("; ");
            return Err(Error::Conflict(format!(
                "domain {} cannot be adopted: {why}",
                only.domain.name
            )));
        }
        let mut views = Vec::new();
        for mut stray in shown {
            let known = parts.remove(&stray.domain.uuid).unwrap_or_default();
            match one(cx, &request, &domains, (stray.clone(), known)).await {
                // of many, those that cannot be taken over hold up nobody
                Err(error @ (Error::Limit(_) | Error::Conflict(_))) if wanted.is_none() => {
                    stray.against.push(error.to_string());
                    views.push(AdoptionView::new(host, &stray, false));
                }
                done => views.push(done?),
            }
        }
        Ok(List::whole(views))
    }
}

/// What the host says these domains have besides devices, as far as they could be taken over.
async fn ask(
    cx: &Cx,
    driver: &dyn HostDriver,
    host: Id<id::Host>,
    (domains, names): (&[SeenDomain], &[uuid::Uuid]),
) -> Result<HashMap<uuid::Uuid, SeenParts>> {
    let seen = domains.to_vec();
    let found = cx.db.read(move |conn| adoption::strays(conn, host, &seen)).await?;
    let mut parts = HashMap::new();
    for stray in found.iter().filter(|stray| names.contains(&stray.domain.uuid)) {
        parts.insert(stray.domain.uuid, driver.parts(stray.domain.uuid).await?);
    }
    Ok(parts)
}

/// Takes one domain over, in one transaction; what speaks against it by then is told.
async fn one(
    cx: &Cx,
    request: &Request,
    domains: &[SeenDomain],
    (stray, parts): (Stray, SeenParts),
) -> Result<AdoptionView> {
    let host = request.host_id;
    if !stray.against.is_empty() {
        return Ok(AdoptionView::new(host, &stray, false));
    }
    let (request, domains, uuid) = (request.clone(), domains.to_vec(), stray.domain.uuid);
    let done = cx
        .write(move |tx, caller| {
            let subject = Some((Kind::Vm, uuid));
            let locked = gpu_claim::lock_host(tx, host)?;
            if locked.state != "Up" {
                return Err(Error::Conflict(format!("host {host} is {}", locked.state)));
            }
            let strays = adoption::strays(tx, host, &domains)?;
            let Some(mut stray) = strays.into_iter().find(|it| it.domain.uuid == uuid) else {
                return Err(Error::Conflict(format!("domain {uuid} is an instance already")));
            };
            let draft = examine(tx, caller, &request, (&mut stray, &parts))?;
            if !stray.against.is_empty() {
                let why = stray.against.join("; ");
                return Err(Error::Conflict(format!("domain {uuid} cannot be adopted: {why}")));
            }
            let Some(Draft { row, owner }) = draft else {
                return Err(Error::internal("nothing speaks against nothing"));
            };
            vm::insert(tx, &row)?;
            adoption::hold(tx, &locked, row.id, &stray.devices)?;
            adopted_parts::hold(tx, row.id, &stray.parts)?;
            usage::begin(tx, Usage::Allocated, row.id)?;
            usage::begin(tx, Usage::Running, row.id)?;
            let mut bill = bill((row.cpu_number, row.memory_mib), &stray);
            bill.extend(limit::bill_of_gpus(row.id, stray.devices.len()));
            let tags = limit::Tags::of_vm(row.limit_tags.as_deref());
            limit::charge_tagged(tx, owner, &bill, tags)?;
            gpu_claim::confirm(tx, row.id)?;
            Ok((subject, stray))
        })
        .await?;
    Ok(AdoptionView::new(host, &done, true))
}

/// An instance to be, and whose.
struct Draft {
    row: vm::New,
    owner: Owner,
}

/// Adds what speaks against taking it over besides its devices: offering, owner, room. None: something does.
fn examine(
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &Request,
    (stray, parts): (&mut Stray, &SeenParts),
) -> Result<Option<Draft>> {
    let wanted = (request.account.as_deref(), request.domain_id, request.project_id);
    let owner = owner::designate(tx, caller, wanted)?;
    let named = deploy::Named {
        offering: request.service_offering_id,
        gpus: None,
        template: request.template_id,
        owner: owner.account,
        key_pairs: String::new(),
    };
    let (compute, image, _) = deploy::compute(tx, &named)?;
    let name = &compute.name;
    if !compute.is_active {
        return Err(Error::Invalid(format!("service offering {name} is not active")));
    }
    let (Some(cpus), Some(memory_mib), false) =
        (compute.cpu_number, compute.memory_mib, compute.is_customized)
    else {
        return Err(Error::Invalid(format!("the size of service offering {name} is not fixed")));
    };
    let (zone, room) = adoption::room(tx, request.host_id)?;
    if compute.zone.is_some_and(|other| other != zone) {
        return Err(Error::Invalid(format!("service offering {name} is for another zone")));
    }
    let id = Id::from_uuid(stray.domain.uuid);
    stray.parts = adopted_parts::parts(tx, parts, id, (owner, zone))?;
    let demand = demand(stray);
    stray.against.extend(misfit(&compute, demand.as_ref()));
    if i64::from(memory_mib) > room {
        stray.against.push(format!(
            "service offering {name} counts {memory_mib} MiB of memory, the host has {room} MiB left"
        ));
    }
    let tags = limit::Tags::of_vm(compute.host_limits.as_deref());
    match limit::check(tx, owner, &bill((cpus, memory_mib), stray), tags) {
        Err(Error::Limit(why)) => stray.against.push(why),
        other => other?,
    }
    if !stray.against.is_empty() {
        return Ok(None);
    }
    let size = (cpus, compute.cpu_speed.unwrap_or(draft::DEFAULT_MHZ), memory_mib);
    let gpu_offering_id = compute.gpu_offering.as_ref().map(|offering| offering.id);
    let new = row(request, stray, (caller.user, owner), (zone, size))?;
    let (hypervisor, limit_tags) = (image.hypervisor, compute.host_limits);
    let row = vm::New { gpu_offering_id, hypervisor, limit_tags, ..new };
    Ok(Some(Draft { row, owner }))
}

/// What it counts besides its GPUs.
fn bill((cpus, memory_mib): (i32, i32), stray: &Stray) -> limit::Bill {
    let mut bill = limit::bill_of_vm(cpus, memory_mib);
    bill.extend(volume::bill_of(&stray.parts.volumes));
    bill
}

/// What speaks against counting it as this offering: other GPUs than it asks for.
fn misfit(compute: &deploy::Compute, has: Option<&GpuDemand>) -> Option<String> {
    let asked = compute.gpus.as_ref()?;
    let has = has.and_then(|demand| demand.choices.first());
    let is_same =
        |one: &Choice| has.is_some_and(|has| (has.profile, has.count) == (one.profile, one.count));
    if asked.choices.iter().any(is_same) {
        return None;
    }
    let wants: Vec<String> =
        asked.choices.iter().map(|one| format!("{} x {}", one.count, one.name)).collect();
    let (name, wants) = (&compute.name, wants.join(" or "));
    Some(format!("service offering {name} asks for {wants}, the domain has other GPUs"))
}

/// The instance: it runs already, as what the offering says it is. Without its GPU offering and its kind of host.
fn row(
    request: &Request,
    stray: &Stray,
    (user, owner): (Id<id::User>, Owner),
    (zone, (cpus, mhz, memory_mib)): (Id<id::Zone>, (i32, i32, i32)),
) -> Result<vm::New> {
    let id = Id::from_uuid(stray.domain.uuid);
    let host_name = match &request.name {
        Some(name) => draft::host_name(name)?,
        None => draft::host_name(&stray.domain.name).unwrap_or_else(|_| format!("VM-{id}")),
    };
    let display_name = request.display_name.clone().unwrap_or_else(|| stray.domain.name.clone());
    let demand = demand(stray).as_ref().map(serde_json::to_string).transpose();
    Ok(vm::New {
        id,
        account_id: owner.account,
        domain_id: owner.domain,
        user_id: user,
        zone_id: zone,
        host_id: Some(request.host_id),
        pool_id: None,
        template_id: request.template_id,
        offering_id: request.service_offering_id,
        gpu_offering_id: None,
        name: host_name,
        display_name,
        instance_name: stray.domain.name.clone(),
        state: VmState::Running,
        cpu_number: cpus,
        cpu_speed: mhz,
        memory_mib,
        demand: demand.map_err(|error| Error::Internal(Box::new(error)))?,
        decision: None,
        gpu_display: false,
        user_data: None,
        key_pairs: None,
        hypervisor: String::new(),
        is_displayed: true,
        limit_tags: None,
    })
}

/// What the domain has, as what it asks for; several kinds of GPUs cannot be asked for together.
fn demand(stray: &Stray) -> Option<GpuDemand> {
    let counts = stray.counts();
    let [(profile, (count, name))] = counts.into_iter().collect::<Vec<_>>().try_into().ok()?;
    Some(GpuDemand {
        choices: vec![Choice { profile, count, name }],
        numa: NumaPolicy::Preferred,
        packing: Packing::Pack,
        slices: false,
        exact: Vec::new(),
    })
}
