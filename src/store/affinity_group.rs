//! Affinity groups, their instances, and where those are.
//!
//! Of two instances of one strict group that are placed at the same time the second must see where the first went: each
//! admission writes the group's row first ([`hold`]), before it reads where the others are. A write and not a lock
//! alone: on a cluster a lock is known on one server only, two writes of one row are not both taken.

use super::{
    Conn, Tx, Window, is_duplicate, like,
    owner::{OwnerName, Owners, owned_by, owner_name, with_owner},
    schema::{affinity_group, affinity_member, domain},
};
use crate::{
    domain::{
        Id,
        affinity::{GroupKind, Others, meaning},
        id,
        placement::Affinity,
    },
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, Queryable, QueryableByName, RunQueryDsl, TextExpressionMethods, delete, insert_into,
    sql_query,
    sql_types::{Nullable, Text},
    update,
};
use std::collections::{BTreeMap, HashMap};

/// A group to be.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = affinity_group)]
pub struct New {
    /// Its id.
    pub id: Id<id::AffinityGroup>,
    /// Whose it is.
    pub account_id: Id<id::Account>,
    /// Its owner's domain.
    pub domain_id: Id<id::Domain>,
    /// Its name, one of a kind in the account.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// A [`GroupKind`].
    pub kind: &'static str,
}

/// A group as answers show it.
#[derive(Debug, Clone, Queryable)]
pub struct Row {
    /// Its id.
    pub id: Id<id::AffinityGroup>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its kind.
    pub kind: String,
    /// Its owner.
    pub account_id: Id<id::Account>,
    /// What its owner is called.
    pub owner: OwnerName,
    /// Its owner's domain.
    pub domain_id: Id<id::Domain>,
    /// That domain's name.
    pub domain: String,
    /// That domain's path.
    pub domain_path: String,
}

/// A group with its instances.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The group.
    pub row: Row,
    /// Its instances.
    pub vms: Vec<Id<id::Vm>>,
}

/// Which groups to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::AffinityGroup>>,
    /// With this name.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With this instance.
    pub vm: Option<Id<id::Vm>>,
}

/// What a [`Row`] is made of.
macro_rules! columns {
    () => {
        (
            affinity_group::id,
            affinity_group::name,
            affinity_group::description,
            affinity_group::kind,
            affinity_group::account_id,
            owner_name!(),
            affinity_group::domain_id,
            domain::name,
            domain::path,
        )
    };
}

/// Groups with their owners.
macro_rules! owned {
    () => {
        with_owner!(affinity_group::table, affinity_group)
            .inner_join(domain::table.on(domain::id.eq(affinity_group::domain_id)))
    };
}

