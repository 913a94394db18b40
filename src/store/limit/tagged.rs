//! Limits for what needs tags: of what an instance or a volume counts, the part that asks for hosts or storage with a tag is
//! counted a second time, in rows of its own of the same table, so that one statement checks and counts all of it.
//!
//! Which tags a thing counts for is written on the thing when it is made: what is freed later is what was charged then,
//! and a recount finds the same, whatever happened to its offering meanwhile. A change of the settings writes it anew.

use super::{Amount, Bill, of_domain};
use crate::{
    domain::resource::{Resource, TagScope},
    error::{Error, Result},
    store::{Conn, Tx, prepared::prepared, schema::limit_tag, seed::ROOT_DOMAIN},
};
use diesel::{
    ExpressionMethods, QueryDsl, Queryable, RunQueryDsl, delete, insert_into, sql_query,
    sql_types::{Integer, Text},
};

/// How far the kinds of rows of one tag are from those of the next.
const STEP: i32 = 1000;

/// A tag that has limits.
#[derive(Debug, Clone, Queryable)]
pub struct LimitTag {
    /// Its number in the kinds of rows.
    pub number: i32,
    /// `host` or `storage`.
    pub scope: String,
    /// The tag.
    pub name: String,
}

impl LimitTag {
    /// Whether this resource is counted for it.
    pub fn counts(&self, resource: Resource) -> bool {
        resource.tagged_by().is_some_and(|scope| scope.name() == self.scope)
    }
}

/// The tags that a thing counts for, as its row keeps their numbers: joined by commas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tags<'a> {
    /// Those of hosts.
    pub host: Option<&'a str>,
    /// Those of storage.
    pub storage: Option<&'a str>,
}

impl<'a> Tags<'a> {
    /// Those of an instance.
    pub fn of_vm(host: Option<&'a str>) -> Self {
        Self { host, storage: None }
    }

    /// Those of a volume.
    pub fn of_volume(storage: Option<&'a str>) -> Self {
        Self { host: None, storage }
    }

    fn numbers(&self, resource: Resource) -> Vec<i32> {
        let text = match resource.tagged_by() {
            Some(TagScope::Host) => self.host,
            Some(TagScope::Storage) => self.storage,
            None => None,
        };
        text.unwrap_or_default().split(',').filter_map(|number| number.parse().ok()).collect()
    }
}

/// One row that a bill counts in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Of what.
    pub(super) resource: Resource,
    /// For which tag; none: whatever its tags.
    pub(super) tag: Option<i32>,
    /// How much.
    pub(super) amount: Amount,
}

impl Line {
    /// The kind of the row.
    pub(super) fn kind(&self) -> i32 {
        kind(self.resource, self.tag)
    }
}

/// The kind of a row.
pub(super) fn kind(resource: Resource, tag: Option<i32>) -> i32 {
    resource.number() + STEP * tag.unwrap_or(0)
}

/// What a row of this kind counts.
pub(super) fn of_kind(kind: i32) -> Option<(Resource, Option<i32>)> {
    let tag = kind / STEP;
    Some((Resource::of_number(kind % STEP)?, (tag > 0).then_some(tag)))
}

/// The rows of a bill: of all of it, then of what it has of tags.
pub(super) fn lines(bill: &Bill, tags: Tags<'_>) -> Vec<Line> {
    let plain = bill.iter().map(|(resource, amount)| Line {
        resource: *resource,
        tag: None,
        amount: *amount,
    });
    plain.chain(tagged_lines(bill, tags)).collect()
}

/// The rows of what a bill has of tags.
pub(super) fn tagged_lines(bill: &Bill, tags: Tags<'_>) -> Vec<Line> {
    let mut found = Vec::new();
    for (resource, amount) in bill {
        for number in tags.numbers(*resource) {
            found.push(Line { resource: *resource, tag: Some(number), amount: *amount });
        }
    }
    found
}

/// All tags that have limits, in order of their numbers.
pub fn all(conn: &mut Conn) -> Result<Vec<LimitTag>> {
    let columns = (limit_tag::number, limit_tag::scope, limit_tag::name);
    Ok(limit_tag::table.order(limit_tag::number).select(columns).load(conn)?)
}

/// The tag of this number, for a refusal.
pub(super) fn name(conn: &mut Conn, number: i32) -> Result<String> {
    Ok(all(conn)?
        .into_iter()
        .find(|tag| tag.number == number)
        .map(|tag| tag.name)
        .unwrap_or_default())
}

/// The most tags of one scope.
const MOST: usize = 20;

/// Tags as a setting names them: each once.
pub fn names(value: &str) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name.chars().count() > 190 {
            return Err(Error::invalid("a tag has 190 characters at most"));
        }
        if !found.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            found.push(name.to_owned());
        }
    }
    match found.len() <= MOST {
        true => Ok(found),
        false => Err(Error::Invalid(format!("there are {MOST} tags with limits at most"))),
    }
}

