//! Storage pools: rows and queries.

use super::{
    Conn, Tx, Window, clock, like,
    schema::{cluster, host, pod, storage_pool, template_copy, zone},
    write::{first_use, unless_taken},
};
use crate::{
    domain::{
        Id, Time, id,
        infra::{Hypervisor, PoolKind, PoolScope, PoolState, pool_on_host},
        machine::NewPool,
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl,
    NullableExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName,
    RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods, delete, insert_into,
    sql_query,
    sql_types::{BigInt, Text},
    update,
};
use std::collections::HashMap;

/// A storage pool.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = storage_pool)]
pub struct StoragePool {
    /// Its id.
    pub id: Id<id::StoragePool>,
    /// Its zone.
    pub zone_id: Id<id::Zone>,
    /// Its pod, unless it serves the whole zone.
    pub pod_id: Option<Id<id::Pod>>,
    /// Its cluster, unless it serves the whole zone.
    pub cluster_id: Option<Id<id::Cluster>>,
    /// Its host, when it is on one.
    pub host_id: Option<Id<id::Host>>,
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub kind: PoolKind,
    /// Who reaches it.
    pub scope: PoolScope,
    /// Its directory, or `server:/export`.
    pub path: String,
    /// Whether it takes volumes.
    pub state: PoolState,
    /// Its size in bytes.
    pub capacity: i64,
    /// What is left of it.
    pub available: i64,
    /// Its tags, joined by commas.
    pub tags: Option<String>,
}

impl StoragePool {
    /// As its hosts know it.
    pub fn on_host(&self) -> NewPool {
        pool_on_host(self.id, self.kind, &self.path)
    }
}

/// A pool with the names of what it belongs to.
#[derive(Debug, Clone, Queryable)]
pub struct Named {
    /// The pool.
    pub pool: StoragePool,
    /// When it was made.
    pub created: Time,
    /// Its zone's name.
    pub zone: String,
    /// Its pod's name.
    pub pod: Option<String>,
    /// Its cluster's name and hypervisor.
    pub cluster: Option<(String, Hypervisor)>,
    /// Its host's address.
    pub address: Option<String>,
}

/// Which pools to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::StoragePool>>,
    /// Of this zone.
    pub zone: Option<Id<id::Zone>>,
    /// Of this pod.
    pub pod: Option<Id<id::Pod>>,
    /// Of this cluster.
    pub cluster: Option<Id<id::Cluster>>,
    /// On this host.
    pub host: Option<Id<id::Host>>,
    /// With this name.
    pub name: Option<String>,
    /// With this path.
    pub path: Option<String>,
    /// Of this scope.
    pub scope: Option<String>,
    /// In this state.
    pub state: Option<String>,
}

/// What to change of a pool.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = storage_pool)]
#[expect(missing_docs, reason = "the fields of a pool")]
pub struct Changes {
    pub name: Option<String>,
    pub state: Option<PoolState>,
    /// `Some(None)` takes all tags away.
    pub tags: Option<Option<String>>,
}

/// How many match, and one page of them, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Named>)> {
    let query = || {
        let mut query = storage_pool::table
            .inner_join(zone::table.on(zone::id.eq(storage_pool::zone_id)))
            .left_join(pod::table.on(pod::id.nullable().eq(storage_pool::pod_id)))
            .left_join(cluster::table.on(cluster::id.nullable().eq(storage_pool::cluster_id)))
            .left_join(host::table.on(host::id.nullable().eq(storage_pool::host_id)))
            .filter(storage_pool::alive.eq(true))
            .into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(storage_pool::id.eq(id));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(storage_pool::zone_id.eq(zone));
        }
        if let Some(pod) = filter.pod {
            query = query.filter(storage_pool::pod_id.eq(pod));
        }
        if let Some(cluster) = filter.cluster {
            query = query.filter(storage_pool::cluster_id.eq(cluster));
        }
        if let Some(host) = filter.host {
            query = query.filter(storage_pool::host_id.eq(host));
        }
        if let Some(name) = &filter.name {
            query = query.filter(storage_pool::name.eq(name));
        }
        if let Some(path) = &filter.path {
            query = query.filter(storage_pool::path.eq(path));
        }
        if let Some(scope) = &filter.scope {
            query = query.filter(storage_pool::scope.eq(scope));
        }
        if let Some(state) = &filter.state {
            query = query.filter(storage_pool::state.eq(state));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(storage_pool::name.like(like(word)));
        }
        query
    };
    let columns = (
        StoragePool::as_select(),
        storage_pool::created,
        zone::name,
        pod::name.nullable(),
        (cluster::name, cluster::hypervisor).nullable(),
        host::ip_address.nullable(),
    );
    let rows = window.page(query().select(columns).order(storage_pool::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One pool with its names. Error: not found.
pub fn named(conn: &mut Conn, id: Id<id::StoragePool>) -> Result<Named> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = list(conn, &filter, &Window::ALL)?.1.pop();
    found.ok_or_else(|| Error::NotFound { what: "storage pool", id: id.to_string() })
}

/// One pool. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::StoragePool>) -> Result<StoragePool> {
    let query = storage_pool::table.filter(storage_pool::id.eq(id));
    let query = query.filter(storage_pool::alive.eq(true));
    let found = query.select(StoragePool::as_select()).first(conn).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "storage pool", id: id.to_string() })
}

