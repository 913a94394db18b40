//! Three database servers that are one Galera cluster, each of which may be killed and started again.

use csgpu::{
    local_db::{Durability, LocalDb},
    store::migrate,
};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use std::{
    collections::BTreeSet,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Debian's galera-4.
const PROVIDER: &str = "/usr/lib/galera/libgalera_smm.so";
/// How long a node may take to be part of the cluster.
const PATIENCE: Duration = Duration::from_secs(60);
/// Notices a dead node after a second instead of five.
const FAST: &str = "gcache.size=64M;evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.3S;\
    evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S;evs.install_timeout=PT3S";

/// Does not take a busy node for a dead one.
const CALM: &str = "gcache.size=64M";

/// A cluster; its processes end with the thread that started them.
pub struct Galera {
    dir: PathBuf,
    nodes: Vec<Node>,
    options: &'static str,
}

struct Node {
    dir: PathBuf,
    port: u16,
    changes_port: u16,
    process: Mutex<Option<Child>>,
}

impl Galera {
    /// Creates and starts three nodes below `target/tmp`.
    pub fn start(name: &str) -> Self {
        Self::with(name, FAST)
    }

    /// The same, of nodes that nobody kills.
    pub fn start_calm(name: &str) -> Self {
        Self::with(name, CALM)
    }

    fn with(name: &str, options: &'static str) -> Self {
        let dir = format!("{}-{name}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(dir);
        assert!(Path::new(PROVIDER).exists(), "{PROVIDER} is missing: scripts/packages test");
        let ports = free_ports();
        let node = |n: usize| Node {
            dir: dir.join(n.to_string()),
            port: ports[2 * n],
            changes_port: ports[2 * n + 1],
            process: Mutex::default(),
        };
        let cluster = Self { nodes: (0..3).map(node).collect(), dir, options };
        let first = cluster.nodes[0].dir.clone();
        drop(LocalDb::start(&first, Durability::None).expect("a database"));
        // all nodes begin as copies of one that has been a cluster by itself
        cluster.run(0, &["--wsrep-new-cluster"]);
        cluster.stop(0);
        for n in 1..3 {
            let copied =
                Command::new("cp").arg("-a").args([&first, &cluster.nodes[n].dir]).status();
            assert!(copied.expect("cp").success());
            for of_the_first in ["gvwstate.dat", "galera.cache"] {
                let _ = std::fs::remove_file(cluster.nodes[n].dir.join("data").join(of_the_first));
            }
        }
        cluster.run(0, &["--wsrep-new-cluster"]);
        cluster.run(1, &[]);
        cluster.run(2, &[]);
        cluster
    }

    /// Where everything is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The URL of a database, at the node of this number (any number will do).
    pub fn url(&self, node: usize, database: &str) -> String {
        let socket = self.nodes[node % 3].dir.join("db.sock").display().to_string();
        format!("mysql://root@localhost/{database}?unix_socket={}", socket.replace('/', "%2F"))
    }

    /// Ends a node as a crash would.
    pub fn kill(&self, node: usize) {
        let mut process = self.nodes[node].lock();
        let mut child = process.take().expect("it runs");
        child.kill().expect("a process of our own");
        child.wait().expect("its end");
    }

    /// Starts a node that was killed: it gets what it missed from the others.
    pub fn restart(&self, node: usize) {
        let log = self.nodes[node].dir.join("recover.log");
        let _ = std::fs::remove_file(&log);
        let to = format!("--log-error={}", log.display());
        let done = self.command(node, &["--wsrep-recover", &to]).status();
        assert!(done.expect("mariadbd").success());
        let log = std::fs::read_to_string(log).expect("what it says");
        let position = log.lines().find_map(|line| line.split_once("Recovered position: "));
        let position = position.expect("a position").1.trim();
        self.run(node, &[&format!("--wsrep-start-position={position}")]);
    }

    /// Lines of this query that one node has and another one has not, for as long as somebody looks: what is only on its way
    /// from one to the other is the same soon.
    pub fn differences(&self, database: &str, query: &str) -> Vec<String> {
        let mut left: Option<BTreeSet<String>> = None;
        for _ in 0..40 {
            let all: Vec<_> = (0..3).map(|n| lines(&self.url(n, database), query)).collect();
            let seen = all.iter().enumerate().flat_map(|(n, here)| {
                let others = all.iter().flat_map(|there| here.difference(there));
                others.map(move |line| format!("only node {n} has: {line}"))
            });
            let seen: BTreeSet<String> = seen.collect();
            let still = left.map_or_else(|| seen.clone(), |left| &left & &seen);
            if still.is_empty() {
                return Vec::new();
            }
            left = Some(still);
            std::thread::park_timeout(Duration::from_millis(250));
        }
        left.into_iter().flatten().collect()
    }

    fn stop(&self, node: usize) {
        let mut child = self.nodes[node].lock().take().expect("it runs");
        let asked = Command::new("kill").arg(child.id().to_string()).status();
        assert!(asked.expect("kill").success());
        child.wait().expect("its end");
    }

    /// Starts a node and waits until it serves.
    fn run(&self, node: usize, more: &[&str]) {
        let _ = std::fs::remove_file(self.nodes[node].dir.join("db.sock"));
        let mut child = self.command(node, more).spawn().expect("mariadbd");
        let end = Instant::now() + PATIENCE;
        while !is_ready(&self.url(node, "mysql")) {
            let log = self.nodes[node].dir.join("db.log");
            let ended = child.try_wait().expect("a process of our own");
            assert!(ended.is_none(), "node {node} ended, see {}", log.display());
            assert!(Instant::now() < end, "node {node} is not ready, see {}", log.display());
            std::thread::park_timeout(Duration::from_millis(50));
        }
        *self.nodes[node].lock() = Some(child);
    }

    fn command(&self, number: usize, more: &[&str]) -> Command {
        let node = &self.nodes[number];
        let (dir, port) = (node.dir.display(), node.port);
        let all: Vec<String> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let here = format!(
            "base_host=127.0.0.1;base_port={port};gmcast.listen_addr=tcp://127.0.0.1:{port};\
             ist.recv_addr=127.0.0.1:{}",
            node.changes_port
        );
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("integration/world");
        let path = format!("{}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", scripts.display());
        // the processes are not to outlive a test that is killed
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "mariadbd", "--no-defaults", "--user=root"]);
        command.args([
            format!("--datadir={dir}/data"),
            format!("--tmpdir={dir}/tmp"),
            format!("--socket={dir}/db.sock"),
            format!("--pid-file={dir}/db.pid"),
            format!("--log-error={dir}/db.log"),
            format!("--wsrep-provider={PROVIDER}"),
            format!("--wsrep-cluster-address=gcomm://{}", all.join(",")),
            format!("--wsrep-node-address=127.0.0.1:{port}"),
            format!("--wsrep-node-name=n{number}"),
            format!("--wsrep-provider-options={here};{}", self.options),
        ]);
        command.args(["--skip-networking", "--skip-name-resolve", "--max-connections=500"]);
        command.args(["--transaction-isolation=READ-COMMITTED", "--default-time-zone=+00:00"]);
        command.args(["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=64M"]);
        command.args(["--binlog-format=ROW", "--innodb-autoinc-lock-mode=2"]);
        // what a node forgets when it is killed, the others still know
        command.arg("--innodb-flush-log-at-trx-commit=0");
        command.args(["--wsrep-on=ON", "--wsrep-cluster-name=test"]);
        command.arg("--wsrep-sst-method=handover");
        command.args(more).env("PATH", path).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Node {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Galera {
    fn drop(&mut self) {
        for node in &self.nodes {
            if let Some(mut child) = node.lock().take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Six ports that nobody uses.
fn free_ports() -> Vec<u16> {
    let listeners: Vec<_> =
        (0..6).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    listeners.iter().map(|it| it.local_addr().expect("its address").port()).collect()
}

/// The column `line` of a query's rows.
pub fn lines(url: &str, query: &str) -> BTreeSet<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let mut conn = migrate::connect(url).expect("a node answers");
    let rows: Vec<Line> = sql_query(query).load(&mut conn).expect("an answer");
    rows.into_iter().map(|row| row.line).collect()
}

fn is_ready(url: &str) -> bool {
    #[derive(QueryableByName)]
    struct Status {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let query = "SELECT variable_value AS value FROM information_schema.global_status
        WHERE variable_name = 'wsrep_ready'";
    let Ok(mut conn) = migrate::connect(url) else { return false };
    sql_query(query).get_result::<Status>(&mut conn).is_ok_and(|status| status.value == "ON")
}
