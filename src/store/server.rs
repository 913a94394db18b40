//! The running services, one row each: who is there, and since when nothing was heard.

use super::{Conn, Tx, clock, prepared::kept, schema::server};
use crate::{
    domain::{Id, Time, id},
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl, dsl::sql, insert_into,
    sql_types::Datetime, update,
};

/// A service.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Row {
    /// Its id; a new one with every start.
    pub id: Id<id::Server>,
    /// Its host name.
    pub name: String,
    /// Our version.
    pub version: String,
    /// When it started.
    pub started: Time,
    /// When it was last heard of.
    pub heartbeat: Time,
    /// The newest step of the schema that it knows.
    pub newest_step: Option<String>,
}

/// Enters a service that starts.
pub fn enter(tx: &mut Tx<'_>, id: Id<id::Server>, name: &str, version: &str) -> Result<()> {
    insert_into(server::table)
        .values((
            server::id.eq(id),
            server::name.eq(name),
            server::version.eq(version),
            server::started.eq(clock()),
            server::heartbeat.eq(clock()),
            server::newest_step.eq(super::migrate::known()?.pop_last()),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// A service is alive.
pub fn heartbeat(tx: &mut Tx<'_>, id: Id<id::Server>) -> Result<()> {
    kept(update(server::table.filter(server::id.eq(id))).set(server::heartbeat.eq(clock())))
        .execute(&mut **tx)?;
    Ok(())
}

/// All services, oldest first.
pub fn all(conn: &mut Conn) -> Result<Vec<Row>> {
    Ok(server::table.order(server::id).load(conn)?)
}

/// Removes a service that stopped, and those silent for a day.
pub fn leave(tx: &mut Tx<'_>, id: Id<id::Server>) -> Result<()> {
    let silent = server::heartbeat.lt(sql::<Datetime>("UTC_TIMESTAMP(6) - INTERVAL 1 DAY"));
    diesel::delete(server::table.filter(server::id.eq(id).or(silent))).execute(&mut **tx)?;
    Ok(())
}
