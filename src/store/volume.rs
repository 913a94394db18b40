//! Volumes: the root disks of instances.

use super::{
    Conn, Tx, Window, annotation, clock, like, limit,
    owner::{Owner, OwnerName, Owners, owned_by, owner_name, with_owner},
    prepared::kept,
    schema::{domain, service_offering, storage_pool, template, vm, volume, zone},
    tag, usage,
};
use crate::{
    domain::{Id, Kind, Time, id, resource::Resource, vm::VmState},
    error::Result,
};
use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods, insert_into, update,
};

/// A volume.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = volume, treat_none_as_default_value = false)]
pub struct Volume {
    /// Its id, which is its name in the pool.
    pub id: Id<id::Volume>,
    /// Whose it is.
    pub account_id: Id<id::Account>,
    /// Its owner's domain.
    pub domain_id: Id<id::Domain>,
    /// The zone.
    pub zone_id: Id<id::Zone>,
    /// The instance it belongs to.
    pub vm_id: Option<Id<id::Vm>>,
    /// Where it lies; none until the instance starts for the first time.
    pub pool_id: Option<Id<id::StoragePool>>,
    /// What it is an overlay of.
    pub template_id: Option<Id<id::Template>>,
    /// Its name.
    pub name: String,
    /// `ROOT` or `DATADISK`.
    pub kind: String,
    /// `qcow2` or `raw`.
    pub format: String,
    /// Its name in the pool.
    pub path: String,
    /// Its virtual size in bytes.
    pub size: i64,
    /// Its place in the instance, from 0.
    pub device_index: i32,
    /// `Allocated` until it exists on a host, then `Ready`.
    pub state: String,
    /// The tags with limits that it counts for.
    pub limit_tags: Option<String>,
}

/// Inserts a volume; whoever makes it charges its owner.
pub fn insert(tx: &mut Tx<'_>, new: &Volume) -> Result<()> {
    insert_into(volume::table).values(new).execute(&mut **tx)?;
    Ok(())
}

/// The volumes of an instance, the root disk first.
pub fn of_vm(conn: &mut Conn, vm: Id<id::Vm>) -> Result<Vec<Volume>> {
    let rows = volume::table
        .filter(volume::vm_id.eq(vm))
        .filter(volume::removed.is_null())
        .order((volume::device_index, volume::id))
        .select(Volume::as_select());
    Ok(rows.load(conn)?)
}

/// Where the volumes of an instance lie now, or that they lie nowhere.
pub fn place(
    tx: &mut Tx<'_>,
    vm: Id<id::Vm>,
    pool: Option<Id<id::StoragePool>>,
    state: &str,
) -> Result<()> {
    kept(
        update(volume::table.filter(volume::vm_id.eq(vm)).filter(volume::removed.is_null()))
            .set((volume::pool_id.eq(pool), volume::state.eq(state))),
    )
    .execute(&mut **tx)?;
    Ok(())
}

/// What a volume counts against the limits of its owner.
pub fn bill(size: i64) -> limit::Bill {
    vec![
        (Resource::Volume, limit::Amount::Of(1)),
        (Resource::PrimaryStorage, limit::Amount::Of(size)),
    ]
}

/// What several volumes of one owner count together.
pub fn bill_of(volumes: &[Volume]) -> limit::Bill {
    let count = i64::try_from(volumes.len()).unwrap_or(i64::MAX);
    let size = volumes.iter().fold(0, |sum: i64, volume| sum.saturating_add(volume.size));
    let bill = [(Resource::Volume, count), (Resource::PrimaryStorage, size)];
    bill.into_iter().filter(|(_, n)| *n > 0).map(|(kind, n)| (kind, limit::Amount::Of(n))).collect()
}

/// The volumes of an instance are gone, and count no more.
pub fn remove_of(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let volumes = of_vm(tx, vm)?;
    for volume in &volumes {
        let owner = Owner { account: volume.account_id, domain: volume.domain_id };
        let tags = limit::Tags::of_volume(volume.limit_tags.as_deref());
        limit::free_tagged(tx, owner, &bill(volume.size), tags)?;
        usage::end(tx, &[usage::Usage::Volume], volume.id)?;
    }
    kept(
        update(volume::table.filter(volume::vm_id.eq(vm)).filter(volume::removed.is_null()))
            .set((volume::removed.eq(clock().nullable()), volume::state.eq("Expunged"))),
    )
    .execute(&mut **tx)?;
    for volume in &volumes {
        tag::clear(tx, volume.id)?;
        annotation::clear(tx, volume.id)?;
        super::detail::clear(tx, volume.id)?;
    }
    Ok(())
}