/// The setting says other tags: what is there is counted for those, and for no others. What a request under way makes meanwhile
/// counts for the tags that were when it began. The setting's row must be written before, so that one change follows the other.
pub(in crate::store) fn follow(tx: &mut Tx<'_>, scope: TagScope, value: &str) -> Result<()> {
    let wanted = names(value)?;
    let before = all(tx)?;
    let is_wanted =
        |tag: &&LimitTag| wanted.iter().any(|name| name.eq_ignore_ascii_case(&tag.name));
    let own: Vec<&LimitTag> = before.iter().filter(|tag| tag.scope == scope.name()).collect();
    for gone in own.iter().filter(|tag| !is_wanted(tag)) {
        delete(limit_tag::table.filter(limit_tag::number.eq(gone.number))).execute(&mut **tx)?;
        sql_query("DELETE FROM resource_count WHERE kind BETWEEN ? AND ?")
            .bind::<Integer, _>(gone.number * STEP)
            .bind::<Integer, _>(gone.number * STEP + STEP - 1)
            .execute(&mut **tx)?;
    }
    let mut number = before.iter().map(|tag| tag.number).max().unwrap_or(0);
    let is_new = |name: &&String| !own.iter().any(|tag| tag.name.eq_ignore_ascii_case(name));
    for name in wanted.iter().filter(is_new) {
        number += 1;
        let row = (
            limit_tag::number.eq(number),
            limit_tag::scope.eq(scope.name()),
            limit_tag::name.eq(name),
        );
        insert_into(limit_tag::table).values(row).execute(&mut **tx)?;
        enter(tx, scope, number)?;
    }
    mark(tx, scope)?;
    of_domain(tx, ROOT_DOMAIN)
}

/// A row for each owner and resource of a new tag, without a limit.
fn enter(tx: &mut Tx<'_>, scope: TagScope, number: i32) -> Result<()> {
    let kinds: Vec<String> = Resource::ALL
        .iter()
        .filter(|resource| resource.tagged_by() == Some(scope))
        .map(|resource| resource.number().to_string())
        .collect();
    sql_query(format!(
        "INSERT INTO resource_count (owner_id, kind, owner, used, max) \
         SELECT owner_id, kind + {}, owner, 0, -1 FROM resource_count WHERE kind IN ({})",
        number * STEP,
        kinds.join(", ")
    ))
    .execute(&mut **tx)?;
    Ok(())
}

/// Writes on what is there for which tags it counts.
fn mark(tx: &mut Tx<'_>, scope: TagScope) -> Result<()> {
    let (table, join, tags) = match scope {
        TagScope::Host => ("vm", "vm.offering_id", "host_tags"),
        TagScope::Storage => {
            ("volume", "(SELECT v.offering_id FROM vm v WHERE v.id = volume.vm_id)", "storage_tags")
        }
    };
    sql_query(format!(
        "UPDATE {table} JOIN service_offering s ON s.id = {join} SET {table}.limit_tags = {} \
         WHERE {table}.removed IS NULL",
        numbers_of(scope, &format!("s.{tags}"))
    ))
    .execute(&mut **tx)?;
    Ok(())
}

/// The numbers of the tags among these, as an expression.
fn numbers_of(scope: TagScope, tags: &str) -> String {
    format!(
        "(SELECT CAST(GROUP_CONCAT(l.number ORDER BY l.number) AS CHAR(255)) FROM limit_tag l \
         WHERE l.scope = '{}' AND FIND_IN_SET(l.name, REPLACE({tags}, ', ', ',')))",
        scope.name()
    )
}

/// An owner is new: its rows of the tags, with the limits that bind it. `inherited`: those that were set above it.
pub(super) fn enter_owner(
    tx: &mut Tx<'_>,
    (owner, kind_of_owner): (&str, &str),
    inherited: impl Fn(i32) -> Option<i64>,
) -> Result<()> {
    let tags = all(tx)?;
    let rows: Vec<(i32, i64)> = tags
        .iter()
        .flat_map(|tag| {
            Resource::ALL
                .iter()
                .filter(|resource| tag.counts(**resource))
                .map(|resource| kind(*resource, Some(tag.number)))
        })
        .map(|kind| (kind, inherited(kind).unwrap_or(-1)))
        .collect();
    for (kind, max) in rows {
        prepared(
            "INSERT INTO resource_count (owner_id, kind, owner, used, max) VALUES (?, ?, ?, 0, ?)",
        )
        .bind::<Text, _>(owner)
        .bind::<Integer, _>(kind)
        .bind::<Text, _>(kind_of_owner)
        .bind::<diesel::sql_types::BigInt, _>(max)
        .execute(&mut **tx)?;
    }
    Ok(())
}
