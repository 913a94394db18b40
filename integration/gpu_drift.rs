//! Drift: what hosts show and the books do not say is noted, listed, alarmed once, accepted or over, and never put right
//! silently.

use crate::world::{
    World,
    rack::{Rack, machine},
};
use csgpu::{
    command::inventory::{Memory, refresh_if_changed},
    domain::{
        gpu::Pick,
        machine::{DeviceRef, SeenFunction},
    },
    hypervisor::fake::FakeShape,
    store::gpu_claim,
};
use serde_json::Value;
use uuid::Uuid;

async fn listed(world: &World, words: &[(&str, &str)]) -> Vec<Value> {
    let found = world.admin.ok("listGpuDrift", words).await;
    found["gpudrift"].as_array().cloned().unwrap_or_default()
}

/// What is disagreed about, in a few words each.
async fn drift(world: &World) -> Vec<String> {
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or("-").to_owned();
    let line = |one: &Value| {
        ["busaddress", "kind", "expected", "seen", "domainname"]
            .map(|key| word(one, key))
            .join(" | ")
    };
    listed(world, &[]).await.iter().map(line).collect()
}

async fn alerts(world: &World) -> Vec<String> {
    world
        .texts("SELECT CONCAT(kind, ' ', IF(resolved IS NULL, 'open', 'over')) AS text FROM alert ORDER BY id")
        .await
}

async fn look(world: &World, rack: &Rack) {
    world.look(rack).await.expect("an answer");
}

fn first(rack: &Rack, change: impl FnOnce(&mut SeenFunction)) {
    rack.fake.change(|all| change(&mut all[0]));
}

fn reference(rack: &Rack, n: usize) -> DeviceRef {
    DeviceRef::Pci { address: rack.fake.addresses()[n], companions: Vec::new() }
}

#[tokio::test]
async fn what_changed_about_a_device_is_drift_until_it_is_as_before() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    assert!(drift(&world).await.is_empty());
    type Change = (fn(&mut SeenFunction), fn(&mut SeenFunction), &'static str);
    let changes: [Change; 3] = [
        (
            |it| it.iommu_group = Some(77),
            |it| it.iommu_group = Some(20),
            "11:00.0 | IommuGroup | 20 | 77 | -",
        ),
        (
            |it| it.driver = Some("nouveau".to_owned()),
            |it| it.driver = Some("nvidia".to_owned()),
            "11:00.0 | Driver | nvidia | nouveau | -",
        ),
        (
            |it| it.link = Some(((160, 16), (160, 8))),
            |it| it.link = Some(((160, 16), (160, 16))),
            "11:00.0 | Link | 16 GT/s x16 | 16 GT/s x8 | -",
        ),
    ];
    for (n, (bend, mend, want)) in changes.into_iter().enumerate() {
        first(&rack, bend);
        for _ in 0..3 {
            look(&world, &rack).await;
            assert_eq!(drift(&world).await, [want]);
        }
        let told = alerts(&world).await;
        assert_eq!(told.len(), n + 1, "told once: {told:?}");
        assert_eq!(told[n], "ALERT.GPU.DRIFT open");
        first(&rack, mend);
        look(&world, &rack).await;
        assert!(drift(&world).await.is_empty());
        assert_eq!(alerts(&world).await[n], "ALERT.GPU.DRIFT over");
    }
    let ids = world.texts("SELECT id AS text FROM gpu_device WHERE alive = 1").await;
    assert_eq!(ids.len(), 2, "still the same devices");
}

