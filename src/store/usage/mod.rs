//! What owners used and for how long: written with the change that begins or ends it, so that no crash parts the two.
//!
//! A stretch is a row with a beginning, open until it has an end. The times of GPUs are those of their allocations, to
//! the microsecond; the unique key on (kind, subject, open) keeps a stretch from being begun twice.

mod address;
mod list;
mod sum;

pub use address::{begin_addresses, end_addresses, mend_addresses};
pub use list::{Filter, Record, list};
pub use sum::{Sum, SumBy, sums};

use super::{Tx, prepared::prepared};
use crate::{
    domain::{Id, id},
    error::Result,
};
use diesel::{RunQueryDsl, sql_query, sql_types::Text};

/// What is used, by CloudStack's numbers; GPUs by ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// An instance that runs.
    Running,
    /// An instance that is not destroyed.
    Allocated,
    /// An address of a shared network.
    Address,
    /// A volume.
    Volume,
    /// A template.
    Template,
    /// A GPU device, from `Allocated` to `Releasing`.
    Gpu,
    /// The memory of a GPU device: the same stretches.
    GpuMemory,
}

impl Usage {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Running,
        Self::Allocated,
        Self::Address,
        Self::Volume,
        Self::Template,
        Self::Gpu,
        Self::GpuMemory,
    ];

    /// Its number on the wire.
    pub const fn number(self) -> i32 {
        match self {
            Self::Running => 1,
            Self::Allocated => 2,
            Self::Address => 3,
            Self::Volume => 6,
            Self::Template => 7,
            Self::Gpu => 101,
            Self::GpuMemory => 102,
        }
    }

    /// Its name, and what it says.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Running => ("RUNNING_VM", "Running Vm Usage"),
            Self::Allocated => ("ALLOCATED_VM", "Allocated Vm Usage"),
            Self::Address => ("IP_ADDRESS", "IP Address Usage"),
            Self::Volume => ("VOLUME", "Volume Usage"),
            Self::Template => ("TEMPLATE", "Template Usage"),
            Self::Gpu => ("GPU", "GPU Usage"),
            Self::GpuMemory => ("GPU_MEMORY", "GPU Memory Usage"),
        }
    }

    /// The usage of this number.
    pub fn of_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|usage| usage.number() == number)
    }
}

const COLUMNS: &str = "id, kind, account_id, domain_id, zone_id, subject_id, vm_id, host_id, offering_id, profile_id, \
    template_id, name, size, cpu_number, cpu_speed, memory_mib, started";

/// When a stretch ends now: not before it began, though the clock may have been put back.
const NOW: &str = "GREATEST(UTC_TIMESTAMP(6), started)";

/// The columns of an instance's stretch; to be bound: the stretch's own id, the instance.
fn of_vm(kind: Usage) -> String {
    let kind = kind.number();
    format!(
        "SELECT ?, {kind}, account_id, domain_id, zone_id, id, id, host_id, offering_id, NULL, template_id, name, \
         NULL, cpu_number, cpu_speed, memory_mib, UTC_TIMESTAMP(6) FROM vm WHERE id = ?"
    )
}

/// The id of a new stretch.
fn stretch() -> Id<id::Event> {
    Id::mint()
}

/// A new instance, its root disk and its addresses are used from now on. One statement.
pub fn deployed(tx: &mut Tx<'_>, vm: Id<id::Vm>, root: Id<id::Volume>) -> Result<()> {
    let volume = Usage::Volume.number();
    let text = format!(
        "INSERT INTO usage_interval ({COLUMNS}) {} UNION ALL \
         SELECT ?, {volume}, account_id, domain_id, zone_id, id, vm_id, NULL, NULL, NULL, template_id, name, size, \
         NULL, NULL, NULL, UTC_TIMESTAMP(6) FROM volume WHERE id = ? UNION ALL {}",
        of_vm(Usage::Allocated),
        address::of_vm()
    );
    prepared(text)
        .bind::<Text, _>(stretch())
        .bind::<Text, _>(vm)
        .bind::<Text, _>(stretch())
        .bind::<Text, _>(root)
        .bind::<Text, _>(vm)
        .execute(&mut **tx)?;
    Ok(())
}

