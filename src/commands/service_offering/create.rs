//! `createServiceOffering`: names a size of instance and, if wanted, its GPUs.

use super::{not_here::NotHere, view::ServiceOfferingView};
use crate::{
    command::prelude::*,
    commands::disk_rates::DiskRates,
    domain::machine::shape::HugePages,
    store::{
        deploy::{HUGE_PAGES, MAX_GPUS, MIN_GPUS},
        service_offering::{self, Offering},
    },
};

/// `createServiceOffering`.
#[derive(Debug)]
pub(super) struct CreateServiceOffering;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the number of CPUs; without CPUs, speed and memory the instance says
    cpu_number: Option<i32>,
    /// the CPU speed in MHz
    cpu_speed: Option<i32>,
    /// the description; the name when not given
    display_text: Option<String>,
    /// how disks are provisioned: only thin
    provisioning_type: Option<String>,
    /// the memory in MiB
    memory: Option<i32>,
    /// the name of the service offering
    name: String,
    /// whether instances ask for high availability
    offer_ha: Option<bool>,
    /// whether instances are limited to the CPU speed
    limit_cpu_use: Option<bool>,
    /// the kind of storage: shared or local
    storage_type: Option<String>,
    /// the storage tags, joined by commas
    tags: Option<String>,
    /// the ID of the domain that may use it
    domain_id: Vec<Id<id::Domain>>,
    /// the ID of the zone it is for
    #[param(since = "4.13")]
    zone_id: Vec<Id<id::Zone>>,
    /// the host tags, joined by commas
    host_tags: Option<String>,
    /// whether it is for system instances: csgpu has none
    is_system: Option<bool>,
    /// details by key and value; pciDevice and vgpuType together ask for one GPU, hugepages for pages of 2M or 1G
    #[param(map = "keyvalue")]
    service_offering_details: BTreeMap<String, String>,
    /// the size of the root disk in GiB
    #[param(since = "4.15")]
    root_disk_size: Option<i64>,
    /// whether the instance says its size
    #[param(since = "4.13")]
    customized: Option<bool>,
    /// the most CPUs an instance may say
    #[param(since = "4.13")]
    max_cpu_number: Option<i32>,
    /// the least CPUs an instance may say
    #[param(since = "4.13")]
    min_cpu_number: Option<i32>,
    /// the most memory in MiB an instance may say
    #[param(since = "4.13")]
    max_memory: Option<i32>,
    /// the least memory in MiB an instance may say
    #[param(since = "4.13")]
    min_memory: Option<i32>,
    /// the ID of the vGPU profile
    #[param(since = "4.21")]
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the number of GPUs of the profile; 1 when not given
    #[param(since = "4.21")]
    gpu_count: Option<i32>,
    /// the least number of GPUs that an instance may say; without least and most it says none
    min_gpu_count: Option<i32>,
    /// the most GPUs that an instance may say
    max_gpu_count: Option<i32>,
    /// whether the first GPU shows a display
    #[param(since = "4.21")]
    gpu_display: Option<bool>,
    /// the ID of the GPU offering: an ordered list of acceptable GPUs
    gpu_offering_id: Option<Id<id::GpuOffering>>,
    #[param(group)]
    _rates: DiskRates,
    #[param(group)]
    _not_here: NotHere,
}

