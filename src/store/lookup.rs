//! Do these ids exist, and may the caller see them? One query for a whole request.

use super::{
    Conn,
    prepared::{marks, prepared},
};
use crate::{
    domain::{
        Kind,
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
}

const fn rule(kind: Kind) -> Rule {
    match kind {
        Kind::Domain => Rule::Domain,
        Kind::Account => Rule::Account,
        Kind::User => Rule::Owned("user t WHERE t.alive = 1"),
        Kind::Role => Rule::Open("role t WHERE TRUE"),
        Kind::Project => Rule::Owned(
            "(SELECT project.id, project_member.account_id, project.domain_id FROM project JOIN project_member ON project_member.project_id = project.id WHERE project.alive = 1) t WHERE TRUE",
        ),
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

/// Those of the wanted ids that exist and that the caller may see. One statement.
pub fn visible(
    conn: &mut Conn,
    caller: &Caller,
    wanted: &[(Kind, Uuid)],
) -> Result<HashSet<(Kind, Uuid)>> {
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
    let statement = prepared(parts.join(" UNION ALL ")).rare(wanted.len() > USUAL);
    let rows: Vec<Found> = statement.bind_all::<Text, _>(values).load(conn)?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let kind = Kind::ALL.iter().find(|kind| kind.object() == row.kind)?;
            Some((*kind, Uuid::try_parse(&row.id).ok()?))
        })
        .collect())
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
        Reach::Account(account) if kind == Kind::Project || kind == Kind::User => {
            values.push(account.to_string());
            format!(" AND (t.account_id = ?{extra})")
        }
        Reach::Account(account) => {
            values.extend([account.to_string(), account.to_string()]);
            format!(
                " AND (t.account_id = ? OR t.account_id IN (SELECT project.account_id FROM project JOIN project_member ON project_member.project_id = project.id WHERE project_member.account_id = ? AND project.alive = 1){extra})"
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

/// The ids of a domain and all below it.
fn below(path: &str, values: &mut Vec<String>) -> &'static str {
    values.extend([path.to_owned(), path.to_owned()]);
    "SELECT id FROM domain WHERE LEFT(path, CHAR_LENGTH(?)) = ?"
}
