//! What must hold whatever happened: one owner a device, no owner without an instance, no job without an end.

use super::World;
use csgpu::{
    command::Wiring,
    error::Result,
    service,
    store::{Conn, Db, gpu_history, migrate},
};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use std::time::Duration;

/// Each query names the rows that break a rule: none may come back. True at every moment.
const ALWAYS: &[(&str, &str)] = &[
    (
        "a device has two owners",
        "SELECT device_id AS what FROM gpu_allocation WHERE active = 1 GROUP BY device_id HAVING COUNT(*) > 1",
    ),
    (
        "a device and its parent are both allocated",
        "SELECT d.id AS what FROM gpu_device d
         JOIN gpu_allocation a ON a.device_id = d.id AND a.active = 1
         JOIN gpu_allocation p ON p.device_id = d.parent_id AND p.active = 1",
    ),
    (
        "two GPUs of one IOMMU group have different owners",
        "SELECT d1.id AS what FROM gpu_device d1
         JOIN gpu_device d2 ON d2.host_id = d1.host_id AND d2.iommu_group = d1.iommu_group AND d2.id > d1.id
         JOIN gpu_allocation a1 ON a1.device_id = d1.id AND a1.active = 1
         JOIN gpu_allocation a2 ON a2.device_id = d2.id AND a2.active = 1
         WHERE a1.vm_id <> a2.vm_id AND d1.parent_id IS NULL AND d2.parent_id IS NULL",
    ),
    (
        "an instance that is gone holds a device",
        "SELECT a.device_id AS what FROM gpu_allocation a LEFT JOIN vm ON vm.id = a.vm_id
         WHERE a.active = 1 AND (vm.id IS NULL OR vm.removed IS NOT NULL)",
    ),
    (
        "an instance that runs holds another number of devices than it was promised at once",
        "SELECT a.vm_id AS what FROM gpu_allocation a JOIN vm ON vm.id = a.vm_id
         WHERE a.active = 1 AND vm.state = 'Running' AND a.state = 'Reserved'",
    ),
    (
        "devices of one instance are on two hosts",
        "SELECT vm_id AS what FROM gpu_allocation WHERE active = 1 GROUP BY vm_id HAVING COUNT(DISTINCT host_id) > 1",
    ),
    (
        "a host is promised more memory than it has",
        "SELECT h.id AS what FROM host h JOIN vm ON vm.host_id = h.id AND vm.state IN ('Starting', 'Running', 'Stopping')
         GROUP BY h.id, h.memory HAVING SUM(vm.memory_mib) > h.memory / 1048576",
    ),
    ("a count is not what a recount says", MISCOUNTED),
    ("a count of a tag is not what a recount says", MISCOUNTED_TAGS),
    (
        "the ledger and the allocations differ",
        "SELECT CONCAT(a.device_id, ' held by ', a.vm_id, ' since ', a.allocated) AS what FROM gpu_allocation a
         LEFT JOIN usage_interval u ON u.kind = 101 AND u.subject_id = a.device_id AND u.started = a.allocated
         WHERE a.allocated IS NOT NULL AND (u.id IS NULL OR NOT (u.ended <=> a.releasing) OR u.account_id <> a.account_id)",
    ),
    (
        "the ledger has a GPU that nobody was allocated",
        "SELECT u.subject_id AS what FROM usage_interval u
         LEFT JOIN gpu_allocation a ON a.device_id = u.subject_id AND a.allocated = u.started
         WHERE u.kind = 101 AND u.vm_id IS NOT NULL AND a.id IS NULL",
    ),
    (
        "two instances of one strict anti-affinity group are on one host",
        "SELECT CONCAT(a.id, ' and ', b.id) AS what FROM affinity_group g
         JOIN affinity_member x ON x.group_id = g.id JOIN affinity_member y ON y.group_id = g.id AND y.vm_id > x.vm_id
         JOIN vm a ON a.id = x.vm_id JOIN vm b ON b.id = y.vm_id
         WHERE g.kind = 'host anti-affinity' AND a.host_id = b.host_id",
    ),
    (
        "an instance is recorded with another size than it has",
        "SELECT vm.id AS what FROM vm JOIN usage_interval u ON u.kind = 2 AND u.subject_id = vm.id AND u.open = 1
         WHERE vm.removed IS NULL AND (u.offering_id <> vm.offering_id OR u.cpu_number <> vm.cpu_number
             OR u.memory_mib <> vm.memory_mib)",
    ),
    (
        "an address of a shared network is used and not recorded, or the other way",
        "SELECT n.id AS what FROM nic n JOIN network w ON w.id = n.network_id AND w.guest_type = 'Shared'
         JOIN vm ON vm.id = n.vm_id LEFT JOIN usage_interval u ON u.kind = 3 AND u.subject_id = n.id AND u.open = 1
         WHERE n.ip IS NOT NULL AND (n.active <=> 1) <> (u.id IS NOT NULL)",
    ),
    (
        "an instance runs and is not recorded, or is recorded and does not run",
        "SELECT vm.id AS what FROM vm LEFT JOIN usage_interval u ON u.kind = 1 AND u.subject_id = vm.id AND u.open = 1
         WHERE (vm.removed IS NULL AND vm.state IN ('Running', 'Stopping')) <> (u.id IS NOT NULL)",
    ),
];

