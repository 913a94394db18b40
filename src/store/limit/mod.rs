//! What owners have and may have: one row for each owner and resource, with the count and with the limit that binds.
//!
//! [`charge`] checks and counts in one conditional statement along the account and the domains above it, as the last
//! thing of an admission: of a thousand requests at the limit exactly the allowed number find room. What does not fit
//! fails the whole statement, so that nothing of it is counted when the refusal looks for the limit to name. The rows
//! are locked in the order of their key, always after the host. ROOT has no limit, and its count is the sum of the
//! accounts: otherwise every request would wait for its row.
//!
//! What counts: instances that are not destroyed, volumes and templates while they exist, networks of one account, projects of
//! each of their administrators, and GPUs from the reservation until the instance gives them back.

mod maximum;
mod owner;
mod recount;

pub use maximum::{Target, apply_defaults, set};
pub use owner::{
    Standing, enter_account, enter_domain, follow_role, leave, make_project, standings,
};
pub use recount::{of_account, of_domain};

use super::{
    Conn, Tx,
    owner::Owner,
    prepared::{Prepared, marks, prepared},
    schema::{account, domain},
    seed::ROOT_DOMAIN,
};
use crate::{
    domain::{Id, id, resource::Resource},
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Integer, Text},
};
use std::fmt::Write as _;

/// How much of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// This much.
    Of(i64),
    /// The memory of the GPUs that this instance has reserved in this transaction.
    GpuMemoryOf(Id<id::Vm>),
}

/// What is taken together.
pub type Bill = Vec<(Resource, Amount)>;

impl Amount {
    /// As an expression, with one value to be bound.
    const fn sql(self) -> &'static str {
        match self {
            Self::Of(_) => "CAST(? AS SIGNED)",
            Self::GpuMemoryOf(_) => {
                "(SELECT CAST(COALESCE(SUM(memory_mib), 0) AS SIGNED) FROM gpu_allocation \
                 WHERE vm_id = ? AND active = 1 AND state = 'Reserved')"
            }
        }
    }
}

/// What an instance of this size counts.
pub fn bill_of_vm(cpus: i32, memory_mib: i32) -> Bill {
    vec![
        (Resource::UserVm, Amount::Of(1)),
        (Resource::Cpu, Amount::Of(cpus.into())),
        (Resource::Memory, Amount::Of(memory_mib.into())),
    ]
}

/// What so many GPUs with so much memory in MiB count.
pub fn bill_of_known_gpus(gpus: usize, memory_mib: i64) -> Bill {
    if gpus == 0 {
        return Bill::new();
    }
    let count = i64::try_from(gpus).unwrap_or(i64::MAX);
    vec![(Resource::Gpu, Amount::Of(count)), (Resource::GpuMemory, Amount::Of(memory_mib))]
}

/// What so many GPUs count, which the instance has just claimed.
pub fn bill_of_gpus(vm: Id<id::Vm>, gpus: usize) -> Bill {
    if gpus == 0 {
        return Bill::new();
    }
    let count = i64::try_from(gpus).unwrap_or(i64::MAX);
    vec![(Resource::Gpu, Amount::Of(count)), (Resource::GpuMemory, Amount::GpuMemoryOf(vm))]
}

/// Counts this for the owner and the domains above, if the limits allow all of it; else none of it. One statement, two below ROOT's own
/// accounts. Error: limit, which says whose and how far.
pub fn charge(tx: &mut Tx<'_>, owner: Owner, bill: &Bill) -> Result<()> {
    if bill.is_empty() {
        return Ok(());
    }
    let owners = chain(tx, owner)?;
    let amount = case(bill);
    let text = format!(
        "UPDATE resource_count FORCE INDEX (PRIMARY) \
         SET used = used + {amount} + IF(max < 0 OR used + {amount} <= max, 0, {}) WHERE {}",
        i64::MAX,
        these(&owners, bill)
    );
    let statement = with_amounts(with_amounts(prepared(text), bill), bill);
    match statement.bind_all::<Text, _>(&owners).execute(&mut **tx) {
        Ok(changed) if changed == owners.len() * bill.len() => Ok(()),
        Err(error) if !is_out_of_range(&error) => Err(error.into()),
        _ => {
            check_among(tx, owner, &owners, bill)?;
            Err(Error::LostRace("resource count"))
        }
    }
}

/// Whether a number would have become larger than any can be.
fn is_out_of_range(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info) if info.message().contains("out of range"))
}

/// Refuses what the limits do not allow now; counts nothing.
pub fn check(conn: &mut Conn, owner: Owner, bill: &Bill) -> Result<()> {
    if bill.is_empty() {
        return Ok(());
    }
    let owners = chain(conn, owner)?;
    check_among(conn, owner, &owners, bill)
}

