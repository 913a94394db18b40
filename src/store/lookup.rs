//! Do these ids exist, and may the caller see them? One query for a whole request.

use super::{
    Conn,
    prepared::{marks, prepared},
};
use crate::{
    domain::{
        Id, Kind, id,
        identity::{Caller, Reach},
    },
    error::Result,
};
use diesel::{QueryableByName, RunQueryDsl, sql_types::Text};
use std::collections::HashSet;
use uuid::Uuid;

/// How a noun's rows are found, and who may see them.
enum Rule {
    /// Anyone may name it.
    Open(&'static str),
    /// Rows with an owner: `account_id` and `domain_id`.
    Owned(&'static str),
    /// Owned, but some rows are for others too by this condition; a mark in it is the path of the caller's domain.
    Shared(&'static str, &'static str),
    /// Of one account: jobs.
    Mine(&'static str),
    /// A domain: in the caller's tree.
    Domain,
    /// An account: the own, or in the caller's tree.
    Account,
    /// A project: where the caller or its account is a member, or in the caller's tree.
    Project,
}

const fn rule(kind: Kind) -> Rule {
    match kind {
        Kind::Domain => Rule::Domain,
        Kind::Account => Rule::Account,
        Kind::User => Rule::Owned("user t WHERE t.alive = 1"),
        Kind::Role => Rule::Open("role t WHERE TRUE"),
        Kind::Project => Rule::Project,
        Kind::RolePermission => Rule::Open("role_rule t WHERE TRUE"),
        Kind::Zone => Rule::Open("zone t WHERE t.alive = 1"),
        Kind::Pod => Rule::Open("pod t WHERE t.alive = 1"),
        Kind::Cluster => Rule::Open("cluster t WHERE t.alive = 1"),
        Kind::Host => Rule::Open("host t WHERE t.alive = 1"),
        Kind::StoragePool => Rule::Open("storage_pool t WHERE t.alive = 1"),
        Kind::ImageStore => Rule::Open("image_store t WHERE t.alive = 1"),
        Kind::Template => Rule::Shared("template t WHERE t.removed IS NULL", "t.is_public = 1"),
        Kind::OsType => Rule::Open("os_type t WHERE TRUE"),
        Kind::OsCategory => Rule::Open("os_category t WHERE TRUE"),
        Kind::NetworkOffering => Rule::Open("network_offering t WHERE t.removed IS NULL"),
        Kind::Network => Rule::Shared(
            "network t WHERE t.alive = 1",
            // of a domain: for whoever is in it or below it
            "t.acl_type = 'Domain' AND t.domain_id IN (SELECT id FROM domain WHERE LEFT(?, CHAR_LENGTH(path)) = path)",
        ),
        Kind::Nic => Rule::Owned(
            "(SELECT nic.id, vm.account_id, vm.domain_id FROM nic JOIN vm ON vm.id = nic.vm_id WHERE nic.active = 1) t WHERE TRUE",
        ),
        Kind::PhysicalNetwork => Rule::Open("physical_network t WHERE t.removed IS NULL"),
        Kind::TrafficType => Rule::Open("traffic_type t WHERE TRUE"),
        Kind::ServiceOffering => Rule::Open("service_offering t WHERE t.removed IS NULL"),
        Kind::DiskOffering => Rule::Open("disk_offering t WHERE t.removed IS NULL"),
        Kind::Volume => Rule::Owned("volume t WHERE t.removed IS NULL"),
        // a list by the id of an instance that is gone is empty, as clients expect after a destroy; who acts on it is told
        Kind::Vm => Rule::Owned("vm t WHERE TRUE"),
        Kind::SshKeyPair => Rule::Owned("ssh_key_pair t WHERE TRUE"),
        Kind::AffinityGroup => Rule::Owned("affinity_group t WHERE TRUE"),
        Kind::GpuCard => Rule::Open("gpu_card t WHERE t.alive = 1"),
        Kind::VgpuProfile => Rule::Open("vgpu_profile t WHERE t.alive = 1"),
        Kind::GpuDevice => Rule::Open("gpu_device t WHERE t.alive = 1"),
        Kind::GpuOffering => Rule::Open("gpu_offering t WHERE t.alive = 1"),
        Kind::Job => Rule::Mine("job t WHERE TRUE"),
        Kind::Server => Rule::Open("server t WHERE TRUE"),
        Kind::Event => Rule::Owned("event t WHERE TRUE"),
        Kind::GpuDrift => Rule::Open("gpu_drift t WHERE TRUE"),
        Kind::Alert => Rule::Open("alert t WHERE t.shelf <> 'Deleted'"),
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    id: String,
}

/// A request names at most so many ids, except for lists of them.
const USUAL: usize = 8;

/// What a look-up found.
#[derive(Debug)]
pub struct Seen {
    /// Those of the wanted ids that exist and that the caller may see.
    pub ids: HashSet<(Kind, Uuid)>,
    /// Whether a role limits the caller in some project.
    pub is_limited: bool,
}

/// How the row is called that says that a role limits the caller in some project.
const LIMITED: &str = "limited";

/// Which of the wanted ids the caller may see. One statement.
pub fn visible(conn: &mut Conn, caller: &Caller, wanted: &[(Kind, Uuid)]) -> Result<Seen> {
    let scope = caller.scope();
    let (mut parts, mut values) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        let before = values.len();
        values.extend(
            wanted.iter().filter(|(k, _)| k == kind).map(|(_, id)| id.hyphenated().to_string()),
        );
        if values.len() > before {
            let ids = marks(values.len() - before);
            let (from, condition) = source(*kind, scope.reach(), caller, &mut values);
            parts.push(format!(
                "SELECT '{}' AS kind, t.id AS id FROM {from} AND t.id IN ({ids}){condition}",
                kind.object(),
            ));
        }
    }
    if let Reach::Account(account) = scope.reach() {
        parts.push(format!(
            "SELECT '{LIMITED}' AS kind, a.role_id AS id FROM project_member a WHERE a.account_id = ? AND a.role_id IS NOT NULL \
             UNION ALL SELECT '{LIMITED}' AS kind, u.role_id AS id FROM project_user u WHERE u.user_id = ? AND u.role_id IS NOT NULL"
        ));
        values.extend([account.to_string(), caller.user.to_string()]);
    }
    let statement = prepared(parts.join(" UNION ALL ")).rare(wanted.len() > USUAL);
    let rows: Vec<Found> = statement.bind_all::<Text, _>(values).load(conn)?;
    let found = |row: &Found| {
        let kind = Kind::ALL.iter().find(|kind| kind.object() == row.kind)?;
        Some((*kind, Uuid::try_parse(&row.id).ok()?))
    };
    Ok(Seen {
        ids: rows.iter().filter_map(found).collect(),
        is_limited: rows.iter().any(|row| row.kind == LIMITED),
    })
}

/// The `FROM .. WHERE ..` of a noun and the condition that the caller's reach adds; its values come after the others.
fn source(
    kind: Kind,
    reach: &Reach,
    caller: &Caller,
    values: &mut Vec<String>,
) -> (&'static str, String) {
    let mut owned = |extra: &str| match reach {
        Reach::All => String::new(),
        // what belongs to a project belongs to an account of its own: its members see it
        Reach::Account(account) if kind == Kind::User => {
            values.push(account.to_string());
            format!(" AND (t.account_id = ?{extra})")
        }
        Reach::Account(account) => {
            values.push(account.to_string());
            let of_project = membership("shared", account, caller, values);
            format!(
                " AND (t.account_id = ? OR t.account_id IN (SELECT shared.account_id FROM project shared WHERE shared.alive = 1 AND {of_project}){extra})"
            )
        }
        Reach::Domain { path } => {
            format!(" AND (t.domain_id IN ({}){extra})", below(path, values))
        }
    };
    match rule(kind) {
        Rule::Open(from) => (from, String::new()),
        Rule::Owned(from) | Rule::Mine(from) => (from, owned("")),
        Rule::Shared(from, condition) => {
            let text = owned(&format!(" OR {condition}"));
            if !text.is_empty() && condition.contains('?') {
                values.push(caller.domain_path.clone());
            }
            (from, text)
        }
        Rule::Domain => {
            let condition = match reach {
                Reach::All => String::new(),
                Reach::Domain { path } => format!(" AND t.id IN ({})", below(path, values)),
                Reach::Account(_) => {
                    values.push(caller.domain.to_string());
                    " AND t.id = ?".to_owned()
                }
            };
            ("domain t WHERE t.alive = 1", condition)
        }
        Rule::Project => {
            let condition = match reach {
                Reach::All => String::new(),
                Reach::Domain { path } => format!(" AND t.domain_id IN ({})", below(path, values)),
                Reach::Account(account) => {
                    format!(" AND {}", membership("t", account, caller, values))
                }
            };
            ("project t WHERE t.alive = 1", condition)
        }
        Rule::Account => {
            let condition = match reach {
                Reach::All => String::new(),
                Reach::Domain { path } => format!(" AND t.domain_id IN ({})", below(path, values)),
                Reach::Account(account) => {
                    values.push(account.to_string());
                    " AND t.id = ?".to_owned()
                }
            };
            // the account behind a project is reached through the project alone
            ("account t WHERE t.alive = 1 AND t.is_project = 0", condition)
        }
    }
}

/// That the caller, or its account, is a member of a project.
fn membership(
    project: &str,
    account: &Id<id::Account>,
    caller: &Caller,
    values: &mut Vec<String>,
) -> String {
    values.extend([account.to_string(), caller.user.to_string()]);
    format!(
        "({project}.id IN (SELECT project_id FROM project_member WHERE account_id = ?) \
         OR {project}.id IN (SELECT project_id FROM project_user WHERE user_id = ?))"
    )
}

/// The ids of a domain and all below it.
fn below(path: &str, values: &mut Vec<String>) -> &'static str {
    values.extend([path.to_owned(), path.to_owned()]);
    "SELECT id FROM domain WHERE LEFT(path, CHAR_LENGTH(?)) = ?"
}
