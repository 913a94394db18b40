//! Rolling upgrades: a new version brings the schema forward while servers of the old one go on working.
//!
//! Two halves make it whole. Every step since the floor only adds, so what an old server names is still there; and a
//! server does not mind what was added, to any table, while it runs or before it starts.

use crate::gpu_claim::join_all;
use crate::world::{
    Client, World,
    server::{empty_database, fresh_database},
    site::{Site, instance},
};
use csgpu::{
    hypervisor::fake::FakeShape,
    store::{Conn, migrate, neighbours},
};
use diesel::{
    QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

fn texts(conn: &mut Conn, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows = sql_query(query).load::<Row>(conn).expect(query);
    rows.into_iter().map(|row| row.text).collect()
}

/// The steps of the schema in order: version, folder.
fn steps() -> Vec<(String, PathBuf)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .expect("the steps")
        .map(|entry| entry.expect("a step").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name.split('_').next().unwrap_or_default().replace('-', ""), path)
        })
        .collect();
    found.sort();
    found
}

/// What a program can rely on.
struct Shape {
    /// `table.column type nullable default`.
    columns: BTreeSet<String>,
    tables: BTreeSet<String>,
    /// What refuses rows: unique keys and references, with their columns.
    rules: BTreeSet<String>,
}

impl Shape {
    fn of(conn: &mut Conn) -> Self {
        let all = |conn: &mut Conn, query: &str| texts(conn, query).into_iter().collect();
        Self {
            columns: all(
                conn,
                "SELECT CONCAT(table_name, ' ', column_name, ' ', column_type, ' ', is_nullable, ' ',
                    IF(column_default IS NULL AND is_nullable = 'NO' AND extra = '', 'must be given', 'may be left out')) AS text
                 FROM information_schema.columns WHERE table_schema = DATABASE()",
            ),
            tables: all(
                conn,
                "SELECT CONCAT(table_name, '') AS text FROM information_schema.tables WHERE table_schema = DATABASE()",
            ),
            rules: all(
                conn,
                "SELECT CONCAT(table_name, ' ', index_name, ' ', GROUP_CONCAT(column_name ORDER BY seq_in_index)) AS text
                 FROM information_schema.statistics WHERE table_schema = DATABASE() AND non_unique = 0
                 GROUP BY table_name, index_name
                 UNION ALL SELECT CONCAT(table_name, ' ', constraint_name, ' references ', referenced_table_name)
                 FROM information_schema.key_column_usage
                 WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL",
            ),
        }
    }

    /// What somebody who knows `self` would stumble over.
    fn broken_by(&self, next: &Self) -> Vec<String> {
        let table = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let gone = self.columns.difference(&next.columns).map(|line| format!("gone: {line}"));
        let needed = next
            .columns
            .difference(&self.columns)
            .filter(|line| self.tables.contains(&table(line)) && line.ends_with("must be given"));
        let ruled =
            next.rules.difference(&self.rules).filter(|line| self.tables.contains(&table(line)));
        gone.chain(needed.chain(ruled).map(|line| format!("new: {line}"))).collect()
    }
}

#[test]
fn every_step_since_the_floor_only_adds() {
    let database = empty_database();
    let mut conn = migrate::connect(&database.url).expect("the database");
    let steps = steps();
    assert!(steps.iter().any(|(version, _)| version == neighbours::FLOOR), "no such step");
    let mut before = Shape::of(&mut conn);
    for (version, dir) in steps {
        let text = std::fs::read_to_string(dir.join("up.sql")).expect("a step");
        conn.batch_execute(&text).expect("a step that runs");
        let after = Shape::of(&mut conn);
        if version.as_str() > neighbours::FLOOR {
            let broken = before.broken_by(&after);
            assert!(
                broken.is_empty(),
                "{}: only add, or move FLOOR (src/store/neighbours.rs) here: {broken:#?}",
                dir.display()
            );
        }
        before = after;
    }
}

#[test]
fn what_takes_away_is_told_from_what_adds() {
    let database = empty_database();
    let mut conn = migrate::connect(&database.url).expect("the database");
    let begin = "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, b VARCHAR(9) NOT NULL)";
    conn.batch_execute(begin).expect("a table");
    for (change, breaks) in [
        ("CREATE TABLE c (id INT NOT NULL PRIMARY KEY, d INT NOT NULL)", false),
        ("ALTER TABLE a ADD COLUMN e INT NULL", false),
        ("ALTER TABLE a ADD COLUMN f INT NOT NULL DEFAULT 0", false),
        ("ALTER TABLE a ADD KEY ix_b (b)", false),
        ("ALTER TABLE a ADD COLUMN g INT NOT NULL", true),
        ("ALTER TABLE a ADD UNIQUE KEY uc_b (b)", true),
        ("ALTER TABLE a MODIFY COLUMN b VARCHAR(20) NOT NULL", true),
        ("ALTER TABLE a DROP COLUMN e", true),
        ("DROP TABLE c", true),
    ] {
        let before = Shape::of(&mut conn);
        conn.batch_execute(change).expect(change);
        let broken = before.broken_by(&Shape::of(&mut conn));
        assert_eq!(!broken.is_empty(), breaks, "{change}: {broken:?}");
    }
}

