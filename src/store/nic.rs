//! Network interfaces of instances: addresses are given out by a unique key.

use super::{Conn, Tx, is_duplicate, prepared::kept, schema::nic, usage};
use crate::{
    domain::{Id, id},
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, QueryDsl, RunQueryDsl, insert_into,
    update,
};

/// An interface to be.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = nic, treat_none_as_default_value = false)]
pub struct New {
    /// Its id.
    pub id: Id<id::Nic>,
    /// Its instance.
    pub vm_id: Id<id::Vm>,
    /// What it is plugged into.
    pub network_id: Id<id::Network>,
    /// Its MAC address.
    pub mac: String,
    /// Its address, where we give addresses out.
    pub ip: Option<String>,
    /// Its place in the instance, from 0.
    pub device_index: i32,
    /// Whether the default route is here.
    pub is_default: bool,
}

/// Inserts interfaces. Error: lost race, when an address was given to somebody else since it was chosen.
pub fn insert(tx: &mut Tx<'_>, nics: &[New]) -> Result<()> {
    if nics.is_empty() {
        return Ok(());
    }
    let inserted = match nics {
        // several rows are a statement that is prepared anew each time
        [one] => insert_into(nic::table).values(one).execute(&mut **tx),
        several => insert_into(nic::table).values(several).execute(&mut **tx),
    };
    inserted.map_err(|error| {
        let error = Error::from(error);
        if is_duplicate(&error) { Error::LostRace("network address") } else { error }
    })?;
    Ok(())
}

/// The addresses of a network that are in use.
pub fn taken(
    conn: &mut Conn,
    networks: &[Id<id::Network>],
) -> Result<Vec<(Id<id::Network>, String)>> {
    let rows: Vec<(Id<id::Network>, Option<String>)> = nic::table
        .filter(nic::network_id.eq_any(networks).and(nic::active.eq(true)))
        .filter(nic::ip.is_not_null())
        .select((nic::network_id, nic::ip))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(network, ip)| Some((network, ip?))).collect())
}

/// The instance has no interfaces any more: their addresses are free.
pub fn free(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    kept(update(nic::table.filter(nic::vm_id.eq(vm))).set(nic::active.eq(None::<bool>)))
        .execute(&mut **tx)?;
    usage::end_addresses(tx, vm)
}
