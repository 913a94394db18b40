//! What tests stand on: a cloud of their own, in this process, on a real database, with hosts in memory.

#![allow(
    dead_code,
    unused_imports,
    clippy::allow_attributes,
    reason = "what a later room's tests need may be here first"
)]

pub mod api_zone;
pub mod browser;
pub mod cable;
pub mod client;
pub mod galera;
pub mod invariants;
pub mod many;
pub mod places;
pub mod private;
pub mod rack;
pub mod reader;
pub mod server;
pub mod site;

pub use browser::Browser;
pub use client::{Answer, Client};
use csgpu::{
    command::{Kernel, Nudge, Registry, Settings, Throttle, Wiring, secret},
    commands,
    domain::{Id, id},
    http,
    hypervisor::{Connector, Hosts, fake::FakeConnector},
    jobs,
    store::{self, Db, seed},
};
use server::FreshDatabase;
pub use site::Site;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// A cloud: one database, one or several servers, hosts in memory.
pub struct World {
    /// The first server.
    pub server: Server,
    /// The administrator's client, at the first server.
    pub admin: Client,
    /// The hosts.
    pub fakes: FakeConnector,
    /// Where images and the like are kept.
    pub dir: PathBuf,
    keys: (String, String),
    /// The database; dropped last.
    pub database: FreshDatabase,
}

/// One running server of a cloud.
pub struct Server {
    /// What commands work with.
    pub wiring: Arc<Wiring>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What answers its requests.
    pub kernel: Kernel,
    workers: Option<jobs::Workers>,
    stop: http::Stop,
}

/// What makes a user of this name.
fn person(name: &str) -> [(&'static str, &str); 5] {
    [
        ("username", name),
        ("password", "a long password"),
        ("firstname", name),
        ("lastname", "of the test"),
        ("email", "somebody@example.org"),
    ]
}

/// The pace of tests: a dead server is noticed after two seconds.
pub fn pace() -> jobs::Pace {
    jobs::Pace { workers: 8, lease_seconds: 2, poll: Duration::from_millis(200) }
}

impl World {
    /// A cloud with nothing in it but its administrator.
    pub async fn new() -> Self {
        Self::on(server::fresh_database()).await
    }

    /// The same on this database, which has the schema.
    pub async fn on(database: FreshDatabase) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(&database.name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let keys = secret::key_pair().expect("randomness");
        let db = Db::open(&database.url, 2);
        let (api_key, secret_key) = keys.clone();
        db.txn("seed", move |tx| {
            seed::identity(tx, "!")?;
            store::user::set_keys(tx, seed::ADMIN_USER, &api_key, &secret_key)?;
            Ok(())
        })
        .await
        .expect("a seeded database");
        let fakes = FakeConnector::default();
        let server = Server::start(&database.url, Arc::new(fakes.clone()), &dir, pace()).await;
        let admin = Client::new(server.address, &keys.0, &keys.1);
        Self { server, admin, fakes, dir, keys, database }
    }

    /// One more server on the same database and hosts, and the administrator's client at it.
    pub async fn another_server(&self) -> (Server, Client) {
        self.server_at(&self.database.url).await
    }

    /// The same, at this URL of the database.
    pub async fn server_at(&self, url: &str) -> (Server, Client) {
        let hosts = Arc::new(self.fakes.clone());
        let server = Server::start(url, hosts, &self.dir, pace()).await;
        let client = Client::new(server.address, &self.keys.0, &self.keys.1);
        (server, client)
    }

    /// Restarts the first server with other settings; the administrator's client goes with it.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        self.server.crash();
        let hosts = Arc::new(self.fakes.clone());
        let url = self.database.url.clone();
        self.server = Server::start_with(&url, hosts, &self.dir, pace(), change).await;
        self.admin = Client::new(self.server.address, &self.keys.0, &self.keys.1);
    }

    /// A user of a new account of ROOT, signing with keys of its own.
    pub async fn user(&self, name: &str) -> Client {
        self.member(name, "0", None).await
    }

    /// The id of a new domain, below ROOT if not below another one.
    pub async fn domain(&self, name: &str, above: Option<&str>) -> String {
        let mut words = vec![("name", name)];
        words.extend(above.map(|above| ("parentdomainid", above)));
        let made = self.admin.ok("createDomain", &words).await;
        made["domain"]["id"].as_str().expect("an id").to_owned()
    }

    /// A user of a new account of this type in this domain.
    pub async fn member(&self, name: &str, kind: &str, domain: Option<&str>) -> Client {
        let mut account = person(name).to_vec();
        account.push(("accounttype", kind));
        account.extend(domain.map(|domain| ("domainid", domain)));
        let made = self.admin.ok("createAccount", &account).await;
        self.signing(made["account"]["user"][0]["id"].as_str().expect("a user")).await
    }

    /// One more user of an account of ROOT, with its id.
    pub async fn colleague(&self, account: &str, name: &str) -> (Client, String) {
        let words = [&person(name)[..], &[("account", account)]].concat();
        let made = self.admin.ok("createUser", &words).await;
        let user = made["user"]["id"].as_str().expect("a user").to_owned();
        (self.signing(&user).await, user)
    }

    /// A client with new keys of this user.
    async fn signing(&self, user: &str) -> Client {
        let keys = self.admin.ok("registerUserKeys", &[("id", user)]).await;
        let key = |name: &str| keys["userkeys"][name].as_str().expect("a key").to_owned();
        Client::new(self.server.address, &key("apikey"), &key("secretkey"))
    }

    /// The database, as the first server sees it.
    pub fn db(&self) -> &Db {
        &self.server.wiring.db
    }

    /// What the keeper of the hosts does when a host is back: what it owes is undone.
    pub async fn pay(&self, host: &str) {
        let host = host.parse().expect("a host");
        jobs::call_in(&self.server.wiring, host).await.expect("the database answers");
    }

    /// What every table holds but those that change by themselves: equal before and after means that nothing changed.
    pub fn fingerprint(&self) -> Vec<(String, i64, i64)> {
        use diesel::{
            QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::*,
        };
        #[derive(QueryableByName)]
        struct Name {
            #[diesel(sql_type = Text)]
            name: String,
        }
        #[derive(QueryableByName)]
        struct Sum {
            #[diesel(sql_type = Text)]
            name: String,
            #[diesel(sql_type = BigInt)]
            count: i64,
            #[diesel(sql_type = BigInt)]
            sum: i64,
        }
        invariants::seal(&Db::open(&self.database.url, 1));
        let mut conn = store::migrate::connect(&self.database.url).expect("the database answers");
        // CHECKSUM TABLE would be shorter, but MySQL gives no result columns for it when it is prepared
        conn.batch_execute("SET group_concat_max_len = 1000000").expect("a longer list");
        let columns = "SELECT CONCAT('SELECT ''', table_name, ''' AS name, COUNT(*) AS count, \
             CAST(COALESCE(BIT_XOR(CRC32(CONCAT_WS('','', ', GROUP_CONCAT('IFNULL(QUOTE(`', \
             column_name, '`), 0)' ORDER BY ordinal_position), '))), 0) AS SIGNED) AS sum FROM `', table_name, '`') AS name \
             FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> 'server' \
             GROUP BY table_name ORDER BY table_name";
        let parts: Vec<Name> = sql_query(columns).load(&mut conn).expect("tables");
        let parts: Vec<String> = parts.into_iter().map(|row| row.name).collect();
        let sums: Vec<Sum> = sql_query(parts.join(" UNION ALL ")).load(&mut conn).expect("sums");
        sums.into_iter().map(|row| (row.name, row.count, row.sum)).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.crash();
        let _ = std::fs::remove_dir_all(&self.dir);
        if !std::thread::panicking() {
            self.check_invariants();
        }
    }
}

