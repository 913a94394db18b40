//! From a request to an instance that could be: everything but the host.

use super::{
    boot,
    deploy::Request,
    extra, grouping,
    wish::{self, Wish},
};
use crate::{
    command::prelude::*,
    domain::{
        machine::{Bytes, Firmware, MIB, names, shape::HugePages},
        placement::{Affinity, Demand, Disk, Needs, NumaPolicy, Packing},
        vm::{GpuDemand, VmState},
    },
    store::{
        self,
        deploy::{self, Compute, Image},
        detail::Details,
        owner::{self, Owner},
        placement::words,
        ssh_key_pair, vm,
        volume::Volume,
    },
};

/// What is written at once beside a template's own bytes when an instance starts.
const STARTING_SPACE: Bytes = 64 * MIB;

/// An instance that could be.
#[derive(Debug)]
pub(super) struct Draft {
    /// Its row, without a host.
    pub(super) vm: vm::New,
    /// Its root disk, without a pool.
    pub(super) root: Volume,
    /// Its interfaces.
    pub(super) wishes: Vec<Wish>,
    /// Its details.
    pub(super) details: Details,
    /// Its affinity groups.
    pub(super) groups: Vec<Id<id::AffinityGroup>>,
    /// What placement must find.
    pub(super) order: Order,
}

/// What placement must find.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// The zone.
    pub(super) zone: Id<id::Zone>,
    /// What a host must be and have.
    pub(super) demand: Demand,
}

/// Reads everything that the request names, and checks that it goes together.
pub(super) fn draw(
    env: &Env,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &Request,
) -> Result<Draft> {
    let wanted = (request.account.as_deref(), request.domain_id, request.project_id);
    let owner = owner::designate(tx, caller, wanted)?;
    let names = key_names(request);
    let named = deploy::Named {
        offering: request.service_offering_id,
        gpus: request.gpu_offering_id,
        template: request.template_id,
        owner: owner.account,
        key_pairs: names.join(","),
    };
    let (compute, image, known) = deploy::compute(tx, &named)?;
    let asked = Asked::of(request);
    check_usable(tx, caller, owner, &compute, &asked)?;
    let (details, named) = extra::of_new(env, caller, request)?;
    let gpus = extra::named_gpus(named, gpus(tx, &compute, &asked)?)?;
    check_image(&image, request)?;
    let size = size(tx, &compute, &asked)?;
    let root_size = root_size(&compute, &image, request)?;
    let wishes = wish::wishes(tx, caller, owner, request)?;
    let key_pairs = key_pairs(tx, owner, names, known)?;
    let asked = (&request.affinity_group_ids[..], &request.affinity_group_names[..]);
    let groups = grouping::asked(tx, owner.account, asked)?;
    let id = Id::<id::Vm>::mint();
    let number = account_number(tx, caller, owner)?;
    let name = match &request.name {
        Some(name) => host_name(name)?,
        None => format!("VM-{id}"),
    };
    let order = order(request, &compute, &image, (&size, &gpus), &details);
    let vm = vm::New {
        id,
        account_id: owner.account,
        domain_id: owner.domain,
        user_id: caller.user,
        zone_id: request.zone_id,
        host_id: None,
        pool_id: None,
        template_id: request.template_id,
        offering_id: request.service_offering_id,
        gpu_offering_id: compute.gpu_offering.as_ref().map(|offering| offering.id),
        display_name: request.display_name.clone().unwrap_or_else(|| name.clone()),
        name,
        instance_name: names::instance(number, id),
        state: VmState::Stopped,
        cpu_number: size.cpus,
        cpu_speed: size.mhz,
        memory_mib: size.memory_mib,
        demand: gpus.as_ref().map(json).transpose()?,
        gpu_display: compute.gpu_display,
        user_data: request.userdata.as_deref().map(user_data).transpose()?.flatten(),
        key_pairs,
        hypervisor: image.hypervisor.clone(),
        is_displayed: request.display_vm.unwrap_or(true),
        decision: None,
        limit_tags: compute.host_limits,
    };
    let root = Volume { limit_tags: compute.storage_limits, ..root(&vm, request, root_size) };
    Ok(Draft { vm, root, wishes, details, groups, order })
}

/// How an instance is to be sized.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// The zone it is in.
    pub(super) zone: Id<id::Zone>,
    /// The service offering.
    pub(super) offering: Id<id::ServiceOffering>,
    /// The GPU offering, unless it is the service offering's own.
    pub(super) gpu_offering: Option<Id<id::GpuOffering>>,
    /// The number of GPUs, unless it is the offering's own.
    pub(super) gpu_count: Option<i32>,
    /// Sizes of a customized offering.
    pub(super) details: &'a Details,
}

