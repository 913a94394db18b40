//! The cloud that a history happens in: a database that may be killed, servers that may be killed, hosts, accounts.

use super::database::Database;
use crate::world::{Client, Server, api_zone::ApiZone, pace, places::text};
use csgpu::{
    command::secret,
    hypervisor::{
        Connector,
        fake::{FakeConnector, FakeShape},
        libvirt::{LibvirtConnector, LibvirtSettings},
    },
    jobs::hosts,
    store::{Db, migrate, seed},
};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// Which hosts a history has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fleet {
    /// In memory, of several shapes.
    Fake,
    /// Of libvirt's test driver.
    TestDriver,
}

/// Someone who deploys.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub client: Client,
    /// A network of its own.
    pub network: String,
}

/// What can be deployed: a service offering with a GPU offering, and how many devices that gives.
#[derive(Debug, Clone)]
pub struct Size {
    pub words: Vec<(&'static str, String)>,
    pub gpus: usize,
}

/// The cloud.
pub struct Arena {
    servers: Mutex<Vec<Running>>,
    connector: Arc<dyn Connector>,
    /// The hosts in memory; none if the hosts are libvirt's.
    pub fakes: FakeConnector,
    pub zone: ApiZone,
    pub tenants: Vec<Tenant>,
    pub sizes: Vec<Size>,
    /// The administrator.
    pub admin: Client,
    pub begun: Instant,
    /// Operations so far.
    pub done: AtomicU64,
    pub dir: PathBuf,
    /// How many servers were started so far.
    entered: AtomicUsize,
    /// The database; stopped last.
    pub database: Database,
}

/// One server with the keeper of its hosts.
struct Running {
    server: Server,
    keeper: JoinHandle<()>,
}

/// The most GPUs of each tenant at a time.
pub const LIMITS: [(&str, usize); 3] = [("ann", 6), ("bob", 12), ("cat", 40)];

impl Arena {
    /// A cloud with so many servers on this database.
    pub async fn new(database: Database, fleet: Fleet, servers: usize) -> Self {
        let url = database.url(0);
        migrate::prepare(&url, true).expect("a schema");
        let keys = secret::key_pair().expect("randomness");
        let db = Db::open(&url, 2);
        let given = keys.clone();
        db.txn("seed", move |tx| seed::everything(tx, "!", (&given.0, &given.1)))
            .await
            .expect("a seed");
        let dir = database.dir().join("data");
        std::fs::create_dir_all(dir.join("images")).expect("a directory");
        let fakes = FakeConnector::default();
        let connector: Arc<dyn Connector> = match fleet {
            Fleet::Fake => Arc::new(fakes.clone()),
            Fleet::TestDriver => Arc::new(
                LibvirtConnector::new(LibvirtSettings {
                    keys: dir.join("ssh"),
                    scratch: dir.join("run"),
                    simulators: Some(dir.join("hosts")),
                    hook: None,
                })
                .expect("a connector"),
            ),
        };
        let first = run(&url, &connector, &dir).await;
        let admin = Client::new(first.server.address, &keys.0, &keys.1);
        let images = dir.join("images");
        let zone = match fleet {
            Fleet::Fake => {
                let shapes = shapes();
                let count = shapes.len();
                shapes.into_iter().for_each(|shape| drop(fakes.add(shape)));
                ApiZone::build(&admin, &images, "z", "KVM", count, |n| format!("fake://h{n}")).await
            }
            Fleet::TestDriver => {
                let url = |n| format!("http://sim/nvidia-{n}");
                ApiZone::build(&admin, &images, "z", "Simulator", 2, url).await
            }
        };
        let mut arena = Self {
            servers: Mutex::new(vec![first]),
            connector,
            fakes,
            zone,
            tenants: Vec::new(),
            sizes: Vec::new(),
            admin,
            begun: Instant::now(),
            done: AtomicU64::new(0),
            dir,
            entered: AtomicUsize::new(1),
            database,
        };
        arena.furnish().await;
        for _ in 1..servers {
            arena.enter().await;
        }
        arena
    }