#[tokio::test]
async fn several_disagreements_about_one_device_are_one_alert_that_ends_with_the_last() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    first(&rack, |it| {
        it.iommu_group = Some(77);
        it.driver = None;
    });
    look(&world, &rack).await;
    let want = ["11:00.0 | IommuGroup | 20 | 77 | -", "11:00.0 | Driver | nvidia | none | -"];
    assert_eq!(drift(&world).await, want);
    first(&rack, |it| it.driver = Some("vfio-pci".to_owned()));
    look(&world, &rack).await;
    assert_eq!(drift(&world).await[1], "11:00.0 | Driver | nvidia | vfio-pci | -");
    first(&rack, |it| it.iommu_group = Some(20));
    look(&world, &rack).await;
    assert_eq!(alerts(&world).await, ["ALERT.GPU.DRIFT open"]);
    let all = listed(&world, &[]).await;
    assert_eq!(all.len(), 1);
    // the operator bound it to vfio-pci for good
    let id = all[0]["id"].as_str().expect("an id");
    world.admin.ok("acceptGpuDrift", &[("ids", id)]).await;
    assert!(drift(&world).await.is_empty());
    assert_eq!(alerts(&world).await, ["ALERT.GPU.DRIFT over"]);
    look(&world, &rack).await;
    assert!(drift(&world).await.is_empty());
    first(&rack, |it| it.driver = Some("nvidia".to_owned()));
    look(&world, &rack).await;
    assert_eq!(drift(&world).await, ["11:00.0 | Driver | vfio-pci | nvidia | -"]);
}

#[tokio::test]
async fn an_accepted_link_is_quiet_as_long_as_it_is_the_same() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    first(&rack, |it| it.link = Some(((160, 16), (160, 8))));
    look(&world, &rack).await;
    let all = listed(&world, &[]).await;
    let id = all[0]["id"].as_str().expect("an id");
    world.admin.ok("acceptGpuDrift", &[("ids", id)]).await;
    look(&world, &rack).await;
    assert!(drift(&world).await.is_empty());
    assert_eq!(listed(&world, &[("accepted", "true")]).await[0]["accepted"], true);
    assert_eq!(alerts(&world).await, ["ALERT.GPU.DRIFT over"]);
    first(&rack, |it| it.link = Some(((160, 16), (160, 4))));
    look(&world, &rack).await;
    assert_eq!(drift(&world).await, ["11:00.0 | Link | 16 GT/s x16 | 16 GT/s x4 | -"]);
    assert_eq!(alerts(&world).await[1], "ALERT.GPU.DRIFT open");
    // a link that sleeps is no downgrade
    first(&rack, |it| it.link = Some(((160, 16), (25, 16))));
    look(&world, &rack).await;
    assert!(listed(&world, &[("accepted", "true")]).await.is_empty());
}

#[tokio::test]
async fn strangers_on_devices_are_named() {
    let world = World::new().await;
    let rack = world.bare_rack(FakeShape::new("h").gpus(3)).await;
    // one is used before the first look
    let stranger = machine(Uuid::new_v4(), vec![reference(&rack, 0)]);
    let (uuid, name) = (stranger.uuid, stranger.name.clone());
    rack.fake.intrude(stranger);
    look(&world, &rack).await;
    let one = format!("11:00.0 | Foreign | used by nobody | domain {name} | {name}");
    assert_eq!(drift(&world).await, std::slice::from_ref(&one));
    // one that is held
    let held = world.devices(&rack).await[1];
    let vm = world.claim(&rack, &[Pick::Device(held)]).await.expect("free");
    let confirm = world.db().txn("confirm", move |tx| gpu_claim::confirm(tx, vm));
    confirm.await.expect("confirmed");
    let thief = machine(Uuid::new_v4(), vec![reference(&rack, 1)]);
    let (thief_id, thief_name) = (thief.uuid, thief.name.clone());
    rack.fake.intrude(thief);
    rack.fake.intrude(machine(vm.uuid(), Vec::new()));
    for _ in 0..2 {
        look(&world, &rack).await;
        let want = [
            one.clone(),
            format!("13:00.0 | UsedByOther | instance {vm} | domain {thief_name} | {thief_name}"),
            format!("13:00.0 | NotAttached | instance {vm} | it runs without the device | -"),
        ];
        assert_eq!(drift(&world).await, want);
    }
    assert_eq!(world.held().await, "Allocated", "nothing is given or taken");
    let refused = world
        .admin
        .call("acceptGpuDrift", &[("ids", listed(&world, &[]).await[0]["id"].as_str().unwrap())])
        .await;
    assert_eq!(refused.status, 530, "{}", refused.text());
    rack.fake.lose(uuid);
    rack.fake.lose(thief_id);
    rack.fake.lose(vm.uuid());
    look(&world, &rack).await;
    assert!(drift(&world).await.is_empty());
    assert!(alerts(&world).await.iter().all(|one| one.ends_with("over")));
    let driver = "SELECT DISTINCT driver AS text FROM gpu_device";
    assert_eq!(world.texts(driver).await, ["nvidia"], "a guest's driver is not the host's");
}

