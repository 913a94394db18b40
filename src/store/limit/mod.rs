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
mod tagged;

pub use maximum::{Target, apply_defaults, set};
pub use owner::{
    Power, Standing, Standings, Tagged, enter_account, enter_domain, follow_role, leave,
    make_project, of_accounts, standings,
};
pub use recount::{of_account, of_domain};
pub(super) use tagged::follow as follow_tags;
pub use tagged::{LimitTag, Tags, all as tags, names as tag_names};

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
use tagged::{Line, lines, tagged_lines};

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
    charge_tagged(tx, owner, bill, Tags::default())
}

/// The same of a thing that has these tags: it counts for them too, in the same statement.
pub fn charge_tagged(tx: &mut Tx<'_>, owner: Owner, bill: &Bill, tags: Tags<'_>) -> Result<()> {
    charge_lines(tx, owner, &lines(bill, tags))
}

/// A thing that was counted with these tags is counted with those from now on. None for none on both sides.
pub fn retag(
    tx: &mut Tx<'_>,
    owner: Owner,
    before: (&Bill, Tags<'_>),
    after: (&Bill, Tags<'_>),
) -> Result<()> {
    free_lines(tx, owner, &tagged_lines(before.0, before.1))?;
    charge_lines(tx, owner, &tagged_lines(after.0, after.1))
}

fn charge_lines(tx: &mut Tx<'_>, owner: Owner, lines: &[Line]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let owners = chain(tx, owner)?;
    let amount = case(lines);
    let text = format!(
        "UPDATE resource_count FORCE INDEX (PRIMARY) \
         SET used = used + {amount} + IF(max < 0 OR used + {amount} <= max, 0, {}) WHERE {}",
        i64::MAX,
        these(&owners, lines)
    );
    let statement = with_amounts(with_amounts(prepared(text), lines), lines);
    match statement.bind_all::<Text, _>(&owners).execute(&mut **tx) {
        Ok(changed) if changed == owners.len() * lines.len() => Ok(()),
        Err(error) if !is_out_of_range(&error) => Err(error.into()),
        _ => {
            check_among(tx, owner, &owners, lines)?;
            Err(Error::LostRace("resource count"))
        }
    }
}

/// Whether a number would have become larger than any can be.
fn is_out_of_range(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info) if info.message().contains("out of range"))
}

/// Refuses what the limits do not allow now; counts nothing.
pub fn check(conn: &mut Conn, owner: Owner, bill: &Bill, tags: Tags<'_>) -> Result<()> {
    let lines = lines(bill, tags);
    if lines.is_empty() {
        return Ok(());
    }
    let owners = chain(conn, owner)?;
    check_among(conn, owner, &owners, &lines)
}

/// The owner has this no longer. One statement, two below ROOT's own accounts.
pub fn free(tx: &mut Tx<'_>, owner: Owner, bill: &Bill) -> Result<()> {
    free_tagged(tx, owner, bill, Tags::default())
}

/// The same of a thing that was counted with these tags.
pub fn free_tagged(tx: &mut Tx<'_>, owner: Owner, bill: &Bill, tags: Tags<'_>) -> Result<()> {
    free_lines(tx, owner, &lines(bill, tags))
}

fn free_lines(tx: &mut Tx<'_>, owner: Owner, lines: &[Line]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let owners = chain(tx, owner)?;
    let text = format!(
        "UPDATE resource_count FORCE INDEX (PRIMARY) SET used = used - {} WHERE {}",
        case(lines),
        these(&owners, lines)
    );
    with_amounts(prepared(text), lines).bind_all::<Text, _>(&owners).execute(&mut **tx)?;
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
fn with_amounts<'a>(statement: Prepared<'a>, lines: &[Line]) -> Prepared<'a> {
    lines.iter().fold(statement, |statement, line| match line.amount {
        Amount::Of(number) => statement.bind::<BigInt, _>(number),
        Amount::GpuMemoryOf(vm) => statement.bind::<Text, _>(vm),
    })
}

/// The amount for the row's resource.
fn case(lines: &[Line]) -> String {
    let mut text = "CASE kind".to_owned();
    for line in lines {
        let _ = write!(text, " WHEN {} THEN {}", line.kind(), line.amount.sql());
    }
    text + " ELSE 0 END"
}

/// The rows of these owners and resources.
fn these(owners: &[String], lines: &[Line]) -> String {
    let kinds: Vec<String> = lines.iter().map(|line| line.kind().to_string()).collect();
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

/// Says which limit is in the way: resource by resource, the account before the domains, all before its tags. Error: lost race, when a
/// tag has no limits any more.
fn check_among(conn: &mut Conn, owner: Owner, owners: &[String], lines: &[Line]) -> Result<()> {
    let text = format!(
        "SELECT owner_id, kind, used, max, used + {} AS wanted FROM resource_count WHERE {}",
        case(lines),
        these(owners, lines)
    );
    let statement = with_amounts(prepared(text), lines).bind_all::<Text, _>(owners);
    let rows: Vec<Row> = statement.load(conn)?;
    for line in lines {
        for (place, id) in owners.iter().enumerate() {
            let row = rows.iter().find(|row| row.owner_id == *id && row.kind == line.kind());
            let Some(row) = row else {
                return Err(match line.tag {
                    None => Error::internal(format!("nothing is counted for owner {id}")),
                    Some(_) => Error::LostRace("tag with limits"),
                });
            };
            if row.max >= 0 && row.wanted > row.max {
                let tag = line.tag.map(|number| tagged::name(conn, number)).transpose()?;
                return Err(Error::Limit(match place {
                    0 => account_text(conn, owner, (line.resource, tag.as_deref()), row)?,
                    _ => domain_text((line.resource, tag.as_deref()), row),
                }));
            }
        }
    }
    Ok(())
}

fn account_text(
    conn: &mut Conn,
    owner: Owner,
    (of, tag): (Resource, Option<&str>),
    row: &Row,
) -> Result<String> {
    let name: String =
        account::table.filter(account::id.eq(owner.account)).select(account::name).first(conn)?;
    let home: String =
        domain::table.filter(domain::id.eq(owner.domain)).select(domain::id).first(conn)?;
    let tag = tag.map(|tag| format!(", tag = '{tag}'")).unwrap_or_default();
    Ok(format!(
        "Maximum amount of resources of Type = '{}'{tag} for Account Name = '{name}' in Domain Id = '{home}' is exceeded: \
         Account Resource Limit = {}, Current Account Resource Amount = {}, Current Account Resource Reservation = {}, \
         Requested Resource Amount = {}.",
        of.name(),
        of.text(row.max),
        of.text(row.used),
        of.text(0),
        of.text(row.wanted - row.used)
    ))
}

fn domain_text((of, tag): (Resource, Option<&str>), row: &Row) -> String {
    let tag = tag.map(|tag| format!(" (tag: {tag})")).unwrap_or_default();
    format!(
        "Maximum domain resource limits of Type '{}{tag}' for Domain Id = {} is exceeded: Domain Resource Limit = {}, \
         Current Domain Resource Amount = {}, Current Resource Reservation = {}, Requested Resource Amount = {}.",
        of.name(),
        row.owner_id,
        of.text(row.max),
        of.text(row.used),
        of.text(0),
        of.text(row.wanted - row.used)
    )
}
