//! What changes in an instance besides its state.

use crate::{
    domain::{Id, id},
    error::Result,
    store::{Conn, Tx, clock, schema::vm},
};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, update};

/// What its owner can change.
#[derive(Debug, Clone, Default, diesel::AsChangeset)]
#[diesel(table_name = vm)]
pub struct Change {
    /// The name its owner sees.
    pub display_name: Option<String>,
    /// Its host name.
    pub name: Option<String>,
    /// Whether its owner sees it.
    pub is_displayed: Option<bool>,
}

/// Changes names.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Vm>, change: &Change) -> Result<()> {
    update(vm::table.filter(vm::id.eq(id)))
        .set((change, vm::updated.eq(clock())))
        .execute(&mut **tx)?;
    Ok(())
}

/// Where the instance starts now: its host, and where its root disk lies.
pub fn place(
    tx: &mut Tx<'_>,
    id: Id<id::Vm>,
    host: Id<id::Host>,
    pool: Id<id::StoragePool>,
) -> Result<()> {
    update(vm::table.filter(vm::id.eq(id)))
        .set((vm::host_id.eq(host), vm::pool_id.eq(pool)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Base64, as it came; only lists of one instance and the seed need it, rows do not carry it.
pub fn user_data(conn: &mut Conn, id: Id<id::Vm>) -> Result<Option<String>> {
    Ok(vm::table.filter(vm::id.eq(id)).select(vm::user_data).first(conn)?)
}

/// Replaces the user data.
pub fn set_user_data(tx: &mut Tx<'_>, id: Id<id::Vm>, text: Option<&str>) -> Result<()> {
    update(vm::table.filter(vm::id.eq(id)))
        .set((vm::user_data.eq(text), vm::updated.eq(clock())))
        .execute(&mut **tx)?;
    Ok(())
}

/// Names of key pairs.
pub fn key_pairs(conn: &mut Conn, id: Id<id::Vm>) -> Result<Vec<String>> {
    let names: Option<String> =
        vm::table.filter(vm::id.eq(id)).select(vm::key_pairs).first(conn)?;
    Ok(names.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default())
}