/// The owner has this no longer. One statement, two below ROOT's own accounts.
pub fn free(tx: &mut Tx<'_>, owner: Owner, bill: &Bill) -> Result<()> {
    if bill.is_empty() {
        return Ok(());
    }
    let owners = chain(tx, owner)?;
    let text = format!(
        "UPDATE resource_count FORCE INDEX (PRIMARY) SET used = used - {} WHERE {}",
        case(bill),
        these(&owners, bill)
    );
    with_amounts(prepared(text), bill).bind_all::<Text, _>(&owners).execute(&mut **tx)?;
    Ok(())
}

/// The account and the domains above it without ROOT, the nearest first, as texts.
fn chain(conn: &mut Conn, owner: Owner) -> Result<Vec<String>> {
    let mut owners = vec![owner.account.to_string()];
    owners.extend(above(conn, owner.domain)?);
    Ok(owners)
}

/// A domain and those above it without ROOT, the nearest first. No statement for ROOT.
fn above(conn: &mut Conn, domain: Id<id::Domain>) -> Result<Vec<String>> {
    if domain == ROOT_DOMAIN {
        return Ok(Vec::new());
    }
    let text = "SELECT a.id FROM domain a JOIN domain d ON LEFT(d.path, CHAR_LENGTH(a.path)) = a.path \
        WHERE d.id = ? AND a.parent_id IS NOT NULL AND a.alive = 1 ORDER BY CHAR_LENGTH(a.path) DESC";
    let rows: Vec<Found> = prepared(text).bind::<Text, _>(domain).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Binds the amounts of one [`case`].
fn with_amounts<'a>(statement: Prepared<'a>, bill: &Bill) -> Prepared<'a> {
    bill.iter().fold(statement, |statement, (_, amount)| match *amount {
        Amount::Of(number) => statement.bind::<BigInt, _>(number),
        Amount::GpuMemoryOf(vm) => statement.bind::<Text, _>(vm),
    })
}

/// The amount for the row's resource.
fn case(bill: &Bill) -> String {
    let mut text = "CASE kind".to_owned();
    for (resource, amount) in bill {
        let _ = write!(text, " WHEN {} THEN {}", resource.number(), amount.sql());
    }
    text + " ELSE 0 END"
}

/// The rows of these owners and resources.
fn these(owners: &[String], bill: &Bill) -> String {
    let kinds: Vec<String> =
        bill.iter().map(|(resource, _)| resource.number().to_string()).collect();
    format!("owner_id IN ({}) AND kind IN ({})", marks(owners.len()), kinds.join(", "))
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    owner_id: String,
    #[diesel(sql_type = Integer)]
    kind: i32,
    #[diesel(sql_type = BigInt)]
    used: i64,
    #[diesel(sql_type = BigInt)]
    max: i64,
    /// With what is asked; the amount alone would have the width that its values had when it was prepared.
    #[diesel(sql_type = BigInt)]
    wanted: i64,
}

/// Says which limit is in the way: resource by resource, the account before the domains.
fn check_among(conn: &mut Conn, owner: Owner, owners: &[String], bill: &Bill) -> Result<()> {
    let text = format!(
        "SELECT owner_id, kind, used, max, used + {} AS wanted FROM resource_count WHERE {}",
        case(bill),
        these(owners, bill)
    );
    let statement = with_amounts(prepared(text), bill).bind_all::<Text, _>(owners);
    let rows: Vec<Row> = statement.load(conn)?;
    for (resource, _) in bill {
        for (place, id) in owners.iter().enumerate() {
            let row = rows.iter().find(|row| row.owner_id == *id && row.kind == resource.number());
            let Some(row) = row else {
                return Err(Error::internal(format!("nothing is counted for owner {id}")));
            };
            if row.max >= 0 && row.wanted > row.max {
                return Err(Error::Limit(match place {
                    0 => account_text(conn, owner, *resource, row)?,
                    _ => domain_text(*resource, row),
                }));
            }
        }
    }
    Ok(())
}

fn account_text(conn: &mut Conn, owner: Owner, of: Resource, row: &Row) -> Result<String> {
    let name: String =
        account::table.filter(account::id.eq(owner.account)).select(account::name).first(conn)?;
    let home: String =
        domain::table.filter(domain::id.eq(owner.domain)).select(domain::id).first(conn)?;
    Ok(format!(
        "Maximum amount of resources of Type = '{}' for Account Name = '{name}' in Domain Id = '{home}' is exceeded: \
         Account Resource Limit = {}, Current Account Resource Amount = {}, Current Account Resource Reservation = {}, \
         Requested Resource Amount = {}.",
        of.name(),
        of.text(row.max),
        of.text(row.used),
        of.text(0),
        of.text(row.wanted - row.used)
    ))
}

fn domain_text(of: Resource, row: &Row) -> String {
    format!(
        "Maximum domain resource limits of Type '{}' for Domain Id = {} is exceeded: Domain Resource Limit = {}, \
         Current Domain Resource Amount = {}, Current Resource Reservation = {}, Requested Resource Amount = {}.",
        of.name(),
        row.owner_id,
        of.text(row.max),
        of.text(row.used),
        of.text(0),
        of.text(row.wanted - row.used)
    )
}