impl<'a> Asked<'a> {
    fn of(request: &'a Request) -> Self {
        Self {
            zone: request.zone_id,
            offering: request.service_offering_id,
            gpu_offering: request.gpu_offering_id,
            gpu_count: request.gpu_count,
            details: &request.details,
        }
    }
}

/// The number of the owner's account, which is a part of the names of its instances on hosts.
fn account_number(tx: &mut Tx<'_>, caller: &Caller, owner: Owner) -> Result<i64> {
    match owner.account == caller.account {
        true => Ok(caller.account_number),
        false => vm::account_number(tx, owner.account),
    }
}

/// What placement must find for a new instance.
fn order(
    request: &Request,
    compute: &Compute,
    image: &Image,
    (size, gpus): (&Size, &Option<GpuDemand>),
    details: &Details,
) -> Order {
    let needs = Needs {
        hypervisor: Some(image.hypervisor.clone()),
        arch: Some(image.arch.clone()),
        pod: request.pod_id,
        cluster: request.cluster_id,
        tags: words(compute.host_tags.as_deref()),
        firmware: Firmware::read(details.get(Firmware::DETAIL).map(String::as_str)),
        pages: HugePages::size(compute.huge_pages.as_deref()),
        disk: Some(Disk {
            pool: None,
            tags: words(compute.storage_tags.as_deref()),
            space: u64::try_from(image.size).unwrap_or_default() + STARTING_SPACE,
        }),
    };
    Order { zone: request.zone_id, demand: demand(size, gpus, needs, request.host_id) }
}

pub(super) fn json(demand: &GpuDemand) -> Result<String> {
    serde_json::to_string(demand).map_err(|error| Error::Internal(Box::new(error)))
}

fn root(vm: &vm::New, request: &Request, size: i64) -> Volume {
    let id = Id::mint();
    Volume {
        id,
        account_id: vm.account_id,
        domain_id: vm.domain_id,
        zone_id: vm.zone_id,
        vm_id: Some(vm.id),
        pool_id: None,
        template_id: Some(request.template_id),
        name: format!("ROOT-{}", vm.id),
        kind: "ROOT".to_owned(),
        format: "qcow2".to_owned(),
        path: names::volume(id),
        size,
        device_index: 0,
        state: "Allocated".to_owned(),
        limit_tags: None,
    }
}

/// What placement is asked for an instance of this size.
pub(super) fn demand(
    size: &Size,
    gpus: &Option<GpuDemand>,
    needs: Needs,
    host: Option<Id<id::Host>>,
) -> Demand {
    let number = |value: i32| u32::try_from(value).unwrap_or_default();
    let policy = gpus.as_ref().map(|gpus| (gpus.numa, gpus.packing));
    let (numa, packing) = policy.unwrap_or((NumaPolicy::Ignored, Packing::Pack));
    Demand {
        needs,
        vcpus: number(size.cpus),
        mhz: number(size.mhz),
        memory: u64::from(number(size.memory_mib)) * MIB,
        alternatives: gpus.as_ref().map(GpuDemand::alternatives).unwrap_or_default(),
        numa,
        exact: gpus.as_ref().map(|gpus| gpus.exact.clone()).unwrap_or_default(),
        kept: Vec::new(),
        packing,
        host,
        avoid: Vec::new(),
        affinity: Affinity::default(),
    }
}

/// The owner may use these offerings in this zone.
pub(super) fn check_usable(
    tx: &mut Tx<'_>,
    caller: &Caller,
    owner: Owner,
    compute: &Compute,
    asked: &Asked<'_>,
) -> Result<()> {
    let name = &compute.name;
    if !compute.is_active {
        return Err(Error::Invalid(format!("service offering {name} is not active")));
    }
    if compute.zone.is_some_and(|zone| zone != asked.zone) {
        return Err(Error::Invalid(format!("service offering {name} is for another zone")));
    }
    if asked.gpu_offering.is_some() && compute.asks_itself {
        return Err(Error::Invalid(format!("service offering {name} asks for GPUs of its own")));
    }
    let mut paths = vec![compute.domain_path.as_deref()];
    if let Some(gpus) = &compute.gpu_offering {
        if !gpus.is_active {
            return Err(Error::Invalid(format!("GPU offering {} is not active", gpus.name)));
        }
        if gpus.zone.is_some_and(|zone| zone != asked.zone) {
            return Err(Error::Invalid(format!("GPU offering {} is for another zone", gpus.name)));
        }
        paths.push(gpus.domain_path.as_deref());
    }
    if caller.is_admin() || paths.iter().all(Option::is_none) {
        return Ok(());
    }
    let own = match owner.account == caller.account {
        true => caller.domain_path.clone(),
        false => owner::path(tx, owner.domain)?,
    };
    if paths.into_iter().flatten().all(|path| own.starts_with(path)) {
        return Ok(());
    }
    Err(Error::not_permitted())
}