/// The counts of these kinds that differ from what these rows of `account_id, domain_id, kind, n` add up to: of accounts, and
/// of domains with all that is below them.
macro_rules! recounted {
    ($rows:literal, $kinds:literal) => {
        concat!(
            "WITH x AS (",
            $rows,
            "), counted AS (
                SELECT account_id AS owner_id, kind, SUM(n) AS n FROM x GROUP BY account_id, kind UNION ALL
                SELECT d.id, x.kind, SUM(x.n) FROM x JOIN domain b ON b.id = x.domain_id
                    JOIN domain d ON LEFT(b.path, CHAR_LENGTH(d.path)) = d.path AND d.parent_id IS NOT NULL
                    GROUP BY d.id, x.kind)
            SELECT CONCAT(c.owner_id, ' is said to have ', c.used, ' of ', c.kind, ' and has ', COALESCE(r.n, 0)) AS what
                FROM resource_count c LEFT JOIN counted r ON r.owner_id = c.owner_id AND r.kind = c.kind
                WHERE c.used <> COALESCE(r.n, 0) AND c.owner_id NOT IN (SELECT id FROM domain WHERE parent_id IS NULL)
                    AND ",
            $kinds
        )
    };
}

/// Whose count differs from what there is.
const MISCOUNTED: &str = recounted!(
    "SELECT account_id, domain_id, 0 AS kind, 1 AS n FROM vm
            WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped') UNION ALL
        SELECT account_id, domain_id, 8, cpu_number FROM vm
            WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped') UNION ALL
        SELECT account_id, domain_id, 9, memory_mib FROM vm
            WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped') UNION ALL
        SELECT account_id, domain_id, 2, 1 FROM volume WHERE removed IS NULL UNION ALL
        SELECT account_id, domain_id, 10, size FROM volume WHERE removed IS NULL UNION ALL
        SELECT a.id, a.domain_id, 5, 1 FROM project_member m JOIN account a ON a.id = m.account_id
            WHERE m.is_admin = 1 UNION ALL
        SELECT u.account_id, u.domain_id, 5, 1 FROM project_user p JOIN user u ON u.id = p.user_id
            WHERE p.is_admin = 1 UNION ALL
        SELECT account_id, domain_id, 16, 1 FROM gpu_allocation
            WHERE active = 1 AND state IN ('Reserved', 'Allocated') UNION ALL
        SELECT account_id, domain_id, 116, memory_mib FROM gpu_allocation
            WHERE active = 1 AND state IN ('Reserved', 'Allocated')",
    "c.kind IN (0, 2, 5, 8, 9, 10, 16, 116)"
);