#[tokio::test]
async fn a_device_that_is_gone_is_listed_after_three_looks_and_its_link_is_not_forgotten() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    first(&rack, |it| it.link = Some(((160, 16), (160, 8))));
    look(&world, &rack).await;
    let mut pulled = None;
    rack.fake.change(|all| pulled = Some(all.remove(0)));
    for n in 1..=4 {
        look(&world, &rack).await;
        let all = drift(&world).await;
        assert_eq!(all.len(), if n < 3 { 1 } else { 2 }, "{n}: {all:?}");
    }
    let want = "11:00.0 | Gone | 0000:11:00.0 | the host no longer shows it | -";
    assert!(drift(&world).await.contains(&want.to_owned()), "{:?}", drift(&world).await);
    rack.fake.change(|all| all.insert(0, pulled.take().expect("it was pulled")));
    first(&rack, |it| it.link = Some(((160, 16), (160, 16))));
    look(&world, &rack).await;
    assert!(drift(&world).await.is_empty());
    assert!(alerts(&world).await.iter().all(|one| one.ends_with("over")));
}

#[tokio::test]
async fn drift_that_stays_costs_the_periodic_round_nothing() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    first(&rack, |it| it.driver = Some("nouveau".to_owned()));
    rack.fake.intrude(machine(Uuid::new_v4(), vec![reference(&rack, 1)]));
    let memory = Memory::default();
    let (mut server, _) = world.another_server().await;
    server.rest();
    let wiring = &server.wiring;
    let address = csgpu::hypervisor::HostAddress {
        host: rack.id,
        name: "h".to_owned(),
        uri: rack.fake.uri(),
        host_key: None,
    };
    wiring.hosts.ensure_open(&address).expect("it opens");
    let generation = async || {
        let text = world.texts("SELECT CAST(generation AS CHAR) AS text FROM host").await;
        text[0].parse::<i64>().expect("a number")
    };
    for _ in 0..3 {
        let now = generation().await;
        refresh_if_changed(wiring, &memory, rack.id, now).await.expect("an answer");
    }
    assert_eq!(drift(&world).await.len(), 2);
    let now = generation().await;
    let mut quiet = 0;
    for _ in 0..4 {
        let before = wiring.db.statements();
        if refresh_if_changed(wiring, &memory, rack.id, now).await.expect("an answer").is_none() {
            quiet += 1;
            assert_eq!(wiring.db.statements(), before);
        }
    }
    assert!(quiet >= 3, "one round in twenty looks all the same: {quiet} of 4 were quiet");
}

#[tokio::test]
async fn a_long_list_is_paged_by_few_statements_and_chosen_by_host_kind_and_device() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let other = world.rack(FakeShape::new("i").gpus(2)).await;
    world
        .run(
            "INSERT INTO gpu_drift (id, host_id, device_id, kind, expected, seen, since)
             SELECT UUID(), d.host_id, d.id, k.kind, 'x', 'y', UTC_TIMESTAMP(6) FROM gpu_device d
             JOIN (SELECT 'Link' AS kind UNION SELECT 'Driver' UNION SELECT 'Gone') k",
        )
        .await;
    assert_eq!(listed(&world, &[]).await.len(), 12);
    let host = other.id.to_string();
    assert_eq!(listed(&world, &[("hostid", &host)]).await.len(), 6);
    assert_eq!(listed(&world, &[("hostid", &host), ("kind", "link")]).await.len(), 2);
    let device = world.devices(&rack).await[0].to_string();
    assert_eq!(listed(&world, &[("gpudeviceid", &device)]).await.len(), 3);
    let page = world.admin.ok("listGpuDrift", &[("page", "2"), ("pagesize", "5")]).await;
    assert_eq!(
        (page["count"].as_i64(), page["gpudrift"].as_array().map(Vec::len)),
        (Some(12), Some(5))
    );
    assert_eq!(world.admin.call("listGpuDrift", &[("kind", "odd")]).await.status, 431);
    // devices that leave the books take it with them
    world.admin.ok("deleteGpuDevice", &[("ids", &device)]).await;
    assert_eq!(listed(&world, &[]).await.len(), 9);
}