/// What the offering asks of GPUs, as many as the instance says.
pub(super) fn gpus(
    tx: &mut Tx<'_>,
    compute: &Compute,
    asked: &Asked<'_>,
) -> Result<Option<GpuDemand>> {
    let offered = offered(tx, compute)?;
    gpu_count(tx, compute, offered, asked)
}

/// What the offering asks of GPUs; words that name no known card are a refusal, not an instance without GPUs.
fn offered(tx: &mut Tx<'_>, compute: &Compute) -> Result<Option<GpuDemand>> {
    let Some((group, kind)) = &compute.unknown_gpu else { return Ok(compute.gpus.clone()) };
    let found = store::service_offering::profile_by_words(tx, group, kind)?;
    let Some(profile) = found else {
        return Err(Error::Capacity(format!(
            "service offering {} asks for GPU group {group} with type {kind}, which no known card has",
            compute.name
        )));
    };
    let choice = crate::domain::vm::Choice { profile, count: 1, name: format!("{group} {kind}") };
    Ok(Some(GpuDemand {
        choices: vec![choice],
        numa: NumaPolicy::Preferred,
        packing: Packing::Pack,
        slices: true,
        exact: Vec::new(),
    }))
}

/// As many as the instance says, within what its service offering allows.
fn gpu_count(
    tx: &mut Tx<'_>,
    compute: &Compute,
    gpus: Option<GpuDemand>,
    asked: &Asked<'_>,
) -> Result<Option<GpuDemand>> {
    let Some(given) = asked.gpu_count else { return Ok(gpus) };
    let name = &compute.name;
    let Some(mut gpus) = gpus else {
        return Err(Error::Invalid(format!("gpucount: service offering {name} asks for no GPUs")));
    };
    let count = u32::try_from(given).unwrap_or_default();
    if gpus.choices.iter().all(|choice| choice.count == count) {
        return Ok(Some(gpus));
    }
    let (least, most) = deploy::gpu_limits(tx, asked.offering)?;
    if least.is_none() && most.is_none() {
        return Err(Error::Invalid(format!(
            "gpucount: service offering {name} leaves no choice of the number of GPUs"
        )));
    }
    let (least, most) = (least.unwrap_or(1), most.unwrap_or(64));
    if !(least..=most).contains(&count) {
        return Err(Error::Invalid(format!(
            "gpucount must be between {least} and {most}, not {given}"
        )));
    }
    gpus.choices.iter_mut().for_each(|choice| choice.count = count);
    let mut seen = Vec::new();
    gpus.choices.retain(|choice| {
        let is_new = !seen.contains(&choice.profile);
        seen.push(choice.profile);
        is_new
    });
    Ok(Some(gpus))
}

fn check_image(image: &Image, request: &Request) -> Result<()> {
    let name = &image.name;
    if image.state != "Ready" {
        return Err(Error::Invalid(format!("template {name} is not ready, it is {}", image.state)));
    }
    if image.zone_id.is_some_and(|zone| zone != request.zone_id) {
        return Err(Error::Invalid(format!("template {name} is in another zone")));
    }
    match &request.hypervisor {
        Some(kind) if !kind.is_empty() && !kind.eq_ignore_ascii_case(&image.hypervisor) => {
            Err(Error::Invalid(format!("template {name} is for {}, not {kind}", image.hypervisor)))
        }
        _ => Ok(()),
    }
}

/// How large an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// Virtual CPUs.
    pub(super) cpus: i32,
    /// MHz of each.
    pub(super) mhz: i32,
    /// Memory.
    pub(super) memory_mib: i32,
}