/// The same of what counts for tags that have limits.
const MISCOUNTED_TAGS: &str = recounted!(
    "SELECT v.account_id, v.domain_id, 1000 * l.number + r.kind AS kind,
            CASE r.kind WHEN 0 THEN 1 WHEN 8 THEN v.cpu_number ELSE v.memory_mib END AS n
            FROM vm v JOIN limit_tag l ON FIND_IN_SET(l.number, v.limit_tags)
            JOIN (SELECT 0 AS kind UNION SELECT 8 UNION SELECT 9) r
            WHERE v.removed IS NULL AND v.state IN ('Starting', 'Running', 'Stopping', 'Stopped') UNION ALL
        SELECT v.account_id, v.domain_id, 1000 * l.number + r.kind, IF(r.kind = 2, 1, v.size)
            FROM volume v JOIN limit_tag l ON FIND_IN_SET(l.number, v.limit_tags)
            JOIN (SELECT 2 AS kind UNION SELECT 10) r WHERE v.removed IS NULL UNION ALL
        SELECT a.account_id, a.domain_id, 1000 * l.number + r.kind, IF(r.kind = 16, 1, a.memory_mib)
            FROM gpu_allocation a JOIN vm v ON v.id = a.vm_id JOIN limit_tag l ON FIND_IN_SET(l.number, v.limit_tags)
            JOIN (SELECT 16 AS kind UNION SELECT 116) r
            WHERE a.active = 1 AND a.state IN ('Reserved', 'Allocated')",
    "c.kind >= 1000"
);

/// What no owner may ever have, as long as no limit is lowered.
const ABOVE_A_LIMIT: &str =
    "SELECT CONCAT(owner_id, ' has ', used, ' of ', max, ' of ', kind) AS what
    FROM resource_count WHERE max >= 0 AND used > max";

/// True once every job has ended and every host has paid.
const SETTLED: &[(&str, &str)] = &[
    ("a job has not ended", "SELECT id AS what FROM job WHERE state NOT IN ('Done', 'Failed')"),
    (
        "an ended job keeps its thing busy",
        "SELECT id AS what FROM job WHERE busy_subject IS NOT NULL",
    ),
    ("a host has not paid", "SELECT id AS what FROM host_debt WHERE paid IS NULL"),
    (
        "an instance is between two states",
        "SELECT CONCAT(id, ' ', state) AS what FROM vm WHERE removed IS NULL AND state IN ('Starting', 'Stopping', 'Expunging')",
    ),
    (
        "a device leaks",
        "SELECT a.device_id AS what FROM gpu_allocation a JOIN vm ON vm.id = a.vm_id
         WHERE a.active = 1 AND (vm.state NOT IN ('Running', 'Stopped') OR a.state <> 'Allocated')",
    ),
    (
        "a volume is left behind",
        "SELECT v.id AS what FROM volume v JOIN vm ON vm.id = v.vm_id WHERE v.removed IS NULL AND vm.removed IS NOT NULL",
    ),
    (
        "an address is left behind",
        "SELECT n.id AS what FROM nic n JOIN vm ON vm.id = n.vm_id WHERE n.active = 1 AND vm.removed IS NOT NULL",
    ),
];

#[derive(QueryableByName)]
struct Broken {
    #[diesel(sql_type = Text)]
    what: String,
}

/// The rules of this list that are broken now in the database at this URL.
fn broken(url: &str, rules: &[(&str, &str)]) -> Result<Vec<String>> {
    let mut conn = migrate::connect(url)?;
    let mut found = Vec::new();
    for (rule, query) in rules {
        let rows: Vec<Broken> = sql_query(*query).load(&mut conn)?;
        found.extend(rows.into_iter().map(|row| format!("{rule}: {}", row.what)));
    }
    Ok(found)
}

/// What does not hold now of that which must hold at every moment, and of these rules; an error where the database
/// does not answer.
pub fn broken_now(url: &str, more: &[(&str, &str)]) -> Result<Vec<String>> {
    broken(url, &[ALWAYS, more].concat())
}

/// The counts that are not what a recount says, or above a limit, now. A statement each: what one reads is of one moment.
pub fn miscounted(conn: &mut Conn) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for query in [MISCOUNTED, ABOVE_A_LIMIT] {
        found.extend(sql_query(query).load::<Broken>(conn)?.into_iter().map(|row| row.what));
    }
    Ok(found)
}

/// What must hold at every moment in the database at this URL.
pub fn check(url: &str) {
    let broken = broken(url, ALWAYS).expect("the database answers");
    assert!(broken.is_empty(), "{broken:#?}");
    check_history(url);
}

