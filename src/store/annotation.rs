//! Annotations: what people write about things, for each other.

use super::{
    Conn, Tx, Window, clock, like,
    owner::below,
    prepared::{marks, prepared},
    project,
    schema::{annotation, user},
};
use crate::{
    domain::{
        EntityType, Id, Kind, Time, id,
        identity::{Caller, Reach},
    },
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl,
    Queryable, QueryableByName, RunQueryDsl, TextExpressionMethods, delete, insert_into,
    sql_types::{Nullable, Text},
    update,
};
use std::collections::HashMap;

/// An annotation.
#[derive(Debug, Clone, Queryable)]
pub struct Annotation {
    /// Its id.
    pub id: Id<Self>,
    /// The type of the thing, in CloudStack's words.
    pub kind: String,
    /// The thing.
    pub entity: Id<EntityType>,
    /// Who wrote it: id, name.
    pub user: (Id<id::User>, Option<String>),
    /// What it says.
    pub body: String,
    /// Whether it is for root administrators alone.
    pub admins_only: bool,
    /// When it was written.
    pub created: Time,
}

macro_rules! columns {
    () => {
        (
            annotation::id,
            annotation::kind,
            annotation::entity_id,
            (annotation::user_id, user::username.nullable()),
            annotation::body,
            annotation::admins_only,
            annotation::created,
        )
    };
}

/// Where things of a noun are: table, owner's columns, what they are called.
const fn source(kind: Kind) -> Option<(&'static str, bool, &'static str)> {
    Some(match kind {
        Kind::Vm => ("vm", true, "name"),
        Kind::Volume => ("volume", true, "name"),
        Kind::SshKeyPair => ("ssh_key_pair", true, "name"),
        Kind::Network => ("network", true, "name"),
        Kind::Template => ("template", true, "name"),
        Kind::ServiceOffering => ("service_offering", false, "name"),
        Kind::DiskOffering => ("disk_offering", false, "name"),
        Kind::NetworkOffering => ("network_offering", false, "name"),
        Kind::Zone => ("zone", false, "name"),
        Kind::Pod => ("pod", false, "name"),
        Kind::Cluster => ("cluster", false, "name"),
        Kind::Host => ("host", false, "name"),
        Kind::Domain => ("domain", false, "name"),
        Kind::StoragePool => ("storage_pool", false, "name"),
        Kind::ImageStore => ("image_store", false, "name"),
        Kind::Server => ("server", false, "name"),
        _ => return None,
    })
}

/// Whose a thing is: account, its domain, that one's path.
#[derive(Debug, Clone, QueryableByName)]
pub struct Whose {
    /// The account.
    #[diesel(sql_type = Text)]
    pub account_id: Id<id::Account>,
    /// Its domain.
    #[diesel(sql_type = Text)]
    pub domain_id: Id<id::Domain>,
    /// The path of that domain.
    #[diesel(sql_type = Text)]
    pub path: String,
}

/// Whose a thing is; none: the cloud's. One statement.
pub fn whose(conn: &mut Conn, kind: Kind, entity: Id<EntityType>) -> Result<Option<Whose>> {
    let Some((table, true, _)) = source(kind) else { return Ok(None) };
    let text = format!(
        "SELECT t.account_id, t.domain_id, d.path FROM {table} t JOIN domain d ON d.id = t.domain_id WHERE t.id = ?"
    );
    Ok(prepared(text).bind::<Text, _>(entity).get_result(conn).optional()?)
}

/// Writes one.
pub fn insert(
    tx: &mut Tx<'_>,
    (of, entity): (&EntityType, Id<EntityType>),
    whose: Option<&Whose>,
    (writer, body, admins_only): (Id<id::User>, &str, bool),
) -> Result<Id<Annotation>> {
    let id = Id::mint();
    let row = (
        annotation::id.eq(id),
        annotation::kind.eq(of.name),
        annotation::entity_id.eq(entity),
        annotation::account_id.eq(whose.map(|whose| whose.account_id)),
        annotation::domain_id.eq(whose.map(|whose| whose.domain_id)),
        annotation::user_id.eq(writer),
        annotation::body.eq(body),
        annotation::admins_only.eq(admins_only),
        annotation::created.eq(clock()),
    );
    insert_into(annotation::table).values(row).execute(&mut **tx)?;
    Ok(id)
}

/// Shows one to everyone who sees the thing, or to root administrators alone.
pub fn show(tx: &mut Tx<'_>, id: Id<Annotation>, admins_only: bool) -> Result<()> {
    update(annotation::table.filter(annotation::id.eq(id)))
        .set(annotation::admins_only.eq(admins_only))
        .execute(&mut **tx)?;
    Ok(())
}

