//! What changes in an instance besides its state.

use super::Vm;
use crate::{
    domain::{Id, id, machine::Firmware},
    error::{Error, Result},
    store::{
        Conn, Tx, clock,
        deploy::HUGE_PAGES,
        prepared::kept,
        schema::{affinity_member, detail, service_offering, template, vm},
        usage::{self, Usage},
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, alias, dsl::exists, update,
};

/// What its owner can change.
#[derive(Debug, Clone, Default, diesel::AsChangeset)]
#[diesel(table_name = vm)]
pub struct Change {
    /// The name its owner sees.
    pub display_name: Option<String>,
    /// Its host name.
    pub name: Option<String>,
    /// Whether its owner sees it.
    pub is_displayed: Option<bool>,
}

/// Changes names.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Vm>, change: &Change) -> Result<()> {
    update(vm::table.filter(vm::id.eq(id)))
        .set((change, vm::updated.eq(clock())))
        .execute(&mut **tx)?;
    Ok(())
}

/// Another size.
#[derive(Debug, Clone, diesel::AsChangeset)]
#[diesel(table_name = vm, treat_none_as_null = true)]
pub struct Resize {
    /// The service offering.
    pub offering_id: Id<id::ServiceOffering>,
    /// The GPU offering.
    pub gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// Virtual CPUs.
    pub cpu_number: i32,
    /// CPU speed in MHz.
    pub cpu_speed: i32,
    /// Memory in MiB.
    pub memory_mib: i32,
    /// What it asks of GPUs, as JSON.
    pub demand: Option<String>,
    /// Whether the first GPU shows a display.
    pub gpu_display: bool,
    /// The tags with limits that it counts for.
    pub limit_tags: Option<String>,
}

/// Gives an instance another size: in its row and, from now on, in the ledger of usage. Error: lost race, when it was
/// moved since it was read.
pub fn resize(tx: &mut Tx<'_>, seen: &Vm, size: &Resize) -> Result<()> {
    touch(tx, seen)?;
    update(vm::table.filter(vm::id.eq(seen.id))).set(size).execute(&mut **tx)?;
    usage::end(tx, &[Usage::Allocated], seen.id)?;
    usage::begin(tx, Usage::Allocated, seen.id)
}

/// Where the instance starts now: its host, and where its root disk lies if that is told; and why, unless it was decided before.
pub fn place(
    tx: &mut Tx<'_>,
    id: Id<id::Vm>,
    (host, pool): (Id<id::Host>, Option<Id<id::StoragePool>>),
    decision: Option<&str>,
) -> Result<()> {
    if decision.is_some() {
        super::decision::keep(tx, id)?;
    }
    let why = decision.map(|text| (vm::decision.eq(text), vm::decided.eq(clock().nullable())));
    let pool = pool.map(|pool| vm::pool_id.eq(pool));
    kept(update(vm::table.filter(vm::id.eq(id))).set((vm::host_id.eq(host), pool, why)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Base64, as it came; only lists of one instance and the seed need it, rows do not carry it.
pub fn user_data(conn: &mut Conn, id: Id<id::Vm>) -> Result<Option<String>> {
    let row = vm::table
        .filter(vm::id.eq(id))
        .filter(vm::removed.is_null())
        .select(vm::user_data)
        .first(conn);
    let gone = || Error::NotFound { what: "virtual machine", id: id.to_string() };
    row.optional()?.ok_or_else(gone)
}

/// The instance is not what it was: whoever read it before and would move it is told to look again. Error: lost race,
/// when it was moved since it was read.
pub fn touch(tx: &mut Tx<'_>, seen: &Vm) -> Result<()> {
    let rows = kept(
        update(
            vm::table
                .filter(vm::id.eq(seen.id))
                .filter(vm::state.eq(seen.state))
                .filter(vm::generation.eq(seen.generation))
                .filter(vm::removed.is_null()),
        )
        .set((vm::generation.eq(vm::generation + 1), vm::updated.eq(clock()))),
    )
    .execute(&mut **tx)?;
    if rows == 1 { Ok(()) } else { Err(Error::LostRace("instance")) }
}

/// Replaces the user data.
pub fn set_user_data(tx: &mut Tx<'_>, id: Id<id::Vm>, text: Option<&str>) -> Result<()> {
    update(vm::table.filter(vm::id.eq(id)))
        .set((vm::user_data.eq(text), vm::updated.eq(clock())))
        .execute(&mut **tx)?;
    Ok(())
}

/// The instance has no disks anywhere: its next start may be on any host.
pub fn unplace(tx: &mut Tx<'_>, id: Id<id::Vm>) -> Result<()> {
    kept(update(vm::table.filter(vm::id.eq(id))).set(vm::pool_id.eq(None::<Id<id::StoragePool>>)))
        .execute(&mut **tx)?;
    Ok(())
}

/// What an instance asks of a host by its offering and template.
#[derive(Debug, Clone, Queryable)]
pub struct Asks {
    /// Host tags, joined by commas.
    pub host_tags: Option<String>,
    /// Storage tags, joined by commas.
    pub storage_tags: Option<String>,
    /// The architecture.
    pub arch: String,
    /// The size of the template's file.
    pub image_size: i64,
    /// The mode of UEFI that it boots by, if it does.
    pub uefi: Option<String>,
    /// What its offering says of huge pages.
    pub huge_pages: Option<String>,
    /// Whether it is in affinity groups.
    pub is_grouped: bool,
}

/// What an instance asks of a host by its offering and template, removed or not.
pub fn asks(conn: &mut Conn, id: Id<id::Vm>) -> Result<Asks> {
    let uefi = detail::table
        .filter(detail::owner_id.eq(vm::id).and(detail::name.eq(Firmware::DETAIL)))
        .select(detail::value);
    let pages = alias!(detail as offering_detail);
    let (owner, name) = (pages.field(detail::owner_id), pages.field(detail::name));
    let pages = pages
        .filter(owner.eq(vm::offering_id).and(name.eq(HUGE_PAGES)))
        .select(pages.field(detail::value));
    Ok(vm::table
        .inner_join(service_offering::table.on(service_offering::id.eq(vm::offering_id)))
        .inner_join(template::table.on(template::id.eq(vm::template_id)))
        .filter(vm::id.eq(id))
        .select((
            service_offering::host_tags,
            service_offering::storage_tags,
            template::arch,
            template::size,
            uefi.single_value(),
            pages.single_value(),
            exists(affinity_member::table.filter(affinity_member::vm_id.eq(vm::id))),
        ))
        .first(conn)?)
}
