//! Clouds to measure: a database that keeps what is committed, a server in this process, hosts in memory.

use crate::world::{self, Client, Server};
use csgpu::{
    command::secret,
    hypervisor::{
        AnyConnector,
        fake::FakeConnector,
        libvirt::{LibvirtConnector, LibvirtSettings},
    },
    jobs::{Pace, hosts},
    local_db::{Durability, LocalDb},
    store::{Conn, Db, migrate, seed},
};
use diesel::connection::SimpleConnection;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A directory that is gone afterwards.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// A new one.
    pub fn new(name: &str) -> Self {
        let below = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        let dir = below.join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A cloud of one server.
pub struct Cloud {
    /// The server, in this process.
    pub server: Server,
    /// The administrator.
    pub admin: Client,
    /// The keeper of its hosts, once it was asked for.
    keeper: Option<tokio::task::JoinHandle<()>>,
    /// The administrator's keys.
    keys: (String, String),
    /// The database's URL.
    pub url: String,
    /// The database itself.
    pub database: LocalDb,
    /// Where everything is.
    pub scratch: Scratch,
}

impl Cloud {
    /// A new cloud. To be called on the main thread: the database ends with the thread that starts it.
    pub fn new(runtime: &tokio::runtime::Runtime) -> Self {
        let scratch = Scratch::new("cloud");
        let database = LocalDb::start(&scratch.0.join("db"), Durability::Full).expect("a database");
        let url = database.url("csgpu");
        migrate::prepare(&url, true).expect("a schema");
        let keys = secret::key_pair().expect("randomness");
        let given = keys.clone();
        Db::open(&url, 2)
            .txn_blocking("seed", |tx| seed::everything(tx, "!", (&given.0, &given.1)))
            .expect("a seed");
        let libvirt = LibvirtConnector::new(LibvirtSettings {
            keys: scratch.0.join("ssh"),
            scratch: scratch.0.join("run"),
            simulators: Some(scratch.0.join("hosts")),
            hook: None,
        });
        let hosts = AnyConnector {
            fake: Some(FakeConnector::default()),
            libvirt: libvirt.expect("a connector"),
        };
        let start = Server::start(&url, Arc::new(hosts), &scratch.0, Pace::default());
        let server = runtime.block_on(start);
        let admin = Client::new(server.address, &keys.0, &keys.1);
        Self { server, admin, keeper: None, keys, url, database, scratch }
    }

    /// Keeps its hosts as the program does.
    pub fn keep(mut self, runtime: &tokio::runtime::Runtime) -> Self {
        let _inside = runtime.enter();
        let wiring = Arc::clone(&self.server.wiring);
        self.keeper = Some(hosts::start(wiring, hosts::Pace::default()));
        self
    }

    /// One more server of this cloud, which answers and leaves the jobs to the first one; and a client of it.
    pub async fn server_without_workers(&self) -> (Server, Client) {
        let pace = Pace { workers: 0, ..Pace::default() };
        let hosts = Arc::new(FakeConnector::default());
        let server = Server::start(&self.url, hosts, &self.scratch.0, pace).await;
        let client = Client::new(server.address, &self.keys.0, &self.keys.1);
        (server, client)
    }

    /// The path of a signed request.
    pub fn path(&self, command: &str, params: &[(&str, &str)]) -> String {
        let words = self.admin.signed(command, params);
        format!("/client/api?{}", world::client::query(&words))
    }

    /// How many statements were sent so far.
    pub fn statements(&self) -> u64 {
        self.server.wiring.db.statements()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
        self.server.rest();
    }
}

/// The URL of the private database of a running program.
pub fn private_url(data: &Path) -> String {
    let socket = data.join("database/db.sock").display().to_string().replace('/', "%2F");
    format!("mysql://root@localhost/csgpu?unix_socket={socket}")
}

/// The devices of one host: GPUs cut as finely as they can be.
const PER_HOST: usize = 64;

/// Puts devices into the books, on hosts that cannot be opened, so that nobody compares them with anything.
pub fn fill(url: &str, devices: usize) {
    let mut conn: Conn = migrate::connect(url).expect("the database");
    let id = |kind: u32, number: usize| format!("0192f000-{kind:04x}-7000-8000-{number:012x}");
    let (zone, pod, cluster) = (id(1, 0), id(2, 0), id(3, 0));
    let (card, profile) = (id(4, 0), id(5, 0));
    let mut text = format!(
        "INSERT INTO zone (id, name, dns1, internal_dns1, network_type, allocation_state) VALUES ('{zone}', 'z', '9.9.9.9', '9.9.9.9', 'Advanced', 'Enabled');
         INSERT INTO pod (id, zone_id, name, gateway, netmask, start_ip, allocation_state) VALUES ('{pod}', '{zone}', 'p', '10.0.0.1', '255.0.0.0', '10.0.0.2', 'Enabled');
         INSERT INTO cluster (id, zone_id, pod_id, name, hypervisor, allocation_state) VALUES ('{cluster}', '{zone}', '{pod}', 'c', 'KVM', 'Enabled');
         INSERT INTO gpu_card (id, vendor_id, device_id, vendor_name, device_name, name) VALUES ('{card}', 'ffff', 'fff0', 'Vendor', 'A card', 'A card');
         INSERT INTO vgpu_profile (id, card_id, name, kind, video_ram) VALUES ('{profile}', '{card}', 'passthrough', 'Passthrough', 81920);"
    );
    let hosts: Vec<String> = (0..devices.div_ceil(PER_HOST))
        .map(|n| {
            format!(
                "('{}', '{zone}', '{pod}', '{cluster}', 'host-{n}', 'KVM', 'fake://host-{n}', 'host-{n}', '10.0.0.1', 'Up', 'Enabled', '7.2.0', 'x86_64', 64, 2000, 2, 549755813888, 'kvm', 1)",
                id(6, n)
            )
        })
        .collect();
    write!(
        text,
        "INSERT INTO host (id, zone_id, pod_id, cluster_id, name, hypervisor, uri, identity, ip_address, state, resource_state, version, arch, cpus, mhz, sockets, memory, domain_type, iommu) VALUES {};",
        hosts.join(",")
    )
    .expect("text");
    conn.batch_execute(&text).expect("hosts in the books");
    let all: Vec<usize> = (0..devices).collect();
    for part in all.chunks(2000) {
        let rows: Vec<String> = part
            .iter()
            .map(|n| {
                let (host, at) = (n / PER_HOST, n % PER_HOST);
                format!(
                    "('{}', '{}', '{card}', '{profile}', '0000:{:02x}:00.0', 'PCI', 'Pci', {}, 'Managed', 'Ok', 1)",
                    id(7, *n),
                    id(6, host),
                    at + 16,
                    at / (PER_HOST / 2)
                )
            })
            .collect();
        let text = format!(
            "INSERT INTO gpu_device (id, host_id, card_id, profile_id, address, device_type, carrier, numa_node, managed, health, is_ready) VALUES {}",
            rows.join(",")
        );
        conn.batch_execute(&text).expect("devices in the books");
    }
    conn.batch_execute("ANALYZE TABLE host, gpu_device").expect("statistics");
}