/// An instance is used in this way from now on. One statement.
pub fn begin(tx: &mut Tx<'_>, kind: Usage, vm: Id<id::Vm>) -> Result<()> {
    let text = format!("INSERT INTO usage_interval ({COLUMNS}) {}", of_vm(kind));
    prepared(text).bind::<Text, _>(stretch()).bind::<Text, _>(vm).execute(&mut **tx)?;
    Ok(())
}

/// The volumes of an instance are used from now on. One statement.
pub fn begin_volumes(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let kind = Usage::Volume.number();
    let text = format!(
        "INSERT INTO usage_interval ({COLUMNS}) SELECT UUID(), {kind}, account_id, domain_id, zone_id, id, vm_id, NULL, \
         NULL, NULL, template_id, name, size, NULL, NULL, NULL, UTC_TIMESTAMP(6) FROM volume \
         WHERE vm_id = ? AND removed IS NULL"
    );
    prepared(text).bind::<Text, _>(vm).execute(&mut **tx)?;
    Ok(())
}

/// A template's file is there from now on. One statement.
pub fn begin_template(tx: &mut Tx<'_>, template: Id<id::Template>) -> Result<()> {
    let (id, kind) = (stretch(), Usage::Template.number());
    let text = format!(
        "INSERT INTO usage_interval ({COLUMNS}) SELECT '{id}', {kind}, account_id, domain_id, zone_id, id, NULL, NULL, \
         NULL, NULL, id, name, size, NULL, NULL, NULL, UTC_TIMESTAMP(6) FROM template WHERE id = ?"
    );
    sql_query(text).bind::<Text, _>(template).execute(&mut **tx)?;
    Ok(())
}

/// These are used so no more. What is not in use is left alone. One statement.
pub fn end<T: 'static>(tx: &mut Tx<'_>, kinds: &[Usage], subject: Id<T>) -> Result<()> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.number().to_string()).collect();
    let text = format!(
        "UPDATE usage_interval SET ended = {NOW}, open = NULL \
         WHERE kind IN ({}) AND subject_id = ? AND open = 1",
        kinds.join(", ")
    );
    prepared(text).bind::<Text, _>(subject).execute(&mut **tx)?;
    Ok(())
}

/// The devices that an instance has been allocated are used since then. One statement; safe to repeat.
pub fn begin_gpus(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let kind = Usage::Gpu.number();
    let text = format!(
        "INSERT INTO usage_interval ({COLUMNS}) SELECT UUID(), {kind}, a.account_id, a.domain_id, v.zone_id, a.device_id, \
         v.id, a.host_id, v.offering_id, a.profile_id, v.template_id, v.name, NULL, NULL, NULL, a.memory_mib, a.allocated \
         FROM gpu_allocation a JOIN vm v ON v.id = a.vm_id \
         WHERE a.vm_id = ? AND a.active = 1 AND a.state = 'Allocated' AND a.account_id IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM usage_interval u WHERE u.kind = {kind} AND u.subject_id = a.device_id AND u.open = 1)"
    );
    prepared(text).bind::<Text, _>(vm).execute(&mut **tx)?;
    Ok(())
}

/// The devices that an instance has begun to give back are used no more, since then. One statement.
pub fn end_gpus(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let text = format!(
        "UPDATE usage_interval u JOIN gpu_allocation a ON a.device_id = u.subject_id AND a.active = 1 AND a.vm_id = u.vm_id \
         SET u.ended = a.releasing, u.open = NULL \
         WHERE u.vm_id = ? AND u.kind = {} AND u.open = 1 AND a.state = 'Releasing'",
        Usage::Gpu.number()
    );
    prepared(text).bind::<Text, _>(vm).execute(&mut **tx)?;
    Ok(())
}

/// Forgets what ended more than so many days ago; says how many stretches.
pub fn forget(tx: &mut Tx<'_>, days: u32) -> Result<usize> {
    let text = format!(
        "DELETE FROM usage_interval WHERE open IS NULL AND ended < UTC_TIMESTAMP(6) - INTERVAL {days} DAY"
    );
    Ok(sql_query(text).execute(&mut **tx)?)
}
