//! Who held which GPU: every step once, in order, sealed; whatever is changed or removed afterwards shows.

use crate::world::{
    World,
    invariants::seal,
    rack::Rack,
    site::{Site, instance},
};
use csgpu::{
    hypervisor::fake::FakeShape,
    service::usage::verify,
    store::{Tx, gpu_claim, gpu_history, migrate},
};
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use serde_json::Value;

/// What the list says of a device.
async fn history(world: &World, device: &str, more: &[(&str, &str)]) -> Vec<Value> {
    let words = [&[("gpudeviceid", device)], more].concat();
    let found = world.admin.ok("listGpuDeviceHistory", &words).await;
    let rows = found["gpudevicehistory"].as_array().cloned().unwrap_or_default();
    assert_eq!(found["count"].as_u64().unwrap_or(0), rows.len() as u64, "{found}");
    rows
}

/// So many holders of the only device, one after the other.
async fn holders(world: &World, rack: &Rack, count: usize) {
    let device = world.devices(rack).await[0];
    for _ in 0..count {
        let vm =
            world.claim(rack, &[csgpu::domain::gpu::Pick::Device(device)]).await.expect("free");
        let release = move |tx: &mut Tx<'_>| {
            gpu_claim::confirm(tx, vm)?;
            gpu_claim::begin_release(tx, vm)?;
            gpu_claim::finish_release(tx, vm, &[(device, csgpu::domain::machine::Proof::Clean)])
        };
        world.db().txn("release", release).await.expect("released");
    }
}

#[actix_web::test]
async fn a_device_tells_who_held_it_from_when_until_when_and_why() {
    let world = World::new().await;
    let site: Site = world.site([FakeShape::new("h").gpus(1)]).await;
    let (joe, device) =
        (world.user("joe").await, world.devices(&site.racks[0]).await[0].to_string());
    let size = world.size("one", 1).await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.extend([("networkids", &*site.bridge), ("name", "alpha")]);
    assert!(history(&world, &device, &[]).await.is_empty());
    let vm = instance(&joe.call_async("deployVirtualMachine", &words).await);
    let id = vm["id"].as_str().expect("an id");
    let rows = history(&world, &device, &[]).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let said = |row: &Value| {
        ["virtualmachinename", "account", "domainpath", "hostname", "beganby", "endedby", "outcome"]
            .map(|key| word(row, key))
            .join(" ")
    };
    assert_eq!(said(&rows[0]), "alpha joe ROOT h VM.CREATE - -");
    assert_eq!(
        (word(&rows[0], "virtualmachineid"), &rows[0]["verified"]),
        (id.into(), &true.into())
    );
    assert!(rows[0]["allocated"].is_string() && rows[0]["to"].is_null(), "{}", rows[0]);
    let words = [("id", id), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
    world.settle().await;
    let rows = history(&world, &device, &[]).await;
    assert_eq!(said(&rows[0]), "alpha joe ROOT h VM.CREATE VM.DESTROY clean");
    assert!(rows[0]["to"].is_string() && rows[0]["verified"] == true, "{}", rows[0]);
    assert!(history(&world, &device, &[("enddate", "2020-01-01")]).await.is_empty());
    assert!(history(&world, &device, &[("startdate", "2120-01-01")]).await.is_empty());
    assert_eq!(history(&world, &device, &[("startdate", "2020-01-01")]).await.len(), 1);
    let unknown = [("gpudeviceid", id)];
    assert_eq!(world.admin.call("listGpuDeviceHistory", &unknown).await.status, 431);
    assert_eq!(joe.call("listGpuDeviceHistory", &[("gpudeviceid", &device)]).await.status, 432);
}

#[actix_web::test]
async fn whatever_is_changed_or_removed_shows() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.devices(&rack).await[0].to_string();
    holders(&world, &rack, 3).await;
    let rows = history(&world, &device, &[]).await;
    assert!(rows.len() == 3 && rows.iter().all(|row| row["verified"] == true), "{rows:#?}");
    let page = [("gpudeviceid", &*device), ("page", "2"), ("pagesize", "2")];
    let page = world.admin.ok("listGpuDeviceHistory", &page).await;
    assert_eq!(page["count"], 3);
    let mut conn = migrate::connect(&world.database.url).expect("the database");
    let backup = "CREATE TABLE h AS SELECT * FROM gpu_history; CREATE TABLE e AS SELECT * FROM gpu_history_head;
        CREATE TABLE a AS SELECT";
    // all but what the database works out by itself
    let columns = "id, device_id, vm_id, host_id, state, active, position, reserved, allocated, releasing, released, proof, \
        account_id, domain_id, profile_id, memory_mib, sealed, written";
    conn.batch_execute(&format!("{backup} {columns} FROM gpu_allocation")).expect("a copy");
    // what is done to the books, the entry at which it shows, how many of the three are believed still
    let cases = [
        ("UPDATE gpu_history SET account = 'eve' WHERE position = 5", 5, 1),
        ("UPDATE gpu_history SET account_id = NULL WHERE position = 1", 1, 0),
        (
            "UPDATE gpu_history SET happened = happened + INTERVAL 1 MICROSECOND WHERE position = 12",
            12,
            2,
        ),
        ("DELETE FROM gpu_history WHERE position = 6", 6, 1),
        ("DELETE FROM gpu_history WHERE position > 8", 9, 2),
        ("DELETE FROM gpu_history_head", 12, 2),
        (
            "UPDATE gpu_history_head SET position = 8, hash = (SELECT hash FROM gpu_history WHERE position = 8) WHERE position > 0",
            0,
            0,
        ),
        (
            "DELETE FROM gpu_history WHERE position > 8; UPDATE gpu_history_head SET position = 8,
            hash = (SELECT hash FROM gpu_history WHERE position = 8) WHERE position > 0",
            9,
            2,
        ),
        ("DELETE FROM gpu_history; DELETE FROM gpu_history_head", 1, 0),
        (
            "UPDATE gpu_allocation SET releasing = '2020-01-01' WHERE id =
            (SELECT allocation_id FROM gpu_history WHERE position = 7)",
            7,
            1,
        ),
        (
            "DELETE FROM gpu_allocation WHERE id = (SELECT allocation_id FROM gpu_history WHERE position = 1)",
            1,
            0,
        ),
    ];
    for (what, at, believed) in cases {
        conn.batch_execute(what).expect(what);
        let rows = history(&world, &device, &[]).await;
        let (text, is_good) = verify(world.db()).expect("an answer");
        let count = rows.iter().filter(|row| row["verified"] == true).count();
        if at == 0 {
            // entries after the end that is noted are what a server writes just now
            assert!(is_good && count == 3, "{what}: {text}");
        } else {
            assert!(!is_good && text.contains(&format!("entry {at}: ")), "{what}: {text}");
            assert_eq!(count, believed, "{what}: {rows:#?}");
            assert!(rows.iter().all(|row| row["brokenat"] == at), "{what}: {rows:#?}");
        }
        conn.batch_execute(&format!(
            "DELETE FROM gpu_history; DELETE FROM gpu_history_head; DELETE FROM gpu_allocation;
             INSERT INTO gpu_history SELECT * FROM h; INSERT INTO gpu_history_head SELECT * FROM e;
             INSERT INTO gpu_allocation ({columns}) SELECT {columns} FROM a"
        ))
        .expect("as it was");
    }
    assert!(verify(world.db()).expect("an answer").1);
    conn.batch_execute("DROP TABLE h; DROP TABLE e; DROP TABLE a").expect("dropped");
}

