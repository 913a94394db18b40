//! Pods: rows and queries.

use super::{
    Conn, Tx, Window, clock, like,
    schema::{pod, zone},
    write::{first_use, unless_taken},
};
use crate::{
    domain::{Id, id, infra::Switch},
    error::{Error, Result},
};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, insert_into, update,
};

/// A pod.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = pod)]
pub struct Pod {
    /// Its id.
    pub id: Id<id::Pod>,
    /// Its zone.
    pub zone_id: Id<id::Zone>,
    /// Its name.
    pub name: String,
    /// The gateway of its management network.
    pub gateway: String,
    /// The netmask.
    pub netmask: String,
    /// The first address of the service's own.
    pub start_ip: String,
    /// The last one.
    pub end_ip: Option<String>,
    /// Whether instances may be placed in it.
    pub allocation_state: Switch,
}

/// Which pods to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::Pod>>,
    /// Of this zone.
    pub zone: Option<Id<id::Zone>>,
    /// With this name.
    pub name: Option<String>,
    /// In this allocation state.
    pub allocation_state: Option<String>,
}

/// What to change of a pod.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = pod)]
#[expect(missing_docs, reason = "the fields of a pod")]
pub struct Changes {
    pub name: Option<String>,
    pub gateway: Option<String>,
    pub netmask: Option<String>,
    pub start_ip: Option<String>,
    pub end_ip: Option<String>,
    pub allocation_state: Option<Switch>,
}

/// How many match, and one page of them with their zones' names, oldest first.
pub fn list(
    conn: &mut Conn,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<(Pod, String)>)> {
    let query = || {
        let mut query = pod::table
            .inner_join(zone::table.on(zone::id.eq(pod::zone_id)))
            .filter(pod::alive.eq(true))
            .into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(pod::id.eq(id));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(pod::zone_id.eq(zone));
        }
        if let Some(name) = &filter.name {
            query = query.filter(pod::name.eq(name));
        }
        if let Some(state) = &filter.allocation_state {
            query = query.filter(pod::allocation_state.eq(state));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(pod::name.like(like(word)));
        }
        query
    };
    let rows = window.page(query().select((Pod::as_select(), zone::name)).order(pod::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// Holds the pod until the transaction ends, so that it cannot be removed meanwhile. Error: not found.
pub fn hold(tx: &mut Tx<'_>, id: Id<id::Pod>) -> Result<Pod> {
    let query = pod::table.filter(pod::id.eq(id)).filter(pod::alive.eq(true));
    let found = query.select(Pod::as_select()).for_update().first(&mut **tx).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "pod", id: id.to_string() })
}

/// Inserts a pod. Error: invalid, when its name is taken.
pub fn insert(tx: &mut Tx<'_>, new: &Pod) -> Result<()> {
    let outcome = insert_into(pod::table).values(new).execute(&mut **tx);
    unless_taken(outcome, || taken(&new.name)).map(drop)
}

/// Changes a pod. Error: invalid, when its new name is taken.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Pod>, changes: &Changes) -> Result<()> {
    let changes = (changes, pod::id.eq(id)); // so that there is always something to set
    let outcome = update(pod::table.filter(pod::id.eq(id))).set(changes).execute(&mut **tx);
    unless_taken(outcome, || "A pod with that name already exists in this zone".to_owned())
        .map(drop)
}

fn taken(name: &str) -> String {
    format!(
        "A pod with the name {name} already exists in this zone. Please specify a different pod name."
    )
}

/// Removes a pod. Error: conflict, while anything is in it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::Pod>) -> Result<()> {
    hold(tx, id)?;
    let uses = [
        ("hosts", "host WHERE pod_id = {} AND alive = 1"),
        ("clusters", "cluster WHERE pod_id = {} AND alive = 1"),
        ("storage pools", "storage_pool WHERE pod_id = {} AND alive = 1"),
    ];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::Conflict(format!(
            "The pod is not deletable because there are {what} in this pod"
        )));
    }
    update(pod::table.filter(pod::id.eq(id)))
        .set((pod::alive.eq(None::<bool>), pod::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)
}
