//! GPU devices as lists show them, and the few things that administrators change by hand.

use super::{
    Conn, Window, like,
    owner::{self, Owners},
    schema::{gpu_allocation, gpu_card, gpu_device, host, vgpu_profile, vm},
};
use crate::{
    domain::{
        Id, Time,
        gpu::wire_state::{Condition, wire_state},
        gpu::{AllocationState, DeviceType, Health, ManagedState, PciAddress, WireState},
        id,
        vm::VmState,
    },
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    Queryable, RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods, alias,
    dsl::{count_star, sql},
    mysql::Mysql,
    sql_types::{BigInt, Bool},
};

/// The columns of a device that answers show.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = gpu_device)]
pub struct Device {
    /// Its id.
    pub id: Id<id::GpuDevice>,
    /// Where it is.
    pub host_id: Id<id::Host>,
    /// Its card.
    pub card_id: Id<id::GpuCard>,
    /// How it consumes its card.
    pub profile_id: Id<id::VgpuProfile>,
    /// The physical GPU it is a part of.
    pub parent_id: Option<Id<id::GpuDevice>>,
    /// PCI address or UUID.
    pub address: String,
    /// How it is attached.
    pub device_type: DeviceType,
    /// Whether it is made at start and removed after release.
    pub on_demand: bool,
    /// NUMA node.
    pub numa_node: Option<i32>,
    /// The root port above it.
    pub pci_root: Option<PciAddress>,
    /// Its IOMMU group.
    pub iommu_group: Option<i32>,
    /// The bound driver.
    pub driver: Option<String>,
    /// The administrator's switch.
    pub managed: ManagedState,
    /// Whether it gets no new instance.
    pub draining: bool,
    /// Whether it can be trusted.
    pub health: Health,
    /// Why not.
    pub health_reason: Option<String>,
    /// Whether the host is ready to give it.
    pub is_ready: bool,
    /// Why not, and what to do about it.
    pub ready_reason: Option<String>,
    /// Since when it has this health, or is free.
    pub since: Time,
    /// When a probe last saw it.
    pub seen: Option<Time>,
}

/// Who holds a device.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The instance.
    pub vm: Id<id::Vm>,
    /// Where the allocation is in its life.
    pub allocation: AllocationState,
    /// The instance's name on its host; `None`: it is gone from the books.
    pub instance_name: Option<String>,
    /// The instance's state.
    pub state: Option<VmState>,
    /// Since when the allocation is where it is.
    pub since: Time,
}

/// A device with the names of what it belongs to.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The device.
    pub device: Device,
    /// Its host's name.
    pub host: String,
    /// Its card's name.
    pub card: String,
    /// Its profile's name.
    pub profile: String,
    /// Who holds it.
    pub holder: Option<Holder>,
    /// What clients read about all of this.
    pub state: WireState,
}

/// Which devices to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// These; empty: all.
    pub ids: Vec<Id<id::GpuDevice>>,
    /// On this host.
    pub host: Option<Id<id::Host>>,
    /// Of this card.
    pub card: Option<Id<id::GpuCard>>,
    /// With this profile.
    pub profile: Option<Id<id::VgpuProfile>>,
    /// Held by this instance.
    pub vm: Option<Id<id::Vm>>,
    /// Held by instances of these owners; `None`: held or not.
    pub owners: Option<Owners>,
}

type Row = (
    Device,
    (Option<String>, Option<String>, Option<String>),
    (Option<Id<id::Vm>>, Option<AllocationState>, Option<String>, Option<VmState>),
    (i64, bool),
    Times,
);

/// When an allocation was reserved, allocated, and began to be given back.
type Times = (Option<Time>, Option<Time>, Option<Time>);