impl Command for CreateServiceOffering {
    const SPEC: Spec = Spec {
        name: "createServiceOffering",
        about: "Creates a service offering",
        since: "0.1",
        roles: Role::ADMINS,
        event: Some("SERVICE.OFFERING.CREATE"),
    };
    type Request = Request;
    type Response = One<ServiceOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let gpu_count = check_gpus(&request)?;
        check_plain(&request)?;
        let is_customized = check_size(&request)?;
        let details = details(&request)?;
        let domain_id = only_one("domain", &request.domain_id)?;
        let domain_id = match domain_id {
            None if !cx.caller.is_admin() => Some(cx.caller.domain),
            other => other,
        };
        let offering = Offering {
            id: Id::mint(),
            domain_id,
            zone_id: only_one("zone", &request.zone_id)?,
            profile_id: request.vgpu_profile_id,
            gpu_offering_id: request.gpu_offering_id,
            display_text: request.display_text.unwrap_or_else(|| request.name.clone()),
            name: request.name,
            cpu_number: request.cpu_number,
            cpu_speed: request.cpu_speed,
            memory_mib: request.memory,
            root_disk_size: request.root_disk_size.filter(|gib| *gib > 0).map(|gib| gib << 30),
            is_customized,
            gpu_count,
            gpu_display: request.gpu_display.unwrap_or(false),
            offer_ha: request.offer_ha.unwrap_or(false),
            limit_cpu: request.limit_cpu_use.unwrap_or(false),
            host_tags: request.host_tags.filter(|tags| !tags.is_empty()),
            storage_tags: request.tags.filter(|tags| !tags.is_empty()),
            storage_type: request.storage_type.unwrap_or_else(|| "shared".to_owned()),
            state: "Active".to_owned(),
            is_default: false,
        };
        let id = offering.id;
        cx.write(move |tx, _| {
            let mut offering = offering.clone();
            if let (Some(group), Some(kind)) = (details.get("pciDevice"), details.get("vgpuType")) {
                offering.profile_id = service_offering::profile_by_words(tx, group, kind)?;
                offering.gpu_count = offering.profile_id.map(|_| 1);
            }
            service_offering::insert(tx, &offering, &details)?;
            Ok((Some((Kind::ServiceOffering, id.uuid())), ()))
        })
        .await?;
        Ok(One(cx.db.read(move |conn| service_offering::one(conn, id)).await?.into()))
    }
}

/// The ways to ask for GPUs exclude each other, and a count needs something to count.
fn check_gpus(request: &Request) -> Result<Option<i32>> {
    let words = &request.service_offering_details;
    let legacy = match (words.get("pciDevice"), words.get("vgpuType")) {
        (None, None) => false,
        (Some(group), Some(kind)) if !group.is_empty() && !kind.is_empty() => true,
        _ => {
            return Err(Error::invalid(
                "Please specify the pciDevice and vgpuType correctly: both, or none of them",
            ));
        }
    };
    let ways = [legacy, request.vgpu_profile_id.is_some(), request.gpu_offering_id.is_some()];
    if ways.iter().filter(|way| **way).count() > 1 {
        return Err(Error::invalid(
            "say the GPUs in one way: vgpuprofileid, gpuofferingid, or pciDevice with vgpuType",
        ));
    }
    check_gpu_limits(request, ways.contains(&true))?;
    match (request.vgpu_profile_id, request.gpu_count) {
        (_, Some(count)) if count < 1 => Err(Error::invalid("GPU count must be greater than 0.")),
        // the form of the web UI says 1 also when no GPU is chosen
        (None, Some(1)) if request.gpu_offering_id.is_none() => Ok(None),
        (None, Some(_)) if request.gpu_offering_id.is_some() => Err(Error::invalid(
            "the GPU offering says how many GPUs there are; mingpucount and maxgpucount say how many an instance may ask",
        )),
        (None, Some(_)) => Err(Error::invalid("gpucount needs a vgpuprofileid")),
        (Some(_), Some(count)) if count > 64 => {
            Err(Error::Invalid(format!("gpucount {count} is more than any host has: at most 64")))
        }
        (Some(_), count) => Ok(Some(count.unwrap_or(1))),
        (None, None) => Ok(None),
    }
}

/// The number of GPUs that instances may say: in order, around the offering's own, and of something.
fn check_gpu_limits(request: &Request, asks_gpus: bool) -> Result<()> {
    let (least, most) = (request.min_gpu_count, request.max_gpu_count);
    if least.is_none() && most.is_none() {
        return Ok(());
    }
    if !asks_gpus {
        return Err(Error::invalid("mingpucount and maxgpucount need GPUs to count"));
    }
    let (least, most) = (least.unwrap_or(1), most.unwrap_or(64));
    if least < 1 || most > 64 || least > most {
        return Err(Error::invalid(
            "mingpucount and maxgpucount are between 1 and 64, the least before the most",
        ));
    }
    let own = request.gpu_count.or(request.vgpu_profile_id.map(|_| 1));
    if own.is_some_and(|own| !(least..=most).contains(&own)) {
        return Err(Error::invalid("gpucount must be between mingpucount and maxgpucount"));
    }
    Ok(())
}

