//! The use of addresses: those that instances have in shared networks, from the deploy to the expunge.

use super::{COLUMNS, NOW, Usage};
use crate::{
    domain::{Id, id},
    error::Result,
    store::{Tx, prepared::prepared},
};
use diesel::{RunQueryDsl, sql_query, sql_types::Text};

/// The columns of stretches that begin at this moment, and from where they come.
fn columns(begin: &str) -> String {
    let kind = Usage::Address.number();
    format!(
        "SELECT UUID(), {kind}, v.account_id, v.domain_id, v.zone_id, n.id, v.id, NULL, NULL, NULL, NULL, n.ip, NULL, NULL, \
         NULL, NULL, {begin} FROM nic n JOIN network w ON w.id = n.network_id JOIN vm v ON v.id = n.vm_id \
         WHERE n.active = 1 AND n.ip IS NOT NULL AND w.guest_type = 'Shared'"
    )
}

/// The same of one instance, from now on; to be bound: the instance.
pub(super) fn of_vm() -> String {
    format!("{} AND n.vm_id = ?", columns("UTC_TIMESTAMP(6)"))
}

/// The addresses of an instance are used from now on. One statement.
pub fn begin_addresses(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let text = format!("INSERT INTO usage_interval ({COLUMNS}) {}", of_vm());
    prepared(text).bind::<Text, _>(vm).execute(&mut **tx)?;
    Ok(())
}

/// The addresses of an instance are used no more. One statement.
pub fn end_addresses(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let text = format!(
        "UPDATE usage_interval SET ended = {NOW}, open = NULL WHERE vm_id = ? AND kind = {} AND open = 1",
        Usage::Address.number()
    );
    prepared(text).bind::<Text, _>(vm).execute(&mut **tx)?;
    Ok(())
}

/// Writes down what a server did that knew nothing of addresses, with its times: the version before, while an upgrade rolls.
/// Two statements.
pub fn mend_addresses(tx: &mut Tx<'_>) -> Result<()> {
    let kind = Usage::Address.number();
    let ended = format!(
        "UPDATE usage_interval u JOIN nic n ON n.id = u.subject_id LEFT JOIN vm v ON v.id = n.vm_id \
         SET u.ended = GREATEST(COALESCE(v.removed, UTC_TIMESTAMP(6)), u.started), u.open = NULL \
         WHERE u.kind = {kind} AND u.open = 1 AND n.active IS NULL"
    );
    sql_query(ended).execute(&mut **tx)?;
    let begun = format!(
        "INSERT INTO usage_interval ({COLUMNS}) {} AND v.removed IS NULL AND NOT EXISTS \
         (SELECT 1 FROM usage_interval u WHERE u.kind = {kind} AND u.subject_id = n.id AND u.open = 1)",
        columns("n.created")
    );
    sql_query(begun).execute(&mut **tx)?;
    Ok(())
}
