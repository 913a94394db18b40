//! Events as they are read, archived and deleted.

use super::{
    Conn, Tx, Window, like,
    owner::{OwnerName, Owners, owned_by, owner_name, with_owner},
    schema::{domain, event, user},
};
use crate::{
    domain::{Id, Time, id},
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    Queryable, RunQueryDsl, TextExpressionMethods, delete, mysql::Mysql, sql_types::Text, update,
};

/// Which events to list, archive or delete.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub owners: Owners,
    /// These; empty: all.
    pub ids: Vec<Id<id::Event>>,
    /// Of this type.
    pub kind: Option<String>,
    /// Of this level.
    pub level: Option<String>,
    /// In this state.
    pub state: Option<String>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
    /// This one and those that follow it.
    pub start: Option<Id<id::Event>>,
    /// About this.
    pub resource: Option<String>,
    /// About things of this kind.
    pub resource_kind: Option<String>,
    /// Archived ones, or those that are not.
    pub archived: bool,
}

/// An event with the names of what it points at.
#[derive(Debug, Clone, Queryable)]
#[expect(missing_docs, reason = "the columns of an event")]
pub struct Listed {
    pub id: Id<id::Event>,
    pub kind: String,
    pub level: String,
    pub state: String,
    pub description: String,
    pub resource: (Option<String>, Option<String>),
    pub parent: Option<Id<id::Event>>,
    pub archived: bool,
    pub created: Time,
    pub username: String,
    pub owner: OwnerName,
    pub domain: (Id<id::Domain>, String, String),
}

type Chosen = event::BoxedQuery<'static, Mysql, Text>;

/// The ids that a filter leaves.
fn chosen(filter: &Filter) -> Chosen {
    let mut query = event::table.select(event::id).into_boxed();
    query = owned_by!(query, event, &filter.owners);
    query = query.filter(event::archived.eq(filter.archived));
    if !filter.ids.is_empty() {
        query = query.filter(event::id.eq_any(filter.ids.clone()));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(event::kind.eq(kind.clone()));
    }
    if let Some(level) = &filter.level {
        query = query.filter(event::level.eq(level.clone()));
    }
    if let Some(state) = &filter.state {
        query = query.filter(event::state.eq(state.clone()));
    }
    if let Some(from) = filter.from {
        query = query.filter(event::created.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(event::created.lt(to));
    }
    if let Some(start) = filter.start {
        query = query.filter(event::id.eq(start).or(event::parent_id.assume_not_null().eq(start)));
    }
    if let Some(resource) = &filter.resource {
        query = query.filter(event::resource_id.eq(resource.clone()));
    }
    if let Some(kind) = &filter.resource_kind {
        query = query.filter(event::resource_kind.eq(kind.clone()));
    }
    query
}

/// How many there are, and one page of them, the newest first. Three statements at most.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Listed>)> {
    let query = || {
        let query = chosen(filter);
        match &window.keyword {
            None => query,
            Some(word) => {
                let word = like(word);
                query.filter(event::description.like(word.clone()).or(event::kind.like(word)))
            }
        }
    };
    let ids: Vec<Id<id::Event>> =
        window.page(query().order((event::created.desc(), event::id.desc())), conn)?;
    let count = window.count(ids.len(), || Ok(query().count().get_result(conn)?))?;
    if ids.is_empty() {
        return Ok((count, Vec::new()));
    }
    let rows = with_owner!(event::table, event)
        .inner_join(user::table.on(user::id.eq(event::user_id)))
        .inner_join(domain::table.on(domain::id.eq(event::domain_id)))
        .filter(event::id.eq_any(ids))
        .order((event::created.desc(), event::id.desc()))
        .select((
            event::id,
            event::kind,
            event::level,
            event::state,
            event::description,
            (event::resource_kind, event::resource_id),
            event::parent_id,
            event::archived,
            event::created,
            user::username,
            owner_name!(),
            (domain::id, domain::name, domain::path),
        ))
        .load(conn)?;
    Ok((count, rows))
}

/// Archives what the filter leaves; says how many.
pub fn archive(tx: &mut Tx<'_>, filter: &Filter) -> Result<usize> {
    let ids: Vec<Id<id::Event>> = chosen(filter).load(&mut **tx)?;
    let mut count = 0;
    for some in ids.chunks(1000) {
        let rows = event::table.filter(event::id.eq_any(some.to_vec()));
        count += update(rows).set(event::archived.eq(true)).execute(&mut **tx)?;
    }
    Ok(count)
}

/// Deletes what the filter leaves, archived or not; says how many.
pub fn remove(tx: &mut Tx<'_>, filter: &Filter) -> Result<usize> {
    let mut count = 0;
    for archived in [false, true] {
        let filter = Filter { archived, ..filter.clone() };
        let ids: Vec<Id<id::Event>> = chosen(&filter).load(&mut **tx)?;
        for some in ids.chunks(1000) {
            count +=
                delete(event::table.filter(event::id.eq_any(some.to_vec()))).execute(&mut **tx)?;
        }
    }
    Ok(count)
}
