//! Usage as records: each stretch cut at the days' ends and at the ends of the time that is asked for.

use crate::{
    domain::{Id, Time, id},
    error::Result,
    store::{
        Conn, Window,
        owner::Owners,
        prepared::{Prepared, marks, prepared},
    },
};
use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Datetime, Integer, Nullable, Text},
};

/// Which usage.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub owners: Owners,
    /// From then on.
    pub from: Time,
    /// Until then.
    pub to: Time,
    /// Of this kind.
    pub kind: Option<i32>,
    /// Of this thing.
    pub subject: Option<String>,
}

/// What was used on one day.
#[derive(Debug, Clone, QueryableByName)]
#[expect(missing_docs, reason = "the columns of the ledger")]
pub struct Record {
    #[diesel(sql_type = Integer)]
    pub kind: i32,
    #[diesel(sql_type = Text)]
    pub account_id: Id<id::Account>,
    #[diesel(sql_type = Text)]
    pub account: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub project_id: Option<Id<id::Project>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub project: Option<String>,
    #[diesel(sql_type = Text)]
    pub domain_id: Id<id::Domain>,
    #[diesel(sql_type = Text)]
    pub domain: String,
    #[diesel(sql_type = Text)]
    pub domain_path: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub zone_id: Option<Id<id::Zone>>,
    #[diesel(sql_type = Text)]
    pub subject_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub vm_id: Option<Id<id::Vm>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub host_id: Option<Id<id::Host>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub offering_id: Option<Id<id::ServiceOffering>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub profile_id: Option<Id<id::VgpuProfile>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub template_id: Option<Id<id::Template>>,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub size: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub cpu_number: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub cpu_speed: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub memory_mib: Option<i64>,
    #[diesel(sql_type = Datetime)]
    pub began: Time,
    #[diesel(sql_type = Datetime)]
    pub until: Time,
    #[diesel(sql_type = BigInt)]
    pub microseconds: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The condition that an owner's usage meets, with its ids where `{}` is; `None`: everybody's.
fn owned(owners: &Owners) -> Option<(&'static str, Vec<String>)> {
    const ACCOUNTS: &str = "u.account_id IN ({})";
    let text = |ids: &[Id<id::Domain>]| ids.iter().map(ToString::to_string).collect();
    match owners {
        // what projects used is paid for like the rest
        Owners::All | Owners::AllButProjects => None,
        Owners::Account(account) => Some((ACCOUNTS, vec![account.to_string()])),
        Owners::Project(id) => Some((
            "u.account_id IN (SELECT p.account_id FROM project p WHERE p.id IN ({}))",
            vec![id.to_string()],
        )),
        Owners::Accounts(accounts) => {
            Some((ACCOUNTS, accounts.iter().map(ToString::to_string).collect()))
        }
        Owners::Domains(domains) | Owners::DomainsButProjects(domains) => {
            Some(("u.domain_id IN ({})", text(domains)))
        }
    }
}

/// The stretches with what they show as (GPUs also as GPU memory), the days, and what is left of each stretch.
fn source(filter: &Filter, owned: Option<&(&'static str, Vec<String>)>) -> String {
    let owners = match owned {
        None => String::new(),
        Some((_, ids)) if ids.is_empty() => " AND FALSE".to_owned(),
        Some((condition, ids)) => {
            format!(" AND {}", condition.replace("{}", &marks(ids.len())))
        }
    };
    let kind = filter.kind.map(|_| " AND s.shown = ?").unwrap_or_default();
    format!(
        "FROM (SELECT CAST(? AS DATETIME(6)) AS a, LEAST(CAST(? AS DATETIME(6)), UTC_TIMESTAMP(6)) AS b) r \
         JOIN days d ON d.day < r.b \
         JOIN usage_interval u ON u.started < r.b AND u.started < d.day + INTERVAL 1 DAY \
            AND COALESCE(u.ended, r.b) > r.a AND COALESCE(u.ended, r.b) > d.day \
         JOIN (SELECT 1 AS kind, 1 AS shown UNION ALL SELECT 2, 2 UNION ALL SELECT 3, 3 UNION ALL SELECT 6, 6 UNION ALL SELECT 7, 7 UNION ALL \
            SELECT 101, 101 UNION ALL SELECT 101, 102) s ON s.kind = u.kind \
         WHERE (? IS NULL OR u.subject_id = ?){owners}{kind}"
    )
}

/// A statement with all of its values.
fn bound<'a>(
    text: String,
    filter: &'a Filter,
    owned: Option<&'a (&'static str, Vec<String>)>,
) -> Prepared<'a> {
    let ids = owned.map_or(&[][..], |(_, ids)| ids);
    prepared(text)
        .rare(true)
        .bind::<Datetime, _>(filter.from)
        .bind::<Datetime, _>(filter.to)
        .bind::<Datetime, _>(filter.from)
        .bind::<Datetime, _>(filter.to)
        .bind::<Nullable<Text>, _>(&filter.subject)
        .bind::<Nullable<Text>, _>(&filter.subject)
        .bind_all::<Text, _>(ids)
        .bind_all::<Integer, _>(filter.kind)
}

const DAYS: &str = "WITH RECURSIVE days (day) AS (SELECT CAST(DATE(?) AS DATETIME(6)) UNION ALL \
    SELECT day + INTERVAL 1 DAY FROM days WHERE day + INTERVAL 1 DAY < ?)";

/// How many records there are, and one page of them, by day, account, kind and thing. Two statements at most.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Record>)> {
    let page = window.limit.unwrap_or(i64::MAX);
    let owned = owned(&filter.owners);
    let owned = owned.as_ref();
    let text = format!(
        "{DAYS} SELECT s.shown AS kind, u.account_id, account.name AS account, \
         project.id AS project_id, project.name AS project, u.domain_id, domain.name AS domain, \
         domain.path AS domain_path, u.zone_id, u.subject_id, u.vm_id, u.host_id, u.offering_id, u.profile_id, \
         u.template_id, u.name, u.size, u.cpu_number, u.cpu_speed, u.memory_mib, \
         GREATEST(u.started, d.day, r.a) AS began, \
         LEAST(COALESCE(u.ended, r.b), d.day + INTERVAL 1 DAY, r.b) AS until, \
         TIMESTAMPDIFF(MICROSECOND, GREATEST(u.started, d.day, r.a), \
            LEAST(COALESCE(u.ended, r.b), d.day + INTERVAL 1 DAY, r.b)) AS microseconds {} \
         ORDER BY d.day, u.account_id, s.shown, u.id LIMIT {page} OFFSET {}",
        source(filter, owned).replacen(
            " WHERE ",
            " JOIN account ON account.id = u.account_id JOIN domain ON domain.id = u.domain_id \
                 LEFT JOIN project ON project.account_id = u.account_id WHERE ",
            1
        ),
        window.offset
    );
    let rows: Vec<Record> = bound(text, filter, owned).load(conn)?;
    let count = window.count(rows.len(), || {
        let text = format!("{DAYS} SELECT COUNT(*) AS n {}", source(filter, owned));
        let counted: Count = bound(text, filter, owned).get_result(conn)?;
        Ok(counted.n)
    })?;
    Ok((count, rows))
}
