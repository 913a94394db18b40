//! Tags: what users write on their things, and find them by.

use super::{
    Conn, Tx, Window, is_duplicate, like,
    owner::{OwnerName, Owners, owned_by, owner_name, with_owner},
    prepared::{marks, prepared},
    schema::{domain, tag},
};
use crate::{
    domain::{Id, Kind, ObjectType, id},
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, BoxableExpression, ExpressionMethods, Insertable, JoinOnDsl,
    NullableExpressionMethods, QueryDsl, Queryable, QueryableByName, RunQueryDsl,
    TextExpressionMethods, delete, insert_into,
    mysql::Mysql,
    sql_types::{Bool, Text},
};
use std::collections::HashMap;

/// A tag.
#[derive(Debug, Clone, Queryable)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The type of the thing that has it, in CloudStack's words.
    pub kind: String,
    /// The thing that has it.
    pub resource: Id<ObjectType>,
    /// Whose that is.
    pub owner: OwnerName,
    /// Its owner's domain: id, name, path.
    pub domain: (Id<id::Domain>, String, String),
    /// What its writer uses it for.
    pub customer: Option<String>,
}

/// What a [`Tag`] is made of.
macro_rules! columns {
    () => {
        (
            tag::name,
            tag::value,
            tag::kind,
            tag::resource_id,
            owner_name!(),
            (domain::id, domain::name, domain::path),
            tag::customer,
        )
    };
}

/// Tags with their owners.
macro_rules! owned {
    () => {
        with_owner!(tag::table, tag).inner_join(domain::table.on(domain::id.eq(tag::domain_id)))
    };
}

/// A thing that is to be tagged, and whose it is.
#[derive(Debug, Clone, QueryableByName)]
pub struct Target {
    /// The thing.
    #[diesel(sql_type = Text)]
    pub id: Id<ObjectType>,
    /// Its owner.
    #[diesel(sql_type = Text)]
    pub account_id: Id<id::Account>,
    /// Its owner's domain.
    #[diesel(sql_type = Text)]
    pub domain_id: Id<id::Domain>,
    /// The path of that domain.
    #[diesel(sql_type = Text)]
    pub path: String,
}

/// These things, held until the transaction ends, so that none goes and leaves its tags; those that are gone are not in the
/// answer. One statement.
pub fn hold(tx: &mut Tx<'_>, kind: Kind, ids: &[Id<ObjectType>]) -> Result<Vec<Target>> {
    let (table, account, is_there) = match kind {
        Kind::Vm => ("vm", "account_id", "removed IS NULL"),
        Kind::Volume => ("volume", "account_id", "removed IS NULL"),
        Kind::Template => ("template", "account_id", "removed IS NULL"),
        Kind::Network => ("network", "account_id", "alive = 1"),
        Kind::Project => ("project", "account_id", "alive = 1"),
        Kind::User => ("`user`", "account_id", "alive = 1"),
        Kind::Account => ("account", "id", "alive = 1"),
        other => return Err(Error::internal(format!("{other:?} has no tags"))),
    };
    let text = format!(
        "SELECT t.id, t.{account} AS account_id, t.domain_id, \
         (SELECT d.path FROM domain d WHERE d.id = t.domain_id) AS path \
         FROM {table} t WHERE t.{is_there} AND t.id IN ({}) ORDER BY t.id FOR UPDATE",
        marks(ids.len())
    );
    let statement = prepared(text).rare(ids.len() > 1);
    Ok(statement.bind_all::<Text, _>(ids).load(&mut **tx)?)
}

#[derive(Insertable)]
#[diesel(table_name = tag)]
struct New<'a> {
    id: Id<Tag>,
    kind: &'a str,
    resource_id: Id<ObjectType>,
    account_id: Id<id::Account>,
    domain_id: Id<id::Domain>,
    name: &'a str,
    value: &'a str,
    customer: Option<&'a str>,
}

/// Tags things that are held. Error: conflict, when one of them has a tag of such a key. Two statements.
pub fn insert(
    tx: &mut Tx<'_>,
    of: &ObjectType,
    things: &[Target],
    tags: &[(String, String)],
    customer: Option<&str>,
) -> Result<()> {
    let ids: Vec<_> = things.iter().map(|thing| thing.id).collect();
    let keys: Vec<&str> = tags.iter().map(|(key, _)| key.as_str()).collect();
    let there: Vec<(String, Id<ObjectType>)> = tag::table
        .filter(tag::resource_id.eq_any(ids).and(tag::name.eq_any(keys)))
        .select((tag::name, tag::resource_id))
        .load(&mut **tx)?;
    if let Some((key, id)) = there.first() {
        return Err(Error::Conflict(format!("tag {key} already on {} with id {id}", of.name)));
    }
    let rows: Vec<New<'_>> = things
        .iter()
        .flat_map(|thing| {
            tags.iter().map(|(name, value)| New {
                id: Id::mint(),
                kind: of.name,
                resource_id: thing.id,
                account_id: thing.account_id,
                domain_id: thing.domain_id,
                name,
                value,
                customer,
            })
        })
        .collect();
    insert_into(tag::table).values(&rows).execute(&mut **tx).map_err(|error| {
        let error = Error::from(error);
        if is_duplicate(&error) { Error::LostRace("tag") } else { error }
    })?;
    Ok(())
}

