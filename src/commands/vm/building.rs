//! Building an instance on its host: a recipe, each line of which may be repeated.

use super::seeding;
use crate::{
    command::prelude::*,
    domain::{
        infra::{ImageFormat, pool_on_host},
        machine::{
            DeviceRef, DiskSpec, MIB, MachineSpec, NewNetwork, NewVolume, NicLink, NicSpec,
            VolumeRef, names, shape::HugePages,
        },
        placement::NumaPolicy,
        vm::{GpuDemand, VmEvent, VmState},
    },
    hypervisor::{HostAddress, HostDriver, libvirt},
    store::{
        detail, gpu_claim,
        gpu_held::HeldDevice,
        template::{self, CopyState},
        vm::{self, Address, Blueprint, Plug},
        volume,
    },
};
use std::{net::Ipv4Addr, sync::Arc};

/// An open connection to a host, from its row in the books.
pub(super) fn open(cx: &Cx, host: &Address) -> Result<Arc<dyn HostDriver>> {
    cx.hosts.ensure_open(&HostAddress {
        host: host.id,
        name: host.name.clone(),
        uri: host.uri.clone(),
        host_key: host.host_key.clone(),
    })
}

/// Builds the instance that its admission placed, starts it, and says so in the books.
pub(super) async fn build(cx: &Cx, vm: Id<id::Vm>, is_first: bool) -> Result<()> {
    let plan = cx.db.read(move |conn| vm::blueprint(conn, vm)).await?;
    let host = open(cx, &plan.host)?;
    host.ensure_pool(&pool_on_host(plan.pool.id, plan.pool.kind, &plan.pool.path)).await?;
    copy_template(cx, &plan, host.as_ref()).await?;
    for disk in &plan.volumes {
        host.ensure_volume(&overlay(&plan, disk)).await?;
    }
    for plug in plan.plugs.iter().filter(|plug| plug.guest_type == "Isolated") {
        ensure_network(cx, &plan, plug, host.as_ref()).await?;
    }
    upload_seed(cx, &plan, host.as_ref(), is_first).await?;
    let mut machine = machine(&plan)?;
    if let Some(extra) = &machine.extra {
        libvirt::check_extra(extra, &cx.settings.extra_config)?; // allowed once is not allowed for ever
    }
    if cx.settings.has_domain_hook {
        let details = cx.db.read(move |conn| detail::of(conn, &[vm])).await?;
        machine.details = details.into_values().next().unwrap_or_default();
    }
    host.ensure_slices(&machine.devices).await?;
    host.ensure_defined(&machine).await?;
    host.ensure_running(vm.uuid()).await?;
    let (pool, image, is_copied) = (plan.pool.id, plan.image.id, plan.is_copied);
    cx.db
        .txn("vm started", move |tx| {
            let now = vm::get(tx, vm)?;
            if now.state != VmState::Running {
                vm::step(tx, &now, VmEvent::Started)?;
            }
            gpu_claim::confirm(tx, vm)?;
            if is_first {
                volume::place(tx, vm, Some(pool), "Ready")?;
            }
            if !is_copied {
                template::record_copy(tx, image, pool, CopyState::Ready)?;
            }
            Ok(())
        })
        .await
}

fn in_pool(plan: &Blueprint, volume: String) -> VolumeRef {
    VolumeRef { pool: names::pool(plan.pool.id), volume }
}

/// The format of the template as hosts call it. What no host can read is kept for simulated ones as bytes.
fn format(plan: &Blueprint) -> &'static str {
    match plan.image.format {
        ImageFormat::QCOW2 => "qcow2",
        ImageFormat::RAW | ImageFormat::VHD => "raw",
    }
}

/// Once per template and pool; the host itself knows whether a copy is whole.
async fn copy_template(cx: &Cx, plan: &Blueprint, host: &dyn HostDriver) -> Result<()> {
    if plan.is_copied {
        return Ok(());
    }
    let file = plan.image.file.as_ref().ok_or_else(|| {
        Error::Unavailable(format!("template {} has no file to make disks of", plan.image.name))
    })?;
    cx.progress(&format!("copying template {} to {}", plan.image.name, plan.host.name)).await?;
    let copy = NewVolume {
        volume: in_pool(plan, names::template(plan.image.id)),
        format: format(plan).to_owned(),
        capacity: u64::try_from(plan.image.virtual_size).unwrap_or_default(),
        base: None,
    };
    host.ensure_uploaded(&copy, cx.settings.images.join(file)).await
}

