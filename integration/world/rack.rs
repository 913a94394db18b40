//! Hosts with GPUs in the books, without the commands that add hosts.

use super::World;
use csgpu::{
    command::inventory::{self, Refreshed},
    domain::{
        Id,
        gpu::Pick,
        id,
        machine::{MachineSpec, Told},
    },
    error::Result,
    hypervisor::{
        HostAddress,
        fake::{FakeHost, FakeShape},
    },
    store::{Conn, gpu_claim, limit, migrate, owner::Owner, seed},
};
use diesel::{
    QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text,
};
use uuid::Uuid;

/// A fake host that is in the books.
#[derive(Debug, Clone)]
pub struct Rack {
    /// Its id.
    pub id: Id<id::Host>,
    /// Its zone.
    pub zone: Id<id::Zone>,
    /// What it is underneath.
    pub fake: FakeHost,
}

impl World {
    /// A host of this shape: in the books, connected, its devices not yet discovered.
    pub async fn bare_rack(&self, shape: FakeShape) -> Rack {
        let fake = self.fakes.add(shape);
        let (id, zone) = (Id::<id::Host>::mint(), Id::<id::Zone>::mint());
        let (name, uri) = (fake.name(), fake.uri());
        let text = format!(
            "INSERT INTO host (id, zone_id, pod_id, cluster_id, name, hypervisor, uri, identity, ip_address, state,
                resource_state, version, arch, cpus, mhz, sockets, memory, domain_type, iommu)
            VALUES ('{id}', '{zone}', '{zone}', '{zone}', '{name}', 'KVM', '{uri}', '{name}', '10.0.0.1', 'Up',
                'Enabled', '7.2.0', 'x86_64', 64, 2000, 2, 549755813888, 'kvm', 1)"
        );
        self.run(&text).await;
        let address = HostAddress { host: id, name, uri, host_key: None };
        let host = self.server.wiring.hosts.ensure_open(&address).expect("a fake host opens");
        let facts = host.probe().await.expect("a fake host answers");
        let told = Told { nodes: facts.nodes, firmware: Some(facts.firmware), pages: facts.pages };
        self.run(&format!(
            "UPDATE host SET cpus = {}, memory = {}, told = '{}' WHERE id = '{id}'",
            facts.cpus,
            facts.memory,
            told.text().expect("a text")
        ))
        .await;
        Rack { id, zone, fake }
    }

    /// A host of this shape with its devices in the books.
    pub async fn rack(&self, shape: FakeShape) -> Rack {
        let rack = self.bare_rack(shape).await;
        self.look(&rack).await.expect("a fake host answers");
        rack
    }

    /// Looks at a host's devices.
    pub async fn look(&self, rack: &Rack) -> Result<Refreshed> {
        inventory::refresh(&self.server.wiring, rack.id).await
    }

    /// The ids of a host's devices that are alive, by address.
    pub async fn devices(&self, rack: &Rack) -> Vec<Id<id::GpuDevice>> {
        let host = rack.id;
        let text = format!(
            "SELECT id AS text FROM gpu_device WHERE host_id = '{host}' AND alive = 1 ORDER BY address"
        );
        let rows = self.texts(&text).await;
        rows.iter().map(|text| text.parse().expect("an id")).collect()
    }

    /// Claims devices for a new instance of the administrator's account, which is nothing but a row.
    pub async fn claim(&self, rack: &Rack, picks: &[Pick]) -> Result<Id<id::Vm>> {
        self.claim_for("admin", rack, picks).await
    }

    /// Claims devices for a new instance of this account.
    pub async fn claim_for(
        &self,
        account: &str,
        rack: &Rack,
        picks: &[Pick],
    ) -> Result<Id<id::Vm>> {
        let vm = Id::<id::Vm>::mint();
        let (template, name) = (Id::<id::Template>::mint(), format!("i-2-{}-VM", vm));
        self.run(&format!(
            "INSERT INTO vm (id, account_id, domain_id, user_id, zone_id, template_id, offering_id, name, display_name,
                instance_name, state, cpu_number, cpu_speed, memory_mib, gpu_display, hypervisor, is_displayed)
            SELECT '{vm}', a.id, a.domain_id, a.id, '{}', '{template}', '{template}', 'x', 'x', '{name}', 'Stopped', 1, 1,
                1, 0, 'KVM', 1 FROM account a WHERE a.name = '{account}'",
            rack.zone
        ))
        .await;
        self.run(&format!(
            "UPDATE resource_count SET used = used + 1 WHERE kind IN (0, 8, 9) AND owner_id =
                (SELECT id FROM account WHERE name = '{account}')"
        ))
        .await;
        let query = format!("SELECT id AS text FROM account WHERE name = '{account}'");
        let account = self.texts(&query).await[0].parse().expect("an account");
        let (host, picks) = (rack.id, picks.to_vec());
        let claim = move |tx: &mut csgpu::store::Tx<'_>| {
            let host = gpu_claim::lock_host(tx, host)?;
            gpu_claim::claim(tx, &host, vm, &picks)?;
            let owner = Owner { account, domain: seed::ROOT_DOMAIN };
            limit::charge(tx, owner, &limit::bill_of_gpus(vm, picks.len()))
        };
        self.db().txn("claim", claim).await.map(|()| vm)
    }

    /// Runs a statement.
    pub async fn run(&self, text: &str) {
        let (url, text) = (self.database.url.clone(), text.to_owned());
        let run = move || migrate::connect(&url).expect("the database").batch_execute(&text);
        tokio::task::spawn_blocking(run).await.expect("it ends").expect("a statement");
    }

    /// The texts that a query gives in its column `text`.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let query = query.to_owned();
        let work = move |conn: &mut Conn| Ok(sql_query(query.clone()).load::<Row>(conn)?);
        let rows = self.db().read(work).await.expect("a query");
        rows.into_iter().map(|row| row.text).collect()
    }
}

/// A machine of no size with these devices.
pub fn machine(uuid: Uuid, devices: Vec<csgpu::domain::machine::DeviceRef>) -> MachineSpec {
    MachineSpec {
        uuid,
        name: format!("domain-{uuid}"),
        vcpus: 1,
        memory: 1 << 30,
        disks: Vec::new(),
        seed: None,
        nics: Vec::new(),
        devices,
        display: false,
        ..MachineSpec::default()
    }
}
