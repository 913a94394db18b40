//! Settings that were changed; what is not here has its default.

use super::{Conn, Tx, limit, schema::setting};
use crate::{
    domain::setting::{DETACH_ON_STOP, Key},
    error::Result,
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, delete, replace_into};
use std::collections::HashMap;

/// Everything that was changed, by name. One statement.
pub fn changed(conn: &mut Conn) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> =
        setting::table.select((setting::name, setting::value)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The value of a setting, if it was changed.
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
    match key.limit {
        Some((whose, resource)) => limit::apply_defaults(tx, whose, resource),
        None => Ok(()),
    }
}

/// Whether a stop gives devices back; as the configuration file says where nobody changed it. One statement.
pub fn detach_on_stop(conn: &mut Conn, default: bool) -> Result<bool> {
    let value = get(conn, DETACH_ON_STOP)?;
    Ok(value.map_or(default, |value| value == "true"))
}
