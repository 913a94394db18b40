//! Settings that were changed, for all or for one account, domain, zone ..; what is not here has its default.
//!
//! A value that was set for an account counts before that of its domain, that before those of the domains above, and
//! all of them before the value for all.

use super::{
    Conn, Tx, limit,
    owner::Owner,
    schema::{domain, scoped_setting, setting},
};
use crate::{
    domain::{
        Id, id,
        setting::{DETACH_ON_STOP, Key, Scope},
    },
    error::Result,
};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl, delete,
    replace_into, sql_query, sql_types::Text,
};
use std::collections::HashMap;
use uuid::Uuid;

/// The name of what is another one after each change for all: who keeps settings in memory knows by it that they are old.
pub const REVISION: &str = "csgpu.settings.revision";

/// Everything that was changed for all, by name. One statement.
pub fn changed(conn: &mut Conn) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> =
        setting::table.select((setting::name, setting::value)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The value of a setting, if it was changed for all.
pub fn get(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    let row = setting::table.filter(setting::name.eq(name)).select(setting::value);
    Ok(row.first(conn).optional()?)
}

/// Changes a setting, or takes it back to its default; what follows from it is true at once.
pub fn put(tx: &mut Tx<'_>, key: &Key, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => replace_into(setting::table)
            .values((setting::name.eq(&key.name), setting::value.eq(value)))
            .execute(&mut **tx)?,
        None => delete(setting::table.filter(setting::name.eq(&key.name))).execute(&mut **tx)?,
    };
    let revision = Uuid::now_v7().hyphenated().to_string();
    replace_into(setting::table)
        .values((setting::name.eq(REVISION), setting::value.eq(revision)))
        .execute(&mut **tx)?;
    match (key.limit, key.tags) {
        (Some((whose, resource)), _) => limit::apply_defaults(tx, whose, resource),
        (None, Some(scope)) => limit::follow_tags(tx, scope, value.unwrap_or_default()),
        (None, None) => Ok(()),
    }
}

/// Changes a setting for one account, domain .., or takes its own value from it.
pub fn put_for(
    tx: &mut Tx<'_>,
    (scope, of): (Scope, Uuid),
    key: &Key,
    value: Option<&str>,
) -> Result<()> {
    let of = of.hyphenated().to_string();
    match value {
        Some(value) => replace_into(scoped_setting::table)
            .values((
                scoped_setting::scope.eq(scope.name()),
                scoped_setting::scope_id.eq(of),
                scoped_setting::name.eq(&key.name),
                scoped_setting::value.eq(value),
            ))
            .execute(&mut **tx)?,
        None => {
            let row = scoped_setting::table
                .filter(scoped_setting::scope.eq(scope.name()))
                .filter(scoped_setting::scope_id.eq(of))
                .filter(scoped_setting::name.eq(&key.name));
            delete(row).execute(&mut **tx)?
        }
    };
    Ok(())
}

/// What counts for one account, domain .., by name: where nothing was set for it, what was set above it. At most three
/// statements.
pub fn changed_for(conn: &mut Conn, scope: Scope, of: Uuid) -> Result<HashMap<String, String>> {
    let own = [(scope, of.hyphenated().to_string())];
    let mut found = HashMap::new();
    let mut take = |rows: Vec<(String, String)>| {
        for (name, value) in rows {
            found.entry(name).or_insert(value);
        }
    };
    for (scope, id) in own.into_iter().chain(above(conn, scope, of)?) {
        let rows = scoped_setting::table
            .filter(scoped_setting::scope.eq(scope.name()))
            .filter(scoped_setting::scope_id.eq(id))
            .select((scoped_setting::name, scoped_setting::value));
        take(rows.load(conn)?);
    }
    take(setting::table.select((setting::name, setting::value)).load(conn)?);
    Ok(found)
}

/// The domains above an account or a domain, the nearest first.
fn above(conn: &mut Conn, scope: Scope, of: Uuid) -> Result<Vec<(Scope, String)>> {
    let home = match scope {
        Scope::Account => {
            "SELECT d.path FROM domain d JOIN account a ON a.domain_id = d.id WHERE a.id = ?"
        }
        Scope::Domain => "SELECT path FROM domain WHERE id = ?",
        _ => return Ok(Vec::new()),
    };
    #[derive(QueryableByName)]
    struct Path {
        #[diesel(sql_type = Text)]
        path: String,
    }
    let row = sql_query(home).bind::<Text, _>(of.hyphenated().to_string());
    let Some(Path { path }) = row.get_result(conn).optional()? else { return Ok(Vec::new()) };
    let all: Vec<(Id<id::Domain>, String)> = domain::table
        .filter(domain::alive.eq(true))
        .select((domain::id, domain::path))
        .load(conn)?;
    let mut rows: Vec<_> =
        all.into_iter().filter(|(id, other)| path.starts_with(other) && id.uuid() != of).collect();
    rows.sort_by_key(|(_, path)| std::cmp::Reverse(path.len()));
    Ok(rows.into_iter().map(|(id, _)| (Scope::Domain, id.to_string())).collect())
}

/// The value that counts for this owner, if any was set. One statement.
pub fn for_owner(conn: &mut Conn, name: &str, owner: Owner) -> Result<Option<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let text = "SELECT value FROM (
            SELECT s.value AS value, 1000000 AS nearness FROM scoped_setting s
                WHERE s.scope = 'account' AND s.scope_id = ? AND s.name = ?
            UNION ALL SELECT s.value, CHAR_LENGTH(d.path) FROM scoped_setting s JOIN domain d ON d.id = s.scope_id
                JOIN domain h ON LEFT(h.path, CHAR_LENGTH(d.path)) = d.path
                WHERE s.scope = 'domain' AND h.id = ? AND s.name = ?
            UNION ALL SELECT g.value, 0 FROM setting g WHERE g.name = ?
        ) x ORDER BY nearness DESC LIMIT 1";
    let row = sql_query(text)
        .bind::<Text, _>(owner.account.to_string())
        .bind::<Text, _>(name)
        .bind::<Text, _>(owner.domain.to_string())
        .bind::<Text, _>(name)
        .bind::<Text, _>(name)
        .get_result::<Row>(conn);
    Ok(row.optional()?.map(|row| row.value))
}

/// Whether a stop gives devices back; as the configuration file says where nobody changed it. One statement.
pub fn detach_on_stop(conn: &mut Conn, owner: Owner, default: bool) -> Result<bool> {
    let value = for_owner(conn, DETACH_ON_STOP, owner)?;
    Ok(value.map_or(default, |value| value == "true"))
}

/// A number that was set for all, or this one. One statement.
pub fn number(conn: &mut Conn, name: &str, default: i64) -> Result<i64> {
    Ok(get(conn, name)?.and_then(|text| text.trim().parse().ok()).unwrap_or(default))
}
