//! Another offering for an instance that is stopped, in one transaction: its size, its GPUs, its limits, its usage.
//!
//! The next start reserves what the new offering asks. Devices that a stop had left to the instance stay when they are
//! what the new offering asks too; else they are given back at once, each by proof like after a stop.

use super::{
    clearing,
    draft::{self, Asked, Size},
};
use crate::{
    command::prelude::*,
    domain::{
        gpu::AllocationState,
        placement::NumaPolicy,
        resource::Resource,
        vm::{GpuDemand, VmState},
    },
    store::{
        debt,
        deploy::{self, Compute, Named},
        detail::{self, Details},
        gpu_claim,
        gpu_held::{self, HeldDevice},
        limit::{self, Amount, Bill, Tags},
        owner::Owner,
        vm::{self, Resize, Vm},
    },
};

/// What the details of an instance of a customized offering are called.
const SIZES: &[&str] = &["cpuNumber", "cpuSpeed", "memory"];

/// What is asked of an instance.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The instance.
    pub(super) vm: Id<id::Vm>,
    /// Its new service offering.
    pub(super) offering: Id<id::ServiceOffering>,
    /// Its new GPU offering.
    pub(super) gpu_offering: Option<Id<id::GpuOffering>>,
    /// Its new number of GPUs; 0: none of the GPU offering it was made with.
    pub(super) gpu_count: Option<i32>,
    /// Sizes of a customized offering.
    pub(super) details: Details,
}

/// Changes the offering; says at which host devices are given back now.
pub(super) fn resize(
    tx: &mut Tx<'_>,
    caller: &Caller,
    wanted: &Wanted,
) -> Result<Option<Id<id::Host>>> {
    let now = vm::get(tx, wanted.vm)?;
    let id = now.id;
    check_changeable(tx, &now)?;
    let owner = Owner { account: now.account_id, domain: now.domain_id };
    let details = draft::check_details(&wanted.details, None, &[])?;
    let (compute, gpus, size) = plan(tx, caller, &now, wanted)?;
    let to = Resize {
        offering_id: wanted.offering,
        gpu_offering_id: compute.gpu_offering.as_ref().map(|offering| offering.id),
        cpu_number: size.cpus,
        cpu_speed: size.mhz,
        memory_mib: size.memory_mib,
        demand: gpus.as_ref().map(draft::json).transpose()?,
        gpu_display: compute.gpu_display,
        limit_tags: compute.host_limits.clone(),
    };
    let had = Size { cpus: now.cpu_number, mhz: now.cpu_speed, memory_mib: now.memory_mib };
    let (offering, gpu_offering) = (now.offering_id, now.gpu_offering_id);
    let is_same = (offering, gpu_offering, had) == (to.offering_id, to.gpu_offering_id, size);
    if is_same && now.demand == to.demand {
        return Err(Error::Invalid(format!(
            "Not upgrading vm {id} since it already has the requested service offering ({})",
            compute.name
        )));
    }
    let held = gpu_held::held_by(tx, id)?;
    let keeps = held.is_empty() || gpus.as_ref().is_some_and(|gpus| accepts(gpus, &held));
    if !keeps {
        gpu_claim::begin_release(tx, id)?; // counted as it was charged: before its tags change
    }
    vm::resize(tx, &now, &to)?;
    if !compute.is_customized {
        detail::forget(tx, id, SIZES)?;
    }
    detail::put(tx, id, &details)?;
    count(tx, &now, &to, difference(had, size))?;
    // what the next start will reserve must be allowed now, too
    if (held.is_empty() || !keeps)
        && let Some(gpus) = &gpus
    {
        let least = gpus.choices.iter().map(|choice| choice.count).min().unwrap_or(0);
        let memory = deploy::least_memory(tx, gpus)?;
        let bill = vec![
            (Resource::Gpu, Amount::Of(least.into())),
            (Resource::GpuMemory, Amount::Of(memory)),
        ];
        limit::check(tx, owner, &bill, Tags::of_vm(to.limit_tags.as_deref()))?;
    }
    Ok(held.first().filter(|_| !keeps).map(|device| device.host))
}

/// Whether its offering can be changed now.
fn check_changeable(tx: &mut Tx<'_>, now: &Vm) -> Result<()> {
    let id = now.id;
    if now.state != VmState::Stopped {
        return Err(Error::Invalid(format!(
            "Unable to upgrade virtual machine {id}  in state {}; make sure the virtual machine is stopped",
            now.state
        )));
    }
    if debt::is_owed(tx, id.uuid())? {
        return Err(Error::Unavailable(format!(
            "instance {id} still has to be cleaned up on a host that does not answer"
        )));
    }
    if now.adopted {
        return Err(Error::Conflict(format!(
            "instance {id} was made by hand and adopted: its definition is not the cloud's to change"
        )));
    }
    Ok(())
}

