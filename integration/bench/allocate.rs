//! How many allocations a second are committed to a database that flushes every commit, and how soon a device that was
//! given back can be given away again.

use super::{
    cloud::{Cloud, Scratch},
    report::{Figure, percentile},
};
use crate::world::api_zone::ApiZone;
use csgpu::{
    domain::{
        Id,
        gpu::Pick,
        id,
        identity::RoleType,
        machine::Proof,
        placement::{Demand, Mix, NumaPolicy},
        vm::VmState,
    },
    error::{Error, Result},
    hypervisor::ExpectedDevice,
    local_db::{Durability, LocalDb},
    store::{
        Conn, Db, Tx,
        fleet::{Fleets, ZoneFleet},
        gpu_claim, gpu_held, limit, migrate,
        owner::Owner,
        placement::{self, Depth},
        seed, vm,
    },
};
use diesel::{ExpressionMethods, RunQueryDsl, connection::SimpleConnection, sql_query};
use std::{fmt::Write as _, sync::Arc, time::Instant};
use tokio::runtime::Runtime;

/// Clients at a time.
const CLIENTS: usize = 16;
/// Hosts, of 8 GPUs each.
const HOSTS: usize = 4000;
/// GPUs of each allocation, on one NUMA node.
const GPUS: u32 = 2;
/// Allocations of each client.
const EACH: usize = 500;
/// Devices that go through a whole release.
const RELEASES: usize = 100;

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    let scratch = Scratch::new("allocate");
    let database = LocalDb::start(&scratch.0.join("db"), Durability::Full).expect("a database");
    let url = database.url("csgpu");
    migrate::prepare(&url, true).expect("a schema");
    let zone = fill(&url);
    let db = Db::open(&url, CLIENTS as u32);
    let owners = owners(&db);
    let make = "CREATE TABLE bare (id CHAR(36) NOT NULL PRIMARY KEY) ENGINE=InnoDB";
    db.read_blocking(|conn| Ok(conn.batch_execute(make)?)).expect("a table");
    let before = bare(&db);
    let allocations = allocate(&db, zone, &owners);
    let commits = f64::midpoint(before, bare(&db));
    check(&db);
    drop(database);
    let release = Runtime::new().map(|runtime| release(&runtime)).expect("a runtime");
    vec![
        Figure::new("allocate_durable", allocations, "1/s").beside("bare_commit", commits),
        Figure::new("release_to_reuse", release, "ms").beside(super::report::AIM, 50.0),
    ]
}

/// Runs `work` on every client at once; how often a second it was done.
fn rate(each: usize, work: impl Fn(usize) + Sync) -> f64 {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let work = &work;
            scope.spawn(move || (0..each).for_each(|_| work(client)));
        }
    });
    (CLIENTS * each) as f64 / begun.elapsed().as_secs_f64()
}

/// Inserts of one row, each its own transaction.
fn bare(db: &Db) -> f64 {
    diesel::table! { bare (id) { id -> Text } }
    // prepared once for each connection
    let insert = |conn: &mut Conn| {
        let row = bare::id.eq(Id::<id::Vm>::mint().to_string());
        Ok(diesel::insert_into(bare::table).values(row).execute(conn)?)
    };
    let work = |_| assert_eq!(db.read_blocking(insert).expect("a commit"), 1);
    rate(20, work); // connections
    rate(2 * EACH, work)
}

/// An account for each client, without limits but with counts.
fn owners(db: &Db) -> Vec<Owner> {
    db.txn_blocking("owners", |tx| seed::identity(tx, "!")).expect("a seed");
    let enter = |tx: &mut Tx<'_>| {
        let owner = Owner { account: Id::mint(), domain: seed::ROOT_DOMAIN };
        limit::enter_account(tx, owner.account, RoleType::Admin)?;
        Ok(owner)
    };
    (0..CLIENTS).map(|_| db.txn_blocking("owner", enter).expect("an owner")).collect()
}