/// Takes tags from things that are held: those of these keys, and of these values where one is said; all when there are no
/// keys. How many there were. One statement for each key.
pub fn remove(
    tx: &mut Tx<'_>,
    things: &[Target],
    tags: &[(String, Option<String>)],
) -> Result<usize> {
    let ids: Vec<_> = things.iter().map(|thing| thing.id).collect();
    let theirs = || tag::table.filter(tag::resource_id.eq_any(ids.clone()));
    if tags.is_empty() {
        return Ok(delete(theirs()).execute(&mut **tx)?);
    }
    let mut count = 0;
    for (key, value) in tags {
        let named = theirs().filter(tag::name.eq(key));
        count += match value {
            None => delete(named).execute(&mut **tx)?,
            Some(value) => delete(named.filter(tag::value.eq(value))).execute(&mut **tx)?,
        };
    }
    Ok(count)
}

/// A thing has no tags any more. After its own row is written: whoever tags it holds that row.
pub fn clear<T: 'static>(tx: &mut Tx<'_>, thing: Id<T>) -> Result<()> {
    delete(tag::table.filter(tag::resource_id.eq(thing))).execute(&mut **tx)?;
    Ok(())
}

/// Nothing of an account has tags any more, nor has it.
pub(super) fn remove_of(tx: &mut Tx<'_>, owner: Id<id::Account>) -> Result<()> {
    delete(tag::table.filter(tag::account_id.eq(owner))).execute(&mut **tx)?;
    Ok(())
}

/// The tags of things, by key. One statement, none when there are no things.
pub fn of<T: 'static>(conn: &mut Conn, things: &[Id<T>]) -> Result<HashMap<Id<T>, Vec<Tag>>> {
    let mut found: HashMap<Id<T>, Vec<Tag>> = HashMap::new();
    if things.is_empty() {
        return Ok(found);
    }
    let rows: Vec<Tag> = owned!()
        .filter(tag::resource_id.eq_any(things))
        .order((tag::resource_id, tag::name))
        .select(columns!())
        .load(conn)?;
    for row in rows {
        found.entry(Id::from_uuid(row.resource.uuid())).or_default().push(row);
    }
    Ok(found)
}

type Condition = Box<dyn BoxableExpression<tag::table, Mysql, SqlType = Bool>>;

/// The ids of the things of a noun that have one of these tags.
pub(super) fn having(
    kind: Kind,
    tags: &[(String, String)],
) -> diesel::helper_types::IntoBoxed<
    'static,
    diesel::dsl::Select<tag::table, tag::resource_id>,
    Mysql,
> {
    let name = ObjectType::of(kind).map_or("", |of| of.name);
    let one = |(key, value): &(String, String)| -> Condition {
        Box::new(tag::name.eq(key.clone()).and(tag::value.eq(value.clone())))
    };
    let any = tags.iter().map(one).reduce(|a, b| Box::new(a.or(b)));
    let query = tag::table.select(tag::resource_id).into_boxed().filter(tag::kind.eq(name));
    match any {
        None => query,
        Some(any) => query.filter(any),
    }
}

/// Which tags to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of things of this type.
    pub kind: Option<String>,
    /// Of this thing.
    pub resource: Option<Id<ObjectType>>,
    /// Of this key.
    pub key: Option<String>,
    /// Of this value.
    pub value: Option<String>,
    /// For this use.
    pub customer: Option<String>,
}

/// How many match, and one page of them, oldest first.
pub fn list(
    conn: &mut Conn,
    owners: &Owners,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<Tag>)> {
    let query = || {
        let mut query = owned_by!(owned!().into_boxed(), tag, owners);
        if let Some(kind) = &filter.kind {
            query = query.filter(tag::kind.eq(kind.clone()));
        }
        if let Some(resource) = filter.resource {
            query = query.filter(tag::resource_id.eq(resource));
        }
        if let Some(key) = &filter.key {
            query = query.filter(tag::name.eq(key.clone()));
        }
        if let Some(value) = &filter.value {
            query = query.filter(tag::value.eq(value.clone()));
        }
        if let Some(customer) = &filter.customer {
            query = query.filter(tag::customer.eq(customer.clone()));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            query = query.filter(tag::name.like(word.clone()).or(tag::value.like(word)));
        }
        query
    };
    let rows = window.page(query().select(columns!()).order(tag::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}