/// Counts what it is more and less, and the whole of it, with the devices that it keeps, for the tags with limits that its new
/// offering asks for.
fn count(tx: &mut Tx<'_>, now: &Vm, to: &Resize, (more, less): (Bill, Bill)) -> Result<()> {
    let owner = Owner { account: now.account_id, domain: now.domain_id };
    limit::free(tx, owner, &less)?;
    limit::charge(tx, owner, &more)?;
    if now.limit_tags.is_none() && to.limit_tags.is_none() {
        return Ok(());
    }
    let gpus = gpu_claim::counted(tx, now.id)?;
    let bill = |cpus, memory_mib| {
        limit::bill_of_vm(cpus, memory_mib).into_iter().chain(gpus.clone()).collect()
    };
    let (had, has) = (bill(now.cpu_number, now.memory_mib), bill(to.cpu_number, to.memory_mib));
    let before = (&had, Tags::of_vm(now.limit_tags.as_deref()));
    limit::retag(tx, owner, before, (&has, Tags::of_vm(to.limit_tags.as_deref())))
}

/// What the instance will be.
fn plan(
    tx: &mut Tx<'_>,
    caller: &Caller,
    now: &Vm,
    wanted: &Wanted,
) -> Result<(Compute, Option<GpuDemand>, Size)> {
    let owner = Owner { account: now.account_id, domain: now.domain_id };
    let mut named = Named {
        offering: wanted.offering,
        gpus: wanted.gpu_offering,
        template: now.template_id,
        owner: now.account_id,
        key_pairs: String::new(),
    };
    let none_wanted = wanted.gpu_count == Some(0);
    let (mut compute, ..) = deploy::offering(tx, &named)?;
    let brings_none = !compute.asks_itself && compute.gpu_offering.is_none();
    if none_wanted && !brings_none {
        return Err(Error::invalid(
            "gpucount 0 goes with a service offering without GPUs and without gpuofferingid",
        ));
    }
    // a GPU offering that was given to the instance itself stays with it
    if brings_none
        && !none_wanted
        && now.gpu_offering_id.is_some()
        && deploy::own_gpus(tx, now.offering_id)? != now.gpu_offering_id
    {
        named.gpus = now.gpu_offering_id;
        (compute, ..) = deploy::offering(tx, &named)?;
    }
    let asked = Asked {
        zone: now.zone_id,
        offering: wanted.offering,
        gpu_offering: named.gpus,
        gpu_count: wanted.gpu_count.filter(|_| !none_wanted),
        details: &wanted.details,
    };
    draft::check_usable(tx, caller, owner, &compute, &asked)?;
    let mut gpus = draft::gpus(tx, &compute, &asked)?;
    if gpus.is_none() && !none_wanted {
        // and so do devices that were named for it
        gpus = GpuDemand::read(now.demand.as_deref()).filter(|had| !had.exact.is_empty());
    }
    let size = draft::size(tx, &compute, &asked)?;
    Ok((compute, gpus, size))
}

/// Whether these devices are what a demand would have been given.
fn accepts(demand: &GpuDemand, held: &[HeldDevice]) -> bool {
    let is_whole = held.iter().all(|device| device.state == AllocationState::Allocated);
    let node = held[0].numa_node;
    let is_near = node.is_some() && held.iter().all(|device| device.numa_node == node);
    is_whole
        && (demand.numa != NumaPolicy::Required || is_near)
        && (!demand.exact.is_empty()
            || demand.choices.iter().any(|choice| {
                choice.count as usize == held.len()
                    && held.iter().all(|device| device.profile == choice.profile)
            }))
}

/// What an instance counts more, and what it counts less.
fn difference(from: Size, to: Size) -> (Bill, Bill) {
    let cpus = (Resource::Cpu, i64::from(to.cpus) - i64::from(from.cpus));
    let memory = (Resource::Memory, i64::from(to.memory_mib) - i64::from(from.memory_mib));
    let of = |sign: i64| {
        let some = [cpus, memory].into_iter().filter(move |(_, change)| change * sign > 0);
        some.map(|(resource, change)| (resource, Amount::Of(change * sign))).collect()
    };
    (of(1), of(-1))
}

/// Proves what was given back, so that the instance can start at once. Safe to repeat.
pub(super) async fn prove(cx: &Cx, vm: Id<id::Vm>, at: Option<Id<id::Host>>) -> Result<()> {
    let Some(at) = at else { return Ok(()) };
    let host = clearing::host(cx, at).await?;
    clearing::prove(cx, vm, at, host.as_ref()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_difference_is_counted() {
        let size = |cpus, memory_mib| Size { cpus, mhz: 1000, memory_mib };
        let (more, less) = difference(size(2, 1024), size(4, 512));
        assert_eq!(more, [(Resource::Cpu, Amount::Of(2))]);
        assert_eq!(less, [(Resource::Memory, Amount::Of(512))]);
        assert_eq!(difference(size(2, 512), size(2, 512)), (Bill::new(), Bill::new()));
    }
}