/// The offering's size, or what the details of an instance of a customized offering say.
pub(super) fn size(tx: &mut Tx<'_>, compute: &Compute, asked: &Asked<'_>) -> Result<Size> {
    let said = |name: &str| -> Result<Option<i32>> {
        let found = asked.details.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let bad = |text: &str| Error::Invalid(format!("details: {name} {text} is no number"));
        found.map(|(_, text)| text.trim().parse().map_err(|_| bad(text))).transpose()
    };
    if !compute.is_customized {
        let whole = compute.cpu_number.zip(compute.memory_mib);
        let (cpus, memory_mib) =
            whole.ok_or_else(|| Error::internal("a fixed offering without a size"))?;
        return Ok(Size { cpus, mhz: compute.cpu_speed.unwrap_or(DEFAULT_MHZ), memory_mib });
    }
    let limits = deploy::limits(tx, asked.offering)?;
    let pick = |name: &str, fixed: Option<i32>, (least, most), floor: i32| {
        let value = said(name)?.or(fixed).ok_or_else(|| {
            Error::Invalid(format!(
                "service offering {} needs details[0].{name}: the instance says its size",
                compute.name
            ))
        })?;
        let (least, most): (i32, i32) =
            (Option::unwrap_or(least, floor), Option::unwrap_or(most, 1 << 26));
        if (least..=most).contains(&value) {
            return Ok(value);
        }
        Err(Error::Invalid(format!("{name} must be between {least} and {most}, not {value}")))
    };
    Ok(Size {
        cpus: pick("cpuNumber", compute.cpu_number, limits[0], 1)?,
        mhz: said("cpuSpeed")?.or(compute.cpu_speed).unwrap_or(DEFAULT_MHZ).clamp(0, 100_000),
        memory_mib: pick("memory", compute.memory_mib, limits[1], 32)?,
    })
}

/// The speed of an instance whose offering says none.
pub(super) const DEFAULT_MHZ: i32 = 1000;

/// The larger of what is asked and the template's disk.
fn root_size(compute: &Compute, image: &Image, request: &Request) -> Result<i64> {
    let least = image.virtual_size;
    match request.root_disk_size {
        None => Ok(compute.root_disk_size.unwrap_or(0).max(least)),
        Some(gib) if !(1..=65_536).contains(&gib) => {
            Err(Error::Invalid(format!("rootdisksize {gib} is not between 1 and 65536 GiB")))
        }
        Some(gib) if gib << 30 < least => Err(Error::Invalid(format!(
            "rootdisksize {gib} GiB is smaller than the template's disk of {least} bytes"
        ))),
        Some(gib) => Ok(gib << 30),
    }
}

/// A host name by the rules of the internet.
pub(super) fn host_name(name: &str) -> Result<String> {
    let is_fine = (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-');
    if is_fine {
        return Ok(name.to_owned());
    }
    Err(Error::Invalid(
        "Invalid name. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with \"-\" and can't start with digit".to_owned(),
    ))
}

/// User data as it came, if it is base64 and not empty.
pub(super) fn user_data(text: &str) -> Result<Option<String>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if compact.is_empty() {
        return Ok(None);
    }
    let bytes = super::seeding::decode(&compact)
        .ok_or_else(|| Error::invalid("User data is not base64 encoded"))?;
    if bytes.len() > 1_000_000 {
        return Err(Error::invalid("user data has at most 1000000 bytes"));
    }
    Ok(Some(compact))
}

fn key_names(request: &Request) -> Vec<String> {
    let mut names = request.keypairs.clone();
    names.extend(request.keypair.clone().filter(|name| !name.is_empty()));
    names.sort();
    names.dedup();
    names
}

/// The names joined by commas, if the owner has as many of them as there are; else the first that is missing is named.
fn key_pairs(
    tx: &mut Tx<'_>,
    owner: Owner,
    names: Vec<String>,
    known: i64,
) -> Result<Option<String>> {
    if i64::try_from(names.len()) == Ok(known) {
        return Ok((!names.is_empty()).then(|| names.join(",")));
    }
    let known = ssh_key_pair::known(tx, owner.account, &names)?;
    let missing = names.iter().find(|name| !known.contains(name)).unwrap_or(&names[0]);
    Err(Error::Invalid(format!("A key pair with name '{missing}' was not found.")))
}

/// Details that may be kept. `extra`: elements to be added to the definition, `allowed`: their names.
pub(super) fn check_details(
    details: &Details,
    extra: Option<&str>,
    allowed: &[String],
) -> Result<Details> {
    if details.len() > 100 {
        return Err(Error::invalid("an instance has at most 100 details"));
    }
    if details.keys().any(|key| key.is_empty() || key.chars().count() > 190) {
        return Err(Error::invalid("a detail's name has 1 to 190 characters"));
    }
    if details.values().any(|value| value.len() > 8192) {
        return Err(Error::invalid("a detail's value has at most 8192 bytes"));
    }
    boot::checked(extra::details(details, extra, allowed)?)
}