/// Applies a filter to a boxed query that starts at `gpu_device`; nothing but its columns is named.
macro_rules! filtered {
    ($query:expr, $filter:expr, $window:expr) => {{
        let mut query = $query.filter(gpu_device::alive.eq(true));
        if !$filter.ids.is_empty() {
            query = query.filter(gpu_device::id.eq_any($filter.ids.clone()));
        }
        if let Some(host) = $filter.host {
            query = query.filter(gpu_device::host_id.eq(host));
        }
        if let Some(card) = $filter.card {
            query = query.filter(gpu_device::card_id.eq(card));
        }
        if let Some(profile) = $filter.profile {
            query = query.filter(gpu_device::profile_id.eq(profile));
        }
        if let Some(vm) = $filter.vm {
            let held = gpu_allocation::table
                .filter(gpu_allocation::active.eq(true).and(gpu_allocation::vm_id.eq(vm)))
                .select(gpu_allocation::device_id);
            query = query.filter(gpu_device::id.eq_any(held));
        }
        let held = gpu_allocation::table
            .inner_join(vm::table.on(vm::id.eq(gpu_allocation::vm_id)))
            .filter(gpu_allocation::active.eq(true).and(vm::removed.is_null()))
            .select(gpu_allocation::device_id);
        match &$filter.owners {
            None | Some(Owners::All) => {}
            Some(Owners::Account(account)) => {
                let held = held.filter(vm::account_id.eq(*account));
                query = query.filter(gpu_device::id.eq_any(held));
            }
            Some(Owners::Accounts(accounts)) => {
                let held = held.filter(vm::account_id.eq_any(accounts.clone()));
                query = query.filter(gpu_device::id.eq_any(held));
            }
            Some(Owners::Project(id)) => {
                let held = held.filter(owner::of_project!(vm, id));
                query = query.filter(gpu_device::id.eq_any(held));
            }
            Some(Owners::AllButProjects) => {
                let held = held.filter(owner::not_shared!(vm));
                query = query.filter(gpu_device::id.eq_any(held));
            }
            Some(Owners::Domains(domains)) => {
                let held = held.filter(vm::domain_id.eq_any(domains.clone()));
                query = query.filter(gpu_device::id.eq_any(held));
            }
            Some(Owners::DomainsButProjects(domains)) => {
                let held = held
                    .filter(vm::domain_id.eq_any(domains.clone()))
                    .filter(owner::not_shared!(vm));
                query = query.filter(gpu_device::id.eq_any(held));
            }
        }
        if let Some(word) = &$window.keyword {
            // addresses are ASCII, and the database does not compare them with anything else
            let address = if word.is_ascii() { like(word) } else { String::new() };
            let word = like(word);
            let cards =
                gpu_card::table.filter(gpu_card::name.like(word.clone())).select(gpu_card::id);
            let profiles = vgpu_profile::table
                .filter(vgpu_profile::name.like(word.clone()))
                .select(vgpu_profile::id);
            let hosts = host::table.filter(host::name.like(word.clone())).select(host::id);
            query = query.filter(
                gpu_device::address
                    .like(address)
                    .or(gpu_device::card_id.eq_any(cards))
                    .or(gpu_device::profile_id.eq_any(profiles))
                    .or(gpu_device::host_id.eq_any(hosts)),
            );
        }
        query
    }};
}