    /// Tenants with limits, and offerings of none to four GPUs and of slices.
    async fn furnish(&mut self) {
        for (number, (name, limit)) in LIMITS.into_iter().enumerate() {
            let tenant = self.tenant(number, name, limit).await;
            self.tenants.push(tenant);
        }
        let plain = self.zone.deploy[3].clone();
        self.sizes.push(Size { words: vec![plain.clone()], gpus: 0 });
        let devices = self.admin.ok("listGpuDevices", &[]).await;
        let card = text(&devices["gpudevice"][0]["gpucardid"]);
        let mut kinds = vec![("gpualternatives[0].gpucardid", card, vec![1, 2, 4])];
        let profiles = self.admin.ok("listVgpuProfiles", &[]).await;
        let profiles = profiles["vgpuprofile"].as_array().cloned().unwrap_or_default();
        if let Some(slice) = profiles.iter().find(|profile| profile["name"] == SLICE) {
            kinds.push(("gpualternatives[0].vgpuprofileid", text(&slice["id"]), vec![1, 3]));
        }
        for (key, id, counts) in kinds {
            for count in counts {
                let (name, count_word) = (format!("{count} of {id}"), count.to_string());
                let words = [(key, id.as_str()), ("gpualternatives[0].gpucount", &count_word)];
                let words = [&words[..], &[("name", &name)]].concat();
                let offering = self.admin.ok("createGpuOffering", &words).await;
                let offering = ("gpuofferingid", text(&offering["gpuoffering"]["id"]));
                self.sizes.push(Size { words: vec![plain.clone(), offering], gpus: count });
            }
        }
    }

    async fn tenant(&self, number: usize, name: &str, limit: usize) -> Tenant {
        let account = [
            ("username", name),
            ("password", "a long password"),
            ("firstname", name),
            ("lastname", "of the test"),
            ("email", "somebody@example.org"),
            ("accounttype", "0"),
        ];
        let made = self.admin.ok("createAccount", &account).await;
        let keys = [("id", made["account"]["user"][0]["id"].as_str().expect("a user"))];
        let keys = self.admin.ok("registerUserKeys", &keys).await["userkeys"].clone();
        let client =
            Client::new(self.addresses()[0], &text(&keys["apikey"]), &text(&keys["secretkey"]));
        let domain = text(&made["account"]["domainid"]);
        for (kind, most) in [("16", limit.to_string()), ("0", "1000".to_owned())] {
            let of = [("account", name), ("domainid", domain.as_str())];
            let limit = [("resourcetype", kind), ("max", most.as_str())];
            self.admin.ok("updateResourceLimit", &[&of[..], &limit].concat()).await;
        }
        for kind in ["2", "8", "9", "10"] {
            let of = [("account", name), ("domainid", domain.as_str())];
            let limit = [("resourcetype", kind), ("max", "-1")];
            self.admin.ok("updateResourceLimit", &[&of[..], &limit].concat()).await;
        }
        let offerings = self.admin.ok("listNetworkOfferings", &[("guestiptype", "Isolated")]).await;
        let gateway = format!("10.{}.0.1", 2 + number);
        let network = [
            ("name", name),
            ("zoneid", self.zone.deploy[0].1.as_str()),
            ("networkofferingid", offerings["networkoffering"][0]["id"].as_str().expect("an id")),
            ("gateway", &gateway),
            ("netmask", "255.255.0.0"),
        ];
        let network = text(&client.ok("createNetwork", &network).await["network"]["id"]);
        Tenant { client, network }
    }

    /// Starts one more server.
    pub async fn enter(&self) {
        let number = self.entered.fetch_add(1, Relaxed);
        let running = run(&self.database.url(number), &self.connector, &self.dir).await;
        self.lock().push(running);
    }

    /// Kills the server of this number, at least one of which is left.
    pub fn kill_server(&self, number: usize) {
        let mut servers = self.lock();
        let number = number % servers.len();
        let mut gone = servers.remove(number);
        gone.keeper.abort();
        gone.server.crash();
    }

    /// How many servers there are.
    pub fn servers(&self) -> usize {
        self.lock().len()
    }

    /// Where they listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.lock().iter().map(|running| running.server.address).collect()
    }

    /// How long the history runs.
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Counts an operation.
    pub fn count(&self) {
        self.done.fetch_add(1, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Running>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        while self.servers() > 0 {
            self.kill_server(0);
        }
    }
}

/// The kind of slice of the hosts that can cut their GPUs.
const SLICE: &str = "NVIDIA A100D-10C";

/// Hosts of several shapes: many GPUs, pairs that travel together, GPUs that are cut.
fn shapes() -> Vec<FakeShape> {
    let host = |n: usize| FakeShape::new(format!("h{n}"));
    vec![
        host(0).gpus(8),
        host(1).gpus(8).audio(),
        host(2).gpus(4).gpus_per_group(2),
        host(3).gpus(4).numa(0),
        host(4).gpus(2).slice_type("nvidia-471", SLICE, 4),
        host(5).gpus(2).slice_type("nvidia-471", SLICE, 4),
    ]
}

async fn run(url: &str, connector: &Arc<dyn Connector>, dir: &std::path::Path) -> Running {
    let server = Server::start(url, Arc::clone(connector), dir, pace()).await;
    let pace = hosts::Pace {
        round: Duration::from_millis(500),
        grace: Duration::from_secs(1),
        answer: Duration::from_secs(2),
    };
    let keeper = hosts::start(Arc::clone(&server.wiring), pace);
    Running { server, keeper }
}