/// The disk, as a layer over the template.
fn overlay(plan: &Blueprint, disk: &volume::Volume) -> NewVolume {
    let base = disk.template_id.map(|id| (names::template(id), format(plan).to_owned()));
    NewVolume {
        volume: in_pool(plan, disk.path.clone()),
        format: disk.format.clone(),
        capacity: u64::try_from(disk.size).unwrap_or_default(),
        base,
    }
}

/// The network on this host with an entry for each of its interfaces here. Another job may add one at the same time:
/// whoever comes last has seen them all, because each looks again after it wrote.
async fn ensure_network(
    cx: &Cx,
    plan: &Blueprint,
    plug: &Plug,
    host: &dyn HostDriver,
) -> Result<()> {
    let bad = || Error::internal(format!("network {} has no range", plug.network));
    let gateway: Ipv4Addr =
        plug.gateway.as_deref().and_then(|text| text.parse().ok()).ok_or_else(bad)?;
    let prefix = plug.cidr.as_deref().and_then(|cidr| cidr.split_once('/'));
    let prefix = prefix.and_then(|(_, bits)| bits.parse().ok()).ok_or_else(bad)?;
    let (network, at) = (plug.network, plan.host.id);
    let mut written = None;
    for _ in 0..8 {
        let leases = cx.db.read(move |conn| vm::leases(conn, network, at)).await?;
        if written.as_ref() == Some(&leases) {
            return Ok(());
        }
        let entry = |(mac, ip, name): &(String, String, String)| {
            Some((mac.clone(), ip.parse::<Ipv4Addr>().ok()?, name.clone()))
        };
        let new = NewNetwork {
            name: names::network(network),
            bridge: names::bridge(network),
            gateway,
            prefix,
            leases: leases.iter().filter_map(entry).collect(),
        };
        host.ensure_network(&new).await?;
        written = Some(leases);
    }
    Ok(())
}

/// The seed is written anew for a later start: its user data may have changed.
async fn upload_seed(
    cx: &Cx,
    plan: &Blueprint,
    host: &dyn HostDriver,
    is_first: bool,
) -> Result<()> {
    let volume = in_pool(plan, names::seed(plan.vm.id));
    if !is_first {
        host.ensure_no_volume(&volume).await?;
    }
    let file = seeding::image(plan, &cx.settings.data).await?;
    let size = std::fs::metadata(&file).map(|meta| meta.len()).unwrap_or(2 * MIB);
    let new = NewVolume { volume, format: "raw".to_owned(), capacity: size, base: None };
    let outcome = host.ensure_uploaded(&new, file.clone()).await;
    let _ = std::fs::remove_file(&file); // a seed that stays behind is small and holds no secret of ours
    outcome
}

fn machine(plan: &Blueprint) -> Result<MachineSpec> {
    let vm = &plan.vm;
    let number = |value: i32| u32::try_from(value).unwrap_or(1);
    let demand = GpuDemand::read(vm.demand.as_deref());
    let node = |device: &HeldDevice| u32::try_from(device.numa_node?).ok();
    let hugepages = HugePages::read(plan.hugepages.as_deref()).map_err(Error::Unavailable)?;
    let devices: Vec<DeviceRef> = plan.devices.iter().map(|held| held.reference.clone()).collect();
    Ok(MachineSpec {
        uuid: vm.id.uuid(),
        name: vm.instance_name.clone(),
        vcpus: number(vm.cpu_number),
        memory: u64::from(number(vm.memory_mib)) * MIB,
        disks: plan
            .volumes
            .iter()
            .map(|disk| DiskSpec {
                volume: in_pool(plan, disk.path.clone()),
                format: disk.format.clone(),
            })
            .collect(),
        seed: Some(in_pool(plan, names::seed(vm.id))),
        nics: plan.plugs.iter().map(nic).collect::<Result<_>>()?,
        display: vm.gpu_display && !devices.is_empty(),
        devices,
        numa: demand.map_or(NumaPolicy::Ignored, |demand| demand.numa),
        device_nodes: plan.devices.iter().map(node).collect(),
        hugepages,
        firmware: plan.firmware,
        extra: plan.extra.clone(),
        details: BTreeMap::new(),
    })
}

fn nic(plug: &Plug) -> Result<NicSpec> {
    let link = match (plug.guest_type.as_str(), &plug.bridge) {
        ("Isolated", _) => NicLink::Network(names::network(plug.network)),
        (_, Some(bridge)) => NicLink::Bridge(bridge.clone()),
        (_, None) => {
            return Err(Error::Unavailable(format!(
                "network {} has no bridge: its physical network's guest traffic needs a label",
                plug.network
            )));
        }
    };
    Ok(NicSpec { mac: plug.mac.clone(), link })
}