/// What a server of its own works with.
fn wiring(db: Db, hosts: Arc<Hosts>, settings: Arc<Settings>) -> Wiring {
    Wiring {
        db,
        hosts,
        settings,
        registry: Registry::new(commands::ROOMS),
        fleets: Arc::default(),
        throttle: Throttle::default(),
        nudge: Nudge::default(),
        server: Id::<id::Server>::mint(),
    }
}

impl Server {
    /// Starts a server on a seeded database.
    pub async fn start(
        url: &str,
        connector: Arc<dyn Connector>,
        dir: &std::path::Path,
        pace: jobs::Pace,
    ) -> Self {
        Self::start_with(url, connector, dir, pace, |_| {}).await
    }

    /// Starts a server with other settings.
    pub async fn start_with(
        url: &str,
        connector: Arc<dyn Connector>,
        dir: &std::path::Path,
        pace: jobs::Pace,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings {
            images: dir.join("images"),
            data: dir.to_path_buf(),
            test_hosts: Some(dir.to_path_buf()),
            ..Settings::default()
        };
        change(&mut settings);
        std::fs::create_dir_all(&settings.images).expect("a directory");
        let db = Db::open(url, 12);
        let wiring = Arc::new(wiring(db, Arc::new(Hosts::new(connector)), Arc::new(settings)));
        let me = wiring.server;
        let enter = wiring.db.txn("enter", move |tx| store::server::enter(tx, me, "test", "0"));
        enter.await.expect("the server's row");
        let listen = [SocketAddr::from(([127, 0, 0, 1], 0))];
        let kernel = Kernel::new(Arc::clone(&wiring));
        let server = http::Server::bind(&listen, kernel.clone()).expect("a free port");
        let (address, stop) = (server.addresses()[0], server.stop());
        tokio::spawn(server.run());
        let workers = Some(jobs::start(Arc::clone(&wiring), pace));
        Self { wiring, address, kernel, workers, stop }
    }

    /// Works on no more jobs and sends no heartbeat: what its database counts then are its requests.
    pub fn rest(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.abort();
        }
    }

    /// Ends it in the middle of whatever it does: no lease is given back, no job ended.
    pub fn crash(&mut self) {
        self.rest();
        let stop = self.stop.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { stop.at_once().await });
        }
    }
}