/// What a deploy reserves in its transaction: host, instance, devices, the owner's counts; and the choice before it.
fn allocate(db: &Db, zone: Id<id::Zone>, owners: &[Owner]) -> f64 {
    let fleet = Fleets::default().of(zone, Mix::default());
    db.read_blocking(|conn| fleet.look(conn)).expect("hosts");
    let profile =
        fleet.ask(|fleet| fleet.hosts().next().map(|host| host.devices[0].standing.profile));
    let mut demand = super::packing::demand(GPUS as usize);
    demand.numa = NumaPolicy::Required;
    demand.alternatives[0].profile = profile.expect("a device");
    (demand.vcpus, demand.mhz, demand.memory) = (1, 1, 1 << 20);
    let (sent, before) = (db.statements(), prepared(db));
    let rate = rate(EACH, |client| {
        let work = |tx: &mut Tx<'_>| reserve(tx, &fleet, &demand, owners[client]);
        db.txn_blocking("allocate", work).expect("a commit");
    });
    let statements = (db.statements() - sent) as f64 / (CLIENTS * EACH) as f64;
    let anew = (prepared(db) - before) as f64 / (CLIENTS * EACH) as f64;
    eprintln!("statements of an allocation: {statements:.2}, prepared anew: {anew:.3}");
    assert!(anew < 0.1, "each statement is prepared once for each connection: {anew}");
    rate
}

/// How many statements the database has prepared so far.
fn prepared(db: &Db) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        value: String,
    }
    let query = "SELECT VARIABLE_VALUE AS value FROM information_schema.GLOBAL_STATUS \
        WHERE VARIABLE_NAME = 'COM_STMT_PREPARE'";
    let row: Row =
        db.read_blocking(|conn| Ok(sql_query(query).get_result(conn)?)).expect("a count");
    row.value.parse().expect("a number")
}

fn reserve(tx: &mut Tx<'_>, fleet: &Arc<ZoneFleet>, demand: &Demand, owner: Owner) -> Result<()> {
    fleet.look(tx)?;
    let offer = fleet.offer(demand).ok_or(Error::LostRace("host"))?;
    let Some(host) = gpu_claim::seize(tx, offer.choice().host, offer.generation)? else {
        offer.refuse();
        return Err(Error::LostRace("host"));
    };
    let vm = instance(owner, host.id);
    vm::insert(tx, &vm)?;
    let picks = &offer.choice().picks;
    let memory = gpu_claim::claim_seen(tx, &host, (vm.id, owner), picks, &offer.seen)?;
    let mut bill = limit::bill_of_vm(vm.cpu_number, vm.memory_mib);
    bill.extend(limit::bill_of_known_gpus(picks.len(), memory));
    limit::charge(tx, owner, &bill)?;
    offer.accept(tx, demand);
    Ok(())
}

fn instance(owner: Owner, host: Id<id::Host>) -> vm::New {
    let id = Id::<id::Vm>::mint();
    vm::New {
        id,
        account_id: owner.account,
        domain_id: owner.domain,
        user_id: seed::ADMIN_USER,
        zone_id: Id::mint(),
        host_id: Some(host),
        pool_id: None,
        template_id: Id::mint(),
        offering_id: Id::mint(),
        gpu_offering_id: None,
        name: id.to_string(),
        display_name: id.to_string(),
        instance_name: id.to_string(),
        state: VmState::Starting,
        cpu_number: 1,
        cpu_speed: 1,
        memory_mib: 1,
        demand: None,
        decision: None,
        limit_tags: None,
        gpu_display: false,
        user_data: None,
        key_pairs: None,
        hypervisor: "KVM".to_owned(),
        is_displayed: true,
    }
}

/// Nothing was given twice, and every pair sits on one node.
fn check(db: &Db) {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        devices: i64,
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        pairs: i64,
    }
    let query = "SELECT COUNT(*) AS `rows`, COUNT(DISTINCT a.device_id) AS devices, \
        COUNT(DISTINCT a.vm_id, d.numa_node) AS pairs FROM gpu_allocation a JOIN gpu_device d ON d.id = a.device_id";
    let row: Row = db.read_blocking(|conn| Ok(sql_query(query).get_result(conn)?)).expect("counts");
    let all = (CLIENTS * EACH) as i64;
    assert_eq!((row.rows, row.devices, row.pairs), (2 * all, 2 * all, all));
}

