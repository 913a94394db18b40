//! Where hosts and books disagree: noted by each look at a host, listed, accepted.

use super::{
    Conn, Tx, Window, alert, clock,
    schema::{gpu_device, gpu_drift, host},
};
use crate::{
    domain::{
        Id, Kind, Time,
        alert::GPU_DRIFT,
        gpu::{DeviceType, drift::Disagreement, drift::DriftKind},
        id,
    },
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, JoinOnDsl, QueryDsl, Queryable, RunQueryDsl, TextExpressionMethods, delete,
    insert_into, update,
};

/// What is disagreed about on a host, accepted or not. One statement.
pub fn open(conn: &mut Conn, at: Id<id::Host>) -> Result<Vec<Disagreement>> {
    type Row = (Id<id::GpuDevice>, DriftKind, String, String, Option<String>);
    let rows: Vec<Row> = gpu_drift::table
        .filter(gpu_drift::host_id.eq(at))
        .select((
            gpu_drift::device_id,
            gpu_drift::kind,
            gpu_drift::expected,
            gpu_drift::seen,
            gpu_drift::domain_name,
        ))
        .load(conn)?;
    let open = |(device, kind, expected, seen, domain)| Disagreement {
        device,
        kind,
        expected,
        seen,
        domain,
    };
    Ok(rows.into_iter().map(open).collect())
}

/// Notes what is disagreed about now: an alert for each device when it begins, and its end. Says whether anything is news.
pub fn note(
    tx: &mut Tx<'_>,
    at: Id<id::Host>,
    before: &[Disagreement],
    now: &[Disagreement],
) -> Result<bool> {
    let now: Vec<Disagreement> = now.iter().map(cut).collect();
    let mut ended: Vec<Id<id::GpuDevice>> = Vec::new();
    for old in before {
        let same = |one: &&Disagreement| (one.device, one.kind) == (old.device, old.kind);
        let row = gpu_drift::table
            .filter(gpu_drift::device_id.eq(old.device))
            .filter(gpu_drift::kind.eq(old.kind));
        match now.iter().find(same) {
            Some(new) if new == old => {}
            Some(new) => {
                update(row)
                    .set((
                        gpu_drift::expected.eq(&new.expected),
                        gpu_drift::seen.eq(&new.seen),
                        gpu_drift::domain_name.eq(&new.domain),
                        gpu_drift::accepted.eq(None::<String>),
                    ))
                    .execute(&mut **tx)?;
                tell(tx, new)?;
            }
            None => {
                delete(row).execute(&mut **tx)?;
                ended.push(old.device);
            }
        }
    }
    for new in &now {
        if before.iter().any(|old| (old.device, old.kind) == (new.device, new.kind)) {
            continue;
        }
        insert_into(gpu_drift::table)
            .values((
                gpu_drift::id.eq(Id::<id::GpuDrift>::mint()),
                gpu_drift::host_id.eq(at),
                gpu_drift::device_id.eq(new.device),
                gpu_drift::kind.eq(new.kind),
                gpu_drift::expected.eq(&new.expected),
                gpu_drift::seen.eq(&new.seen),
                gpu_drift::domain_name.eq(&new.domain),
                gpu_drift::since.eq(clock()),
            ))
            .execute(&mut **tx)?;
        tell(tx, new)?;
    }
    for device in ended {
        calm(tx, device)?;
    }
    Ok(now != before)
}

/// As long as the columns are.
fn cut(one: &Disagreement) -> Disagreement {
    let short = |text: &String| text.chars().take(255).collect::<String>();
    Disagreement {
        expected: short(&one.expected),
        seen: short(&one.seen),
        domain: one.domain.as_ref().map(short),
        ..one.clone()
    }
}

fn tell(tx: &mut Tx<'_>, one: &Disagreement) -> Result<()> {
    let Some(kind) = one.kind.alert() else { return Ok(()) };
    let Disagreement { device, expected, seen, .. } = one;
    let what = match one.kind {
        DriftKind::Foreign | DriftKind::UsedByOther => "is used by another than its holder",
        DriftKind::NotAttached => "is not with its holder",
        DriftKind::Gone => "is gone",
        DriftKind::IommuGroup => "is in another IOMMU group",
        DriftKind::Link => "has a downgraded PCIe link",
        DriftKind::Driver => "has another driver",
    };
    let text = format!("GPU device {device} {what}: {seen}, expected: {expected}");
    alert::raise(tx, kind, &text, (Kind::GpuDevice, device.uuid()))
}

/// A device is no longer in the books.
pub(super) fn forget(tx: &mut Tx<'_>, device: Id<id::GpuDevice>) -> Result<()> {
    delete(gpu_drift::table.filter(gpu_drift::device_id.eq(device))).execute(&mut **tx)?;
    Ok(())
}