/// The pools that a host reaches: its own, its cluster's, its zone's.
pub fn reached_by(conn: &mut Conn, host: &super::host::Host) -> Result<Vec<StoragePool>> {
    let elsewhere = storage_pool::host_id.is_null();
    let shared = storage_pool::cluster_id.eq(host.cluster_id);
    let zoned = storage_pool::cluster_id.is_null().and(storage_pool::zone_id.eq(host.zone_id));
    Ok(storage_pool::table
        .filter(storage_pool::alive.eq(true))
        .filter(
            storage_pool::host_id.eq(host.id).or(elsewhere.and(shared.or(zoned)).assume_not_null()),
        )
        .order(storage_pool::id)
        .select(StoragePool::as_select())
        .load(conn)?)
}

/// The pool that lies in this directory of this host, or is this export.
pub fn at(
    conn: &mut Conn,
    host: Option<Id<id::Host>>,
    cluster: Option<Id<id::Cluster>>,
    path: &str,
) -> Result<Option<StoragePool>> {
    let mut query = storage_pool::table
        .filter(storage_pool::alive.eq(true))
        .filter(storage_pool::path.eq(path))
        .into_boxed();
    query = match (host, cluster) {
        (Some(host), _) => query.filter(storage_pool::host_id.eq(host)),
        (None, Some(cluster)) => query.filter(storage_pool::cluster_id.eq(cluster)),
        (None, None) => query.filter(storage_pool::cluster_id.is_null()),
    };
    Ok(query.select(StoragePool::as_select()).first(conn).optional()?)
}

#[derive(QueryableByName)]
struct Promised {
    #[diesel(sql_type = Text)]
    pool: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// What volumes are promised of these pools, in bytes; pools without volumes are absent. One statement.
pub fn promised(
    conn: &mut Conn,
    pools: &[Id<id::StoragePool>],
) -> Result<HashMap<Id<id::StoragePool>, i64>> {
    if pools.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<String> = pools.iter().map(|id| format!("'{id}'")).collect();
    let rows: Vec<Promised> = sql_query(format!(
        "SELECT pool_id AS pool, CAST(SUM(size) AS SIGNED) AS bytes FROM volume WHERE removed IS NULL AND pool_id IN ({}) GROUP BY pool_id",
        ids.join(", ")
    ))
    .load(conn)?;
    Ok(rows.into_iter().filter_map(|row| Some((row.pool.parse().ok()?, row.bytes))).collect())
}

/// Inserts a pool. Error: invalid, when its name is taken.
pub fn insert(tx: &mut Tx<'_>, new: &StoragePool) -> Result<()> {
    let outcome = insert_into(storage_pool::table).values(new).execute(&mut **tx);
    unless_taken(outcome, || {
        format!("A storage pool with the name {} already exists in this zone", new.name)
    })?;
    super::host::touch_around(tx, new.id)
}

/// Changes a pool. Error: invalid, when its new name is taken.
pub fn change(tx: &mut Tx<'_>, id: Id<id::StoragePool>, changes: &Changes) -> Result<()> {
    let changes = (changes, storage_pool::id.eq(id)); // so that there is always something to set
    let query = storage_pool::table.filter(storage_pool::id.eq(id));
    let outcome = update(query).set(changes).execute(&mut **tx);
    let taken = || "A storage pool with that name already exists in this zone".to_owned();
    unless_taken(outcome, taken)?;
    super::host::touch_around(tx, id)
}

/// Records what a host said of a pool: that it is there, its size and what is left.
pub fn measured(
    tx: &mut Tx<'_>,
    id: Id<id::StoragePool>,
    (capacity, available): (u64, u64),
) -> Result<()> {
    let number = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
    update(storage_pool::table.filter(storage_pool::id.eq(id)))
        .set((
            storage_pool::capacity.eq(number(capacity)),
            storage_pool::available.eq(number(available)),
            storage_pool::state.eq(PoolState::Up),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Removes a pool and what it has of templates. Error: in use, while a disk lies in it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::StoragePool>) -> Result<StoragePool> {
    let query = storage_pool::table.filter(storage_pool::id.eq(id)).for_update();
    query.select(storage_pool::id).first::<String>(&mut **tx).optional()?;
    let found = get(tx, id)?;
    let uses = [
        ("disks of instances", "volume WHERE pool_id = {} AND removed IS NULL"),
        ("instances", "vm WHERE pool_id = {} AND removed IS NULL"),
    ];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!(
            "Cannot delete storage pool {}: it still holds {what}",
            found.name
        )));
    }
    super::host::touch_around(tx, id)?;
    delete(template_copy::table.filter(template_copy::pool_id.eq(id))).execute(&mut **tx)?;
    update(storage_pool::table.filter(storage_pool::id.eq(id)))
        .set((storage_pool::alive.eq(None::<bool>), storage_pool::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)?;
    super::detail::clear(tx, id)?;
    Ok(found)
}