/// Hosts that nobody looks at: two nodes of four GPUs each.
fn fill(url: &str) -> Id<id::Zone> {
    let mut conn: Conn = migrate::connect(url).expect("the database");
    let zone = Id::<id::Zone>::mint();
    let (card, profile) = (Id::<id::GpuCard>::mint(), Id::<id::VgpuProfile>::mint());
    let text = format!(
        "INSERT INTO gpu_card (id, vendor_id, device_id, vendor_name, device_name, name) VALUES ('{card}', 'ffff', 'fff0', 'V', 'C', 'V C');
         INSERT INTO vgpu_profile (id, card_id, name, kind) VALUES ('{profile}', '{card}', 'passthrough', 'Passthrough');"
    );
    conn.batch_execute(&text).expect("a card");
    for first in (0..HOSTS).step_by(250) {
        let (mut hosts, mut devices) = (String::new(), String::new());
        for number in first..first + 250 {
            let (host, comma) = (Id::<id::Host>::mint(), if number == first { "" } else { "," });
            write!(hosts, "{comma}('{host}', '{zone}', '{zone}', '{zone}', 'h{number}', 'KVM', 'fake://h{number}', 'h{number}', '10.0.0.1', 'Up', 'Enabled', '1', 'x86_64', 64, 2000, 2, 549755813888, 'kvm', 1)").expect("text");
            for gpu in 0..8 {
                let (id, comma) = (Id::<id::GpuDevice>::mint(), if gpu == 0 { comma } else { "," });
                let address = format!("0000:{:02x}:00.0", 16 + gpu);
                let (node, switch) = (gpu / 4, format!("0000:{:02x}:00.0", 1 + gpu / 2));
                write!(devices, "{comma}('{id}', '{host}', '{card}', '{profile}', '{address}', 'PCI', '{address}', {node}, '{switch}', 'Managed', 'Ok', 1)").expect("text");
            }
        }
        let text = format!(
            "INSERT INTO host (id, zone_id, pod_id, cluster_id, name, hypervisor, uri, identity, ip_address, state, resource_state, version, arch, cpus, mhz, sockets, memory, domain_type, iommu) VALUES {hosts};
             INSERT INTO gpu_device (id, host_id, card_id, profile_id, address, device_type, carrier, numa_node, pci_switch, managed, health, is_ready) VALUES {devices};"
        );
        conn.batch_execute(&text).expect("hosts in the books");
    }
    conn.batch_execute("ANALYZE TABLE host, gpu_device").expect("statistics");
    zone
}

/// From the word that a device is given back until somebody else has it: release, proof on a fake host, claim. The median.
fn release(runtime: &Runtime) -> f64 {
    let cloud = Cloud::new(runtime);
    runtime.block_on(async {
        let images = cloud.scratch.0.join("images");
        let url = |n| format!("fake://h{n}");
        let rack = ApiZone::build(&cloud.admin, &images, "fake", "KVM", 1, url).await;
        let host: Id<id::Host> = rack.hosts[0].parse().expect("a host");
        let wiring = &cloud.server.wiring;
        let zone = rack.params()[0].1.parse().expect("a zone");
        let spots =
            wiring.db.read(move |conn| placement::candidates(conn, zone, None, Depth::Devices));
        let pick = spots.await.expect("a host")[0].candidate.devices[0].standing.id;
        let owner = Owner { account: seed::ADMIN_ACCOUNT, domain: seed::ROOT_DOMAIN };
        let claim = move |id: Id<id::Vm>| {
            move |tx: &mut Tx<'_>| {
                let host = gpu_claim::lock_host(tx, host)?;
                vm::insert(tx, &vm::New { id, ..instance(owner, host.id) })?;
                gpu_claim::claim(tx, &host, id, &[Pick::Device(pick)])?;
                limit::charge(tx, owner, &limit::bill_of_gpus(id, 1))?;
                gpu_claim::confirm(tx, id)
            }
        };
        let mut holder = Id::<id::Vm>::mint();
        wiring.db.txn("claim", claim(holder)).await.expect("a device");
        let driver = wiring.hosts.at(host).expect("a host that is connected");
        let mut times = Vec::new();
        for _ in 0..RELEASES {
            let (vm, next) = (holder, Id::<id::Vm>::mint());
            let begun = Instant::now();
            wiring.db.txn("release", move |tx| gpu_claim::begin_release(tx, vm)).await.expect("it");
            let held = wiring.db.read(move |conn| gpu_held::held_by(conn, vm)).await.expect("it");
            let it = &held[0];
            let expected = ExpectedDevice {
                vendor_id: it.vendor_id,
                device_id: it.device_id,
                driver: it.driver.clone(),
            };
            let proof = driver.prove_clean(&it.reference, &expected).await.expect("a proof");
            assert_eq!(proof, Proof::Clean);
            let proofs = vec![(it.device, proof)];
            let finish = move |tx: &mut Tx<'_>| gpu_claim::finish_release(tx, vm, &proofs);
            wiring.db.txn("release", finish).await.expect("it is free");
            wiring.db.txn("claim", claim(next)).await.expect("it is somebody else's");
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            holder = next;
        }
        percentile(&mut times, 0.5)
    })
}