/// Which disagreements to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::GpuDrift>>,
    /// On this host.
    pub host: Option<Id<id::Host>>,
    /// About this device.
    pub device: Option<Id<id::GpuDevice>>,
    /// About this.
    pub kind: Option<DriftKind>,
    /// Those that were accepted too.
    pub with_accepted: bool,
}

/// A disagreement with the names of what it is about.
#[derive(Debug, Clone, Queryable)]
#[expect(missing_docs, reason = "the columns of a disagreement")]
pub struct Listed {
    pub id: Id<id::GpuDrift>,
    pub device: Id<id::GpuDevice>,
    pub address: String,
    pub device_type: DeviceType,
    pub host: Id<id::Host>,
    pub host_name: String,
    pub kind: DriftKind,
    pub expected: String,
    pub seen: String,
    pub accepted: Option<String>,
    pub domain: Option<String>,
    pub since: Time,
}

macro_rules! filtered {
    ($query:expr, $filter:expr, $window:expr) => {{
        let mut query = $query.into_boxed();
        if let Some(id) = $filter.id {
            query = query.filter(gpu_drift::id.eq(id));
        }
        if let Some(host) = $filter.host {
            query = query.filter(gpu_drift::host_id.eq(host));
        }
        if let Some(device) = $filter.device {
            query = query.filter(gpu_drift::device_id.eq(device));
        }
        if let Some(kind) = $filter.kind {
            query = query.filter(gpu_drift::kind.eq(kind));
        }
        if !$filter.with_accepted {
            query = query.filter(gpu_drift::accepted.is_null());
        }
        if let Some(word) = &$window.keyword {
            query = query.filter(gpu_drift::seen.like(super::like(word)));
        }
        query
    }};
}

/// How many there are, and one page of them, oldest first. Two statements at most.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Listed>)> {
    let joined = gpu_drift::table
        .inner_join(gpu_device::table.on(gpu_device::id.eq(gpu_drift::device_id)))
        .inner_join(host::table.on(host::id.eq(gpu_drift::host_id)))
        .order(gpu_drift::id)
        .select((
            gpu_drift::id,
            gpu_device::id,
            gpu_device::address,
            gpu_device::device_type,
            host::id,
            host::name,
            gpu_drift::kind,
            gpu_drift::expected,
            gpu_drift::seen,
            gpu_drift::accepted,
            gpu_drift::domain_name,
            gpu_drift::since,
        ));
    let rows: Vec<Listed> = window.page(filtered!(joined, filter, window), conn)?;
    let count = window.count(rows.len(), || {
        Ok(filtered!(gpu_drift::table, filter, window).count().get_result(conn)?)
    })?;
    Ok((count, rows))
}

/// An administrator takes what is seen for right. Of group and driver the books say so already; a link stays noted, quietly,
/// as long as it is the same. Error: conflict, when it is about use or presence.
pub fn accept(tx: &mut Tx<'_>, ids: &[Id<id::GpuDrift>]) -> Result<()> {
    let rows: Vec<(Id<id::GpuDrift>, Id<id::GpuDevice>, DriftKind, String)> = gpu_drift::table
        .filter(gpu_drift::id.eq_any(ids))
        .order(gpu_drift::id)
        .select((gpu_drift::id, gpu_drift::device_id, gpu_drift::kind, gpu_drift::seen))
        .for_update()
        .load(&mut **tx)?;
    if let Some((id, _, kind, _)) = rows.iter().find(|(_, _, kind, _)| !kind.may_be_accepted()) {
        return Err(Error::Conflict(format!(
            "GPU drift {id} is {kind}: it is over when the host and the books agree, it cannot be accepted"
        )));
    }
    for (id, device, kind, seen) in rows {
        let row = gpu_drift::table.filter(gpu_drift::id.eq(id));
        if kind == DriftKind::Link {
            update(row).set(gpu_drift::accepted.eq(seen)).execute(&mut **tx)?;
        } else {
            delete(row).execute(&mut **tx)?;
        }
        calm(tx, device)?;
    }
    Ok(())
}

/// Ends the alert about a device that nothing is disagreed about any more.
fn calm(tx: &mut Tx<'_>, device: Id<id::GpuDevice>) -> Result<()> {
    let left: Vec<DriftKind> = gpu_drift::table
        .filter(gpu_drift::device_id.eq(device))
        .filter(gpu_drift::accepted.is_null())
        .select(gpu_drift::kind)
        .load(&mut **tx)?;
    if left.iter().any(|kind| kind.alert().is_some()) {
        return Ok(());
    }
    alert::resolve(tx, GPU_DRIFT, device.uuid())
}