/// Deploys, stops, starts and destroys.
async fn once(client: &Client, site: &Site, size: &str) {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    let vm = instance(&client.call_async("deployVirtualMachine", &words).await);
    let id = [("id", vm["id"].as_str().expect("an id"))];
    instance(&client.call_async("stopVirtualMachine", &id).await);
    instance(&client.call_async("startVirtualMachine", &id).await);
    let words = [id[0], ("expunge", "true")];
    let job = client.call_async("destroyVirtualMachine", &words).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
}

/// What the steps of a later version may do to any table: a column in front, one that is never empty, one behind.
fn later_version(conn: &mut Conn, is_over: &AtomicBool) {
    let tables = "SELECT CONCAT(table_name, '') AS text FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name NOT IN ('__diesel_schema_migrations') ORDER BY table_name";
    for table in texts(conn, tables) {
        let change = format!(
            "ALTER TABLE `{table}` ADD COLUMN later_a VARCHAR(9) NULL FIRST,
             ADD COLUMN later_b INT NOT NULL DEFAULT 7, ADD COLUMN later_c DATETIME(6) NULL,
             ADD KEY ix_later (later_b)"
        );
        conn.batch_execute(&change).expect(&change);
        std::thread::park_timeout(Duration::from_millis(20));
    }
    conn.batch_execute(
        "CREATE TABLE later (id INT NOT NULL PRIMARY KEY);
         INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')",
    )
    .expect("one more step");
    is_over.store(true, Relaxed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_goes_on_while_a_later_version_adds_to_every_table() {
    let world = World::new().await;
    let site = world.site((1..=2).map(|n| FakeShape::new(format!("h{n}")).gpus(8))).await;
    let size = world.size("one", 1).await;
    let clients = [world.user("ann").await, world.user("bob").await, world.user("cat").await];
    let (is_over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut conn = migrate::connect(&world.database.url).expect("the database");
    let work = join_all(clients.iter().map(async |client| {
        while !is_over.load(Relaxed) {
            once(client, &site, &size).await;
            rounds.fetch_add(1, Relaxed);
        }
        // and once more on the schema of later
        once(client, &site, &size).await;
    }));
    let change = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| later_version(&mut conn, &is_over));
    };
    tokio::join!(work, change);
    assert!(rounds.load(Relaxed) >= 3);
    world.settle().await;
    // one of this version that starts now finds its way, migrating or not
    for may_migrate in [false, true] {
        assert!(migrate::prepare(&world.database.url, may_migrate).expect("it fits").is_empty());
    }
    let (server, admin) = world.another_server().await;
    let ann = clients[0].at(server.address);
    once(&ann, &site, &size).await;
    for list in ["listVirtualMachines", "listGpuDevices", "listEvents", "listManagementServers"] {
        admin.ok(list, &[]).await;
    }
    world.settle().await;
}

#[test]
fn who_does_not_know_the_floor_is_refused_and_in_the_way_of_raising_it() {
    let database = fresh_database();
    let mut conn = migrate::connect(&database.url).expect("the database");
    let later = "99990101000000";
    conn.batch_execute(&format!(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('{later}');
         INSERT INTO server (id, name, version, started, heartbeat) VALUES
             ('1', 'old', '0.3.0', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)),
             ('2', 'gone', '0.3.0', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) - INTERVAL 1 HOUR);
         INSERT INTO server (id, name, version, started, heartbeat, newest_step) VALUES
             ('3', 'new', '0.4.0', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), '{later}')"
    ))
    .expect("servers");
    neighbours::make_way(&mut conn, neighbours::FLOOR).expect("nothing is raised");
    let refused = neighbours::make_way(&mut conn, later).expect_err("one still runs").to_string();
    assert!(refused.ends_with("stop old (version 0.3.0) first"), "{refused}");
    conn.batch_execute("DELETE FROM server WHERE id = '1'").expect("it stopped");
    neighbours::make_way(&mut conn, later).expect("nobody is in the way");
    migrate::prepare(&database.url, false).expect("the floor is where it was");
    conn.batch_execute(&format!("UPDATE schema_floor SET step = '{later}'")).expect("raised");
    for may_migrate in [false, true] {
        let refused = migrate::prepare(&database.url, may_migrate).expect_err("too old");
        assert_eq!(
            refused.to_string(),
            format!(
                "this database was written by a newer csgpu (step {later} is unknown here) and is for those who know \
                 step {later}: install that version or a later one"
            )
        );
    }
}