/// Removes one.
pub fn remove(tx: &mut Tx<'_>, id: Id<Annotation>) -> Result<()> {
    delete(annotation::table.filter(annotation::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// A thing is gone, and what was written about it.
pub fn clear<T: 'static>(tx: &mut Tx<'_>, entity: Id<T>) -> Result<()> {
    delete(annotation::table.filter(annotation::entity_id.eq(entity))).execute(&mut **tx)?;
    Ok(())
}

/// Nothing of an account is there any more.
pub(super) fn remove_of(tx: &mut Tx<'_>, owner: Id<id::Account>) -> Result<()> {
    delete(annotation::table.filter(annotation::account_id.eq(owner))).execute(&mut **tx)?;
    Ok(())
}

/// For whom a thing has annotations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noted {
    /// For root administrators alone.
    pub admins: bool,
    /// For everyone who sees the thing.
    pub all: bool,
}

/// For whom these things have annotations. One statement.
pub fn noted<T: 'static>(conn: &mut Conn, things: &[Id<T>]) -> Result<HashMap<Id<T>, Noted>> {
    let mut found: HashMap<Id<T>, Noted> = HashMap::new();
    if things.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(Id<T>, bool)> = annotation::table
        .filter(annotation::entity_id.eq_any(things))
        .select((annotation::entity_id, annotation::admins_only))
        .distinct()
        .load(conn)?;
    for (thing, admins_only) in rows {
        let noted = found.entry(thing).or_default();
        match admins_only {
            true => noted.admins = true,
            false => noted.all = true,
        }
    }
    Ok(found)
}

/// Which annotations to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<Annotation>>,
    /// About things of this type.
    pub kind: Option<String>,
    /// About this thing.
    pub entity: Option<Id<EntityType>>,
    /// By this user.
    pub user: Option<Id<id::User>>,
}

/// How many of those that the caller sees match, and one page of them, oldest first. Root administrators see all; others
/// what is written for everyone about things that are theirs to change.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<Annotation>)> {
    let (mut accounts, mut domains) = (None, None);
    match caller.scope().reach() {
        Reach::All => {}
        Reach::Domain { path } => domains = Some(below(conn, path)?),
        Reach::Account(own) => {
            let mut all = project::accounts_of(conn, Some(caller))?;
            all.push(*own);
            accounts = Some(all);
        }
    }
    let query = || {
        let mut query = annotation::table
            .left_join(user::table.on(user::id.eq(annotation::user_id)))
            .into_boxed();
        if let Some(domains) = &domains {
            let there = annotation::domain_id.assume_not_null().eq_any(domains.clone());
            query = query.filter(there).filter(annotation::domain_id.is_not_null());
        }
        if let Some(accounts) = &accounts {
            let theirs = annotation::account_id.assume_not_null().eq_any(accounts.clone());
            query = query.filter(theirs).filter(annotation::account_id.is_not_null());
        }
        if !caller.is_admin() {
            query = query.filter(annotation::admins_only.eq(false));
        }
        if let Some(id) = filter.id {
            query = query.filter(annotation::id.eq(id));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(annotation::kind.eq(kind.clone()));
        }
        if let Some(entity) = filter.entity {
            query = query.filter(annotation::entity_id.eq(entity));
        }
        if let Some(user) = filter.user {
            query = query.filter(annotation::user_id.eq(user));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(annotation::body.like(like(word)));
        }
        query
    };
    let rows = window.page(query().select(columns!()).order(annotation::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One that the caller sees.
pub fn get(conn: &mut Conn, caller: &Caller, id: Id<Annotation>) -> Result<Annotation> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = list(conn, caller, &filter, &Window::ALL)?.1.pop();
    found.ok_or_else(|| Error::NotFound { what: "annotation", id: id.to_string() })
}

#[derive(QueryableByName)]
struct Called {
    #[diesel(sql_type = Text)]
    id: Id<EntityType>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

/// What the things are called that these are about. One statement, none for none.
pub fn names(conn: &mut Conn, of: &[Annotation]) -> Result<HashMap<Id<EntityType>, String>> {
    let (mut parts, mut values) = (Vec::new(), Vec::new());
    for kind in EntityType::ALL {
        let mut ids: Vec<String> = of
            .iter()
            .filter(|one| one.kind == kind.name)
            .map(|one| one.entity.to_string())
            .collect();
        ids.sort();
        ids.dedup();
        if let Some((table, _, name)) = kind.kind.and_then(source).filter(|_| !ids.is_empty()) {
            let marks = marks(ids.len());
            parts.push(format!("SELECT id, {name} AS name FROM {table} WHERE id IN ({marks})"));
            values.append(&mut ids);
        }
    }
    if parts.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = prepared(parts.join(" UNION ALL ")).rare(true);
    let rows: Vec<Called> = statement.bind_all::<Text, _>(values).load(conn)?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, row.name?))).collect())
}