/// How many match, and one page of them, oldest first. Three statements at most.
pub fn list(
    conn: &mut Conn,
    owners: &Owners,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<Listed>)> {
    let query = || {
        let mut query = owned_by!(owned!().into_boxed(), affinity_group, owners);
        if let Some(id) = filter.id {
            query = query.filter(affinity_group::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(affinity_group::name.eq(name.clone()));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(affinity_group::kind.eq(kind.clone()));
        }
        if let Some(vm) = filter.vm {
            let of = affinity_member::table
                .filter(affinity_member::vm_id.eq(vm))
                .select(affinity_member::group_id);
            query = query.filter(affinity_group::id.eq_any(of));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(affinity_group::name.like(like(word)));
        }
        query
    };
    let rows: Vec<Row> = window.page(query().select(columns!()).order(affinity_group::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    let ids: Vec<Id<id::AffinityGroup>> = rows.iter().map(|row| row.id).collect();
    let mut vms = vms_of(conn, &ids)?;
    let listed =
        rows.into_iter().map(|row| Listed { vms: vms.remove(&row.id).unwrap_or_default(), row });
    Ok((count, listed.collect()))
}

/// One group.
pub fn one(conn: &mut Conn, id: Id<id::AffinityGroup>) -> Result<Listed> {
    let found = owned!().filter(affinity_group::id.eq(id)).select(columns!()).first(conn);
    let gone = || Error::NotFound { what: "affinity group", id: id.to_string() };
    let row: Row = found.optional()?.ok_or_else(gone)?;
    let vms = vms_of(conn, &[id])?.remove(&id).unwrap_or_default();
    Ok(Listed { row, vms })
}

type Vms = HashMap<Id<id::AffinityGroup>, Vec<Id<id::Vm>>>;

fn vms_of(conn: &mut Conn, groups: &[Id<id::AffinityGroup>]) -> Result<Vms> {
    let mut found = Vms::new();
    if groups.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(Id<id::AffinityGroup>, Id<id::Vm>)> = affinity_member::table
        .filter(affinity_member::group_id.eq_any(groups))
        .order(affinity_member::vm_id)
        .select((affinity_member::group_id, affinity_member::vm_id))
        .load(conn)?;
    for (group, vm) in rows {
        found.entry(group).or_default().push(vm);
    }
    Ok(found)
}

/// The groups of these instances. One statement.
pub fn of_vms(conn: &mut Conn, vms: &[Id<id::Vm>]) -> Result<HashMap<Id<id::Vm>, Vec<Row>>> {
    let mut found: HashMap<_, Vec<Row>> = HashMap::new();
    if vms.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(Id<id::Vm>, Row)> = owned!()
        .inner_join(affinity_member::table.on(affinity_member::group_id.eq(affinity_group::id)))
        .filter(affinity_member::vm_id.eq_any(vms))
        .order(affinity_group::id)
        .select((affinity_member::vm_id, columns!()))
        .load(conn)?;
    for (vm, row) in rows {
        found.entry(vm).or_default().push(row);
    }
    Ok(found)
}

/// Keeps a group. Error: invalid, when the owner has one of this name.
pub fn insert(tx: &mut Tx<'_>, new: &New) -> Result<()> {
    insert_into(affinity_group::table).values(new).execute(&mut **tx).map_err(|error| {
        let error = Error::from(error);
        if is_duplicate(&error) {
            Error::Invalid(format!(
                "Unable to create affinity group, a group with name {} already exists.",
                new.name
            ))
        } else {
            error
        }
    })?;
    Ok(())
}

/// Forgets a group; its instances stay where they are.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::AffinityGroup>) -> Result<()> {
    delete(affinity_group::table.filter(affinity_group::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// Forgets all groups of an account.
pub(super) fn remove_of(tx: &mut Tx<'_>, owner: Id<id::Account>) -> Result<()> {
    delete(affinity_group::table.filter(affinity_group::account_id.eq(owner)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Those of these names that the owner has.
pub fn named(
    conn: &mut Conn,
    owner: Id<id::Account>,
    names: &[String],
) -> Result<BTreeMap<String, Id<id::AffinityGroup>>> {
    let rows: Vec<(String, Id<id::AffinityGroup>)> = affinity_group::table
        .filter(affinity_group::account_id.eq(owner))
        .filter(affinity_group::name.eq_any(names))
        .select((affinity_group::name, affinity_group::id))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Refuses groups of somebody else than the instance's owner. Error: lost race, when one is gone meanwhile.
pub fn check_owner(
    conn: &mut Conn,
    groups: &[Id<id::AffinityGroup>],
    owner: Id<id::Account>,
) -> Result<()> {
    let rows: Vec<(String, Id<id::Account>)> = affinity_group::table
        .filter(affinity_group::id.eq_any(groups))
        .select((affinity_group::name, affinity_group::account_id))
        .load(conn)?;
    if rows.len() != groups.len() {
        return Err(Error::LostRace("affinity group"));
    }
    match rows.into_iter().find(|(_, account)| *account != owner) {
        None => Ok(()),
        Some((name, _)) => Err(Error::Forbidden(format!(
            "Affinity Group {name} does not belong to the VM's account"
        ))),
    }
}

/// Whoever else places an instance of one of these groups waits until this transaction ends, where the group is strict.
/// Always before a host is locked. One statement, none without groups.
pub fn hold(tx: &mut Tx<'_>, groups: &[Id<id::AffinityGroup>]) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let strict = GroupKind::ALL.iter().filter(|kind| kind.is_strict()).map(|kind| kind.as_str());
    update(
        affinity_group::table
            .filter(affinity_group::id.eq_any(groups))
            .filter(affinity_group::kind.eq_any(strict)),
    )
    .set(affinity_group::generation.eq(affinity_group::generation + 1))
    .execute(&mut **tx)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    id: Id<id::AffinityGroup>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    at: Option<Id<id::Host>>,
    #[diesel(sql_type = Nullable<Text>)]
    held_at: Option<Id<id::Host>>,
    #[diesel(sql_type = Nullable<Text>)]
    was: Option<Id<id::Host>>,
}

/// What these groups mean for an instance: where the others are by the books. One statement, none without groups.
pub fn around(
    conn: &mut Conn,
    groups: &[Id<id::AffinityGroup>],
    vm: Id<id::Vm>,
) -> Result<Affinity> {
    if groups.is_empty() {
        return Ok(Affinity::default());
    }
    let list: Vec<String> = groups.iter().map(|id| format!("'{id}'")).collect();
    let text = format!(
        "SELECT g.id, g.kind, v.host_id AS at, IF(v.state = 'Stopped', v.last_host_id, NULL) AS was, \
         (SELECT MIN(a.host_id) FROM gpu_allocation a WHERE a.vm_id = v.id AND a.active = 1 \
         AND a.state IN ('Reserved', 'Allocated')) AS held_at \
         FROM affinity_group g LEFT JOIN affinity_member m ON m.group_id = g.id AND m.vm_id <> ? \
         LEFT JOIN vm v ON v.id = m.vm_id AND v.removed IS NULL WHERE g.id IN ({})",
        list.join(", ")
    );
    let rows: Vec<Place> = sql_query(text).bind::<Text, _>(vm).load(conn)?;
    let mut all: BTreeMap<Id<id::AffinityGroup>, (GroupKind, Others)> = BTreeMap::new();
    for row in rows {
        let Ok(kind) = row.kind.parse() else {
            return Err(Error::internal(format!("affinity group {} is a {}", row.id, row.kind)));
        };
        let (_, others) = all.entry(row.id).or_insert_with(|| (kind, Others::default()));
        match row.at.or(row.held_at) {
            Some(host) => drop(others.at.insert(host)),
            None => others.were.extend(row.was),
        }
    }
    Ok(meaning(all.into_values()))
}

/// The instance is in these groups, and in no others. Two statements, one for none; nothing is read.
pub fn set(tx: &mut Tx<'_>, vm: Id<id::Vm>, groups: &[Id<id::AffinityGroup>]) -> Result<()> {
    leave(tx, vm)?;
    join(tx, vm, groups)
}

/// A new instance is in these groups. One statement, none for none.
pub fn join(tx: &mut Tx<'_>, vm: Id<id::Vm>, groups: &[Id<id::AffinityGroup>]) -> Result<()> {
    use affinity_member as member;
    if groups.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> =
        groups.iter().map(|group| (member::vm_id.eq(vm), member::group_id.eq(*group))).collect();
    insert_into(member::table).values(rows).execute(&mut **tx).map_err(gone)?;
    Ok(())
}

/// A group that was deleted after it was looked up.
fn gone(error: diesel::result::Error) -> Error {
    use diesel::result::{DatabaseErrorKind::ForeignKeyViolation, Error::DatabaseError};
    match error {
        DatabaseError(ForeignKeyViolation, _) => Error::LostRace("affinity group"),
        other => other.into(),
    }
}

/// The instance is in no group any more.
pub fn leave(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    delete(affinity_member::table.filter(affinity_member::vm_id.eq(vm))).execute(&mut **tx)?;
    Ok(())
}

/// The groups of an instance. One statement.
pub fn of_vm(conn: &mut Conn, vm: Id<id::Vm>) -> Result<Vec<Id<id::AffinityGroup>>> {
    Ok(affinity_member::table
        .filter(affinity_member::vm_id.eq(vm))
        .order(affinity_member::group_id)
        .select(affinity_member::group_id)
        .load(conn)?)
}