/// Which volumes to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// These.
    pub ids: Vec<Id<id::Volume>>,
    /// With this name.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this instance.
    pub vm: Option<Id<id::Vm>>,
    /// In this zone.
    pub zone: Option<Id<id::Zone>>,
    /// In this pool.
    pub pool: Option<Id<id::StoragePool>>,
    /// In this state.
    pub state: Option<String>,
    /// With one of these tags; empty: all.
    pub tags: Vec<(String, String)>,
}

/// A volume with the names of what it belongs to.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The volume.
    pub volume: Volume,
    /// When it was made.
    pub created: Time,
    /// Zone name.
    pub zone: String,
    /// Whose it is.
    pub owner: OwnerName,
    /// Domain name and path.
    pub domain: (String, String),
    /// Host name, shown name, state and hypervisor of its instance.
    pub vm: Option<(String, String, VmState, String)>,
    /// Id and name of the instance's service offering.
    pub offering: Option<(Id<id::ServiceOffering>, String)>,
    /// Pool name and scope.
    pub pool: Option<(String, String)>,
    /// Template name and description.
    pub template: Option<(String, String)>,
    /// Its tags.
    pub tags: Vec<tag::Tag>,
    /// For whom it has annotations.
    pub noted: annotation::Noted,
}

type Row = (
    Volume,
    (Time, String, OwnerName, String, String),
    Option<(String, String, VmState, String, Id<id::ServiceOffering>)>,
    (Option<String>, Option<(String, String)>, Option<(String, String)>),
);

/// How many match, and one page of them, oldest first.
pub fn list(
    conn: &mut Conn,
    owners: &Owners,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<Listed>)> {
    let query = || {
        let query = volume::table.filter(volume::removed.is_null()).select(volume::id).into_boxed();
        let mut query = owned_by!(query, volume, owners);
        if !filter.ids.is_empty() {
            query = query.filter(volume::id.eq_any(filter.ids.clone()));
        }
        if let Some(name) = &filter.name {
            query = query.filter(volume::name.eq(name.clone()));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(volume::kind.eq(kind.clone()));
        }
        if let Some(vm) = filter.vm {
            query = query.filter(volume::vm_id.eq(vm));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(volume::zone_id.eq(zone));
        }
        if let Some(pool) = filter.pool {
            query = query.filter(volume::pool_id.eq(pool));
        }
        if let Some(state) = &filter.state {
            query = query.filter(volume::state.eq(state.clone()));
        }
        if !filter.tags.is_empty() {
            query = query.filter(volume::id.eq_any(tag::having(Kind::Volume, &filter.tags)));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(volume::name.like(like(word)));
        }
        query
    };
    let ids: Vec<Id<id::Volume>> = window.page(query().order(volume::id), conn)?;
    let count = window.count(ids.len(), || Ok(query().count().get_result(conn)?))?;
    if ids.is_empty() {
        return Ok((count, Vec::new()));
    }
    Ok((count, whole(conn, &ids)?))
}

fn whole(conn: &mut Conn, ids: &[Id<id::Volume>]) -> Result<Vec<Listed>> {
    let rows: Vec<Row> = with_owner!(volume::table, volume)
        .inner_join(zone::table.on(zone::id.eq(volume::zone_id)))
        .inner_join(domain::table.on(domain::id.eq(volume::domain_id)))
        .left_join(vm::table.on(volume::vm_id.eq(vm::id.nullable())))
        .left_join(service_offering::table.on(service_offering::id.eq(vm::offering_id)))
        .left_join(storage_pool::table.on(volume::pool_id.eq(storage_pool::id.nullable())))
        .left_join(template::table.on(volume::template_id.eq(template::id.nullable())))
        .filter(volume::id.eq_any(ids))
        .order(volume::id)
        .select((
            Volume::as_select(),
            (volume::created, zone::name, owner_name!(), domain::name, domain::path),
            (vm::name, vm::display_name, vm::state, vm::hypervisor, vm::offering_id).nullable(),
            (
                service_offering::name.nullable(),
                (storage_pool::name, storage_pool::scope).nullable(),
                (template::name, template::display_text).nullable(),
            ),
        ))
        .load(conn)?;
    let mut tags = tag::of(conn, ids)?;
    let notes = annotation::noted(conn, ids)?;
    let listed = rows.into_iter().map(|row| {
        let (volume, (created, zone, owner, name, path), vm, (offering, pool, template)) = row;
        let offering = vm.as_ref().map(|vm| vm.4).zip(offering);
        let vm = vm.map(|(name, shown, state, hypervisor, _)| (name, shown, state, hypervisor));
        let (domain, tags) = ((name, path), tags.remove(&volume.id).unwrap_or_default());
        let noted = notes.get(&volume.id).copied().unwrap_or_default();
        Listed { volume, created, zone, owner, domain, vm, offering, pool, template, tags, noted }
    });
    Ok(listed.collect())
}