fn check_plain(request: &Request) -> Result<()> {
    if request.name.trim().is_empty() {
        return Err(Error::invalid("a service offering needs a name"));
    }
    if request.is_system == Some(true) {
        return Err(Error::invalid("csgpu has no system instances: issystem must be false"));
    }
    if request.provisioning_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("thin")) {
        return Err(Error::invalid("disks are provisioned thin: provisioningtype must be thin"));
    }
    if request.storage_type.as_deref().is_some_and(|kind| !matches!(kind, "shared" | "local")) {
        return Err(Error::invalid("storagetype must be shared or local"));
    }
    if request.root_disk_size.is_some_and(|gib| !(0..=65_536).contains(&gib)) {
        return Err(Error::invalid("rootdisksize must be between 0 and 65536 GiB"));
    }
    Ok(())
}

/// Whether the instance says its size. A fixed size needs CPUs and memory.
fn check_size(request: &Request) -> Result<bool> {
    let nothing = request.cpu_number.is_none() && request.memory.is_none();
    let is_customized = request.customized.unwrap_or(nothing);
    let within = |what: &str, value: Option<i32>, least: i32, most: i32| match value {
        Some(value) if !(least..=most).contains(&value) => Err(Error::Invalid(format!(
            "Failed to create service offering {}: {what} must be between {least} and {most}",
            request.name
        ))),
        _ => Ok(()),
    };
    within("cpunumber", request.cpu_number, 1, 4096)?;
    within("cpuspeed", request.cpu_speed, 0, 100_000)?;
    within("memory", request.memory, 32, 1 << 26)?;
    for (what, value) in
        [("mincpunumber", request.min_cpu_number), ("maxcpunumber", request.max_cpu_number)]
    {
        within(what, value, 1, 4096)?;
    }
    for (what, value) in [("minmemory", request.min_memory), ("maxmemory", request.max_memory)] {
        within(what, value, 32, 1 << 26)?;
    }
    let crossed =
        |least: Option<i32>, most: Option<i32>| least.zip(most).is_some_and(|(l, m)| l > m);
    if crossed(request.min_cpu_number, request.max_cpu_number)
        || crossed(request.min_memory, request.max_memory)
    {
        return Err(Error::invalid("the least of a size cannot be more than the most"));
    }
    if !is_customized && (request.cpu_number.is_none() || request.memory.is_none()) {
        return Err(Error::Invalid(format!(
            "Failed to create service offering {}: say cpunumber and memory, or customized=true",
            request.name
        )));
    }
    Ok(is_customized)
}

/// The details to store: the caller's, and the limits of a customized size.
fn details(request: &Request) -> Result<BTreeMap<String, String>> {
    let mut details = request.service_offering_details.clone();
    if details.keys().any(|key| key.is_empty() || key.len() > 190) {
        return Err(Error::invalid("a detail's name has 1 to 190 characters"));
    }
    if details.values().any(|value| value.len() > 4096) {
        return Err(Error::invalid("a detail's value has at most 4096 characters"));
    }
    HugePages::read(details.get(HUGE_PAGES).map(String::as_str)).map_err(Error::Invalid)?;
    for (name, limit) in [
        ("mincpunumber", request.min_cpu_number),
        ("maxcpunumber", request.max_cpu_number),
        ("minmemory", request.min_memory),
        ("maxmemory", request.max_memory),
        (MIN_GPUS, request.min_gpu_count),
        (MAX_GPUS, request.max_gpu_count),
    ] {
        if let Some(limit) = limit {
            details.insert(name.to_owned(), limit.to_string());
        }
    }
    Ok(details)
}

fn only_one<T: Copy>(what: &str, ids: &[T]) -> Result<Option<T>> {
    match ids {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        _ => Err(Error::Invalid(format!("a service offering is for one {what} or for all"))),
    }
}