/// How many match, and one page of them, oldest first. Every join starts at the paged table, or the database begins
/// with a small one and sorts.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Listed>)> {
    // aliases, because the conditions name the tables themselves
    let (held, holder, at, card, profile) = alias!(
        gpu_allocation as held,
        vm as holder,
        host as at,
        gpu_card as card,
        vgpu_profile as profile
    );
    let is_holding = held
        .field(gpu_allocation::device_id)
        .eq(gpu_device::id)
        .and(held.field(gpu_allocation::active).eq(true));
    let joined = gpu_device::table
        .left_join(held.on(is_holding))
        .left_join(holder.on(holder.field(vm::id).eq(held.field(gpu_allocation::vm_id))))
        .left_join(at.on(at.field(host::id).eq(gpu_device::host_id)))
        .left_join(card.on(card.field(gpu_card::id).eq(gpu_device::card_id)))
        .left_join(profile.on(profile.field(vgpu_profile::id).eq(gpu_device::profile_id)))
        .select((
            Device::as_select(),
            (
                at.field(host::name).nullable(),
                card.field(gpu_card::name).nullable(),
                profile.field(vgpu_profile::name).nullable(),
            ),
            (
                held.field(gpu_allocation::vm_id).nullable(),
                held.field(gpu_allocation::state).nullable(),
                holder.field(vm::instance_name).nullable(),
                holder.field(vm::state).nullable(),
            ),
            (sql::<BigInt>(CHILDREN_HELD), sql::<Bool>(PARENT_HELD)),
            (
                held.field(gpu_allocation::reserved).nullable(),
                held.field(gpu_allocation::allocated).nullable(),
                held.field(gpu_allocation::releasing).nullable(),
            ),
        ))
        .order(gpu_device::id)
        .into_boxed();
    let joined = filtered!(joined, filter, window);
    if window.offset == 0 {
        let rows: Vec<Row> = window.page(joined, conn)?;
        let count = window.count(rows.len(), || {
            Ok(filtered!(gpu_device::table.into_boxed(), filter, window)
                .count()
                .get_result(conn)?)
        })?;
        return Ok((count, rows.into_iter().map(listed).collect()));
    }
    // what comes before the page is stepped over in an index alone, not row by row with all that is joined to it
    let ids = gpu_device::table.select(gpu_device::id).order(gpu_device::id).into_boxed::<Mysql>();
    let first = filtered!(ids, filter, window).offset(window.offset).single_value();
    let counted = gpu_device::table.select((count_star(), first)).into_boxed();
    let (count, first): (i64, Option<Id<id::GpuDevice>>) =
        filtered!(counted, filter, window).first(conn)?;
    let Some(first) = first else { return Ok((count, Vec::new())) };
    let page = Window { offset: 0, ..window.clone() };
    let rows: Vec<Row> = page.page(joined.filter(gpu_device::id.ge(first)), conn)?;
    Ok((count, rows.into_iter().map(listed).collect()))
}

/// The order of the join is given: where few devices have parents, the database would walk through all allocations.
const CHILDREN_HELD: &str =
    "(SELECT COUNT(*) FROM gpu_device k FORCE INDEX (ix_gpu_device_parent)
    STRAIGHT_JOIN gpu_allocation ka ON ka.device_id = k.id AND ka.active = 1 WHERE k.parent_id = gpu_device.id AND k.alive = 1)";
const PARENT_HELD: &str =
    "EXISTS (SELECT 1 FROM gpu_allocation pa WHERE pa.device_id = gpu_device.parent_id
    AND pa.active = 1)";

fn listed(row: Row) -> Listed {
    let (device, (host, card, profile), holder, family, (reserved, allocated, releasing)) = row;
    let (vm, allocation, instance_name, state) = holder;
    let (children_held, is_parent_held) = family;
    let condition = Condition {
        health: device.health,
        allocation,
        children_held: u32::try_from(children_held).unwrap_or(u32::MAX),
        is_parent_held,
    };
    let since = releasing.or(allocated).or(reserved).unwrap_or(device.since);
    let holder = vm.zip(allocation).map(|(vm, allocation)| Holder {
        vm,
        allocation,
        instance_name,
        state,
        since,
    });
    Listed {
        host: host.unwrap_or_default(),
        card: card.unwrap_or_default(),
        profile: profile.unwrap_or_default(),
        holder,
        state: wire_state(&condition),
        device,
    }
}

/// One device.
pub fn get(conn: &mut Conn, device: Id<id::GpuDevice>) -> Result<Option<Listed>> {
    let filter = Filter { ids: vec![device], ..Filter::default() };
    Ok(list(conn, &filter, &Window::ALL)?.1.pop())
}