/// The history of GPUs is what the allocations are, step by step, and nobody changed it.
fn check_history(url: &str) {
    let db = Db::open(url, 1);
    seal(&db);
    let (text, is_good) = service::usage::verify(&db).expect("the history");
    assert!(is_good, "{text}");
    let rule = "SELECT a.id AS what FROM gpu_allocation a WHERE a.sealed <> (a.released IS NOT NULL) OR a.due = 1
         OR a.written <> (SELECT COUNT(*) FROM gpu_history h WHERE h.allocation_id = a.id)
         OR (a.reserved IS NOT NULL) + (a.allocated IS NOT NULL) + (a.releasing IS NOT NULL) + (a.released IS NOT NULL)
            <> (SELECT COUNT(*) FROM gpu_history h WHERE h.allocation_id = a.id)";
    // allocations go on while they are looked at
    let mut missing = Vec::new();
    for _ in 0..5 {
        missing = broken(url, &[("a step is not in the history", rule)]).expect("an answer");
        if missing.is_empty() {
            break;
        }
        seal(&db);
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What is not sealed yet is.
pub fn seal(db: &Db) {
    while db.txn_blocking("seal", gpu_history::seal).expect("sealed") > 0 {}
}

/// Waits until nothing is under way in the database at this URL, then checks that nothing leaks.
pub async fn settle(url: &str, patience: Duration) {
    let end = tokio::time::Instant::now() + patience;
    loop {
        let broken = broken(url, SETTLED).expect("the database answers");
        if broken.is_empty() {
            return check(url);
        }
        assert!(
            tokio::time::Instant::now() < end,
            "not settled: {broken:#?} {:#?}",
            broken.iter().flat_map(|line| stories(url, line)).collect::<Vec<_>>()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the books say of the instances that a line names, by their own id or by that of a device: themselves, their jobs
/// and what of these is owed.
fn stories(url: &str, line: &str) -> Vec<String> {
    let ids = line.split_whitespace().filter(|word| word.parse::<uuid::Uuid>().is_ok());
    ids.flat_map(|id| story(url, id)).collect()
}

/// What the books say of an instance, or of the one that has a device.
pub fn story(url: &str, id: &str) -> Vec<String> {
    let mut conn = migrate::connect(url).expect("the database answers");
    let query = format!(
        "WITH it AS (SELECT id FROM vm WHERE id = '{id}' UNION
            SELECT vm_id FROM gpu_allocation WHERE device_id = '{id}' AND active = 1)
         SELECT CONCAT_WS(' ', 'vm', id, state, generation, host_id, last_host_id, created, updated, removed) AS what
            FROM vm WHERE id IN (SELECT id FROM it) UNION ALL
         SELECT CONCAT_WS(' ', 'job', j.created, finished, command, state, attempt, error_text, j.plan, 'debt', d.why,
                d.paid) FROM job j LEFT JOIN host_debt d ON d.plan = j.id
            WHERE subject_id IN (SELECT id FROM it) UNION ALL
         SELECT CONCAT_WS(' ', 'allocation', device_id, state, reserved, allocated, releasing, released)
            FROM gpu_allocation WHERE vm_id IN (SELECT id FROM it)"
    );
    let rows: Vec<Broken> = sql_query(query).load(&mut conn).expect("an answer");
    rows.into_iter().map(|row| row.what).collect()
}

/// What the server keeps in memory of the hosts is what is in the books. A change between two reads is no fault, so a
/// difference must stay.
fn check_fleets(wiring: &Wiring, url: &str) {
    let mut conn = migrate::connect(url).expect("the database answers");
    for fleet in wiring.fleets.all() {
        let mut differing = Vec::new();
        for _ in 0..4 {
            differing = fleet.differing(&mut conn).expect("hosts");
            if differing.is_empty() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(30));
        }
        assert!(differing.is_empty(), "hosts changed and their generation did not: {differing:#?}");
    }
}

impl World {
    /// What must hold at every moment.
    pub fn check_invariants(&self) {
        check(&self.database.url);
        check_fleets(&self.server.wiring, &self.database.url);
        let violations = self.fakes.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// Waits until nothing is under way, then checks that nothing leaks.
    pub async fn settle(&self) {
        settle(&self.database.url, Duration::from_secs(30)).await;
        self.check_invariants();
    }
}