#[actix_web::test]
async fn what_was_there_before_is_sealed_and_a_removed_tail_is_not_healed() {
    let mut world = World::new().await;
    world.server.rest();
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    holders(&world, &rack, 120).await;
    let count = async || {
        let rows = world.texts("SELECT CAST(COUNT(*) AS CHAR) AS text FROM gpu_history").await;
        rows[0].clone()
    };
    assert_eq!(count().await, "0", "nothing was sealed yet");
    seal(world.db());
    assert_eq!(count().await, "480");
    let before = world.db().statements();
    assert_eq!(world.db().txn("seal", gpu_history::seal).await.expect("nothing to do"), 0);
    assert_eq!(world.db().statements() - before, 3, "BEGIN, what is due, COMMIT");
    let mut conn = migrate::connect(&world.database.url).expect("the database");
    sql_query("CREATE TABLE h AS SELECT * FROM gpu_history").execute(&mut conn).expect("a copy");
    sql_query("DELETE FROM gpu_history WHERE position > 478").execute(&mut conn).expect("cut");
    holders(&world, &rack, 1).await;
    seal(world.db());
    let (text, is_good) = verify(world.db()).expect("an answer");
    assert!(!is_good && text.contains("entry 479: an entry is missing"), "{text}");
    sql_query("INSERT IGNORE INTO gpu_history SELECT * FROM h").execute(&mut conn).expect("back");
    sql_query("DROP TABLE h").execute(&mut conn).expect("dropped");
}

#[actix_web::test]
async fn servers_that_seal_at_once_write_each_step_once() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let (server, _) = world.another_server().await;
    let pairs = async {
        for _ in 0..10 {
            holders(&world, &rack, 4).await;
        }
    };
    let sealers = async |db: csgpu::store::Db| {
        for _ in 0..60 {
            csgpu::jobs::seal_all(&db).await.expect("sealed, or another did it");
        }
    };
    let (one, two) = (world.db().clone(), server.wiring.db.clone());
    tokio::join!(pairs, sealers(one), sealers(two));
    world.check_invariants();
    let rows = world.texts("SELECT CAST(COUNT(*) AS CHAR) AS text FROM gpu_history").await;
    assert_eq!(rows[0], "160");
}
