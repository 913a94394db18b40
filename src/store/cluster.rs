//! Clusters: rows and queries.

use super::{
    Conn, Tx, Window, clock, like,
    schema::{cluster, pod, zone},
    write::{first_use, unless_taken},
};
use crate::{
    domain::{
        Id, id,
        infra::{Hypervisor, Switch},
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, insert_into, update,
};

/// A cluster.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = cluster)]
pub struct Cluster {
    /// Its id.
    pub id: Id<id::Cluster>,
    /// Its zone.
    pub zone_id: Id<id::Zone>,
    /// Its pod.
    pub pod_id: Id<id::Pod>,
    /// Its name.
    pub name: String,
    /// What its hosts run.
    pub hypervisor: Hypervisor,
    /// Whether instances may be placed in it.
    pub allocation_state: Switch,
}

/// Which clusters to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::Cluster>>,
    /// Of this zone.
    pub zone: Option<Id<id::Zone>>,
    /// Of this pod.
    pub pod: Option<Id<id::Pod>>,
    /// With this name.
    pub name: Option<String>,
    /// Of this hypervisor.
    pub hypervisor: Option<String>,
    /// In this allocation state.
    pub allocation_state: Option<String>,
}

/// What to change of a cluster.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = cluster)]
#[expect(missing_docs, reason = "the fields of a cluster")]
pub struct Changes {
    pub name: Option<String>,
    pub allocation_state: Option<Switch>,
}

/// A cluster with the names of its pod and zone.
pub type Named = (Cluster, String, String);

/// How many match, and one page of them, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Named>)> {
    let query = || {
        let mut query = cluster::table
            .inner_join(pod::table.on(pod::id.eq(cluster::pod_id)))
            .inner_join(zone::table.on(zone::id.eq(cluster::zone_id)))
            .filter(cluster::alive.eq(true))
            .into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(cluster::id.eq(id));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(cluster::zone_id.eq(zone));
        }
        if let Some(pod) = filter.pod {
            query = query.filter(cluster::pod_id.eq(pod));
        }
        if let Some(name) = &filter.name {
            query = query.filter(cluster::name.eq(name));
        }
        if let Some(kind) = &filter.hypervisor {
            query = query.filter(cluster::hypervisor.eq(kind));
        }
        if let Some(state) = &filter.allocation_state {
            query = query.filter(cluster::allocation_state.eq(state));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(cluster::name.like(like(word)));
        }
        query
    };
    let columns = (Cluster::as_select(), pod::name, zone::name);
    let rows = window.page(query().select(columns).order(cluster::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One cluster. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::Cluster>) -> Result<Cluster> {
    let query = cluster::table.filter(cluster::id.eq(id)).filter(cluster::alive.eq(true));
    let found = query.select(Cluster::as_select()).first(conn).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "cluster", id: id.to_string() })
}

/// The cluster of a pod with this name.
pub fn by_name(conn: &mut Conn, pod: Id<id::Pod>, name: &str) -> Result<Option<Cluster>> {
    let query = cluster::table.filter(cluster::pod_id.eq(pod)).filter(cluster::name.eq(name));
    Ok(query.filter(cluster::alive.eq(true)).select(Cluster::as_select()).first(conn).optional()?)
}

/// Holds the cluster until the transaction ends, so that it cannot be removed meanwhile. Error: not found.
pub fn hold(tx: &mut Tx<'_>, id: Id<id::Cluster>) -> Result<Cluster> {
    let query = cluster::table.filter(cluster::id.eq(id)).filter(cluster::alive.eq(true));
    let found = query.select(Cluster::as_select()).for_update().first(&mut **tx).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "cluster", id: id.to_string() })
}

/// Inserts a cluster. Error: invalid, when its name is taken.
pub fn insert(tx: &mut Tx<'_>, new: &Cluster) -> Result<()> {
    let outcome = insert_into(cluster::table).values(new).execute(&mut **tx);
    unless_taken(outcome, || {
        format!("A cluster with the name {} already exists in this pod", new.name)
    })
    .map(drop)
}

/// Changes a cluster. Error: invalid, when its new name is taken.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Cluster>, changes: &Changes) -> Result<()> {
    let changes = (changes, cluster::id.eq(id)); // so that there is always something to set
    let outcome = update(cluster::table.filter(cluster::id.eq(id))).set(changes).execute(&mut **tx);
    unless_taken(outcome, || "A cluster with that name already exists in this pod".to_owned())
        .map(drop)
}

/// Removes a cluster. Error: conflict, while anything is in it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::Cluster>) -> Result<()> {
    let found = hold(tx, id)?;
    let uses = [
        ("hosts", "host WHERE cluster_id = {} AND alive = 1"),
        ("storage pools", "storage_pool WHERE cluster_id = {} AND alive = 1"),
    ];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::Conflict(format!(
            "Cluster {} cannot be removed: it still has {what}",
            found.name
        )));
    }
    update(cluster::table.filter(cluster::id.eq(id)))
        .set((cluster::alive.eq(None::<bool>), cluster::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)
}
