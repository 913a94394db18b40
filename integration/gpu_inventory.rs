//! Discovery: what a probe may write, what it must not, and what it must never free.

use crate::world::{
    World,
    rack::{Rack, machine},
};
use csgpu::{
    command::inventory::{Memory, refresh_if_changed},
    config::Config,
    domain::{
        gpu::{Drift, Pick},
        machine::{DeviceRef, Proof},
    },
    hypervisor::fake::FakeShape,
    store::gpu_claim,
};
use uuid::Uuid;

/// What the books say of a host's devices, in a few words each, by address.
async fn books(world: &World, rack: &Rack) -> Vec<String> {
    let host = rack.id;
    world
        .texts(&format!(
            "SELECT CONCAT_WS(' ', address, device_type, managed, health, missed) AS text FROM gpu_device
            WHERE host_id = '{host}' AND alive = 1 ORDER BY address"
        ))
        .await
}

async fn open_alerts(world: &World) -> Vec<String> {
    world.texts("SELECT kind AS text FROM alert WHERE resolved IS NULL ORDER BY kind").await
}

async fn allocations(world: &World) -> Vec<String> {
    let query = "SELECT CONCAT_WS(' ', vm_id, device_id, state) AS text FROM gpu_allocation WHERE active = 1";
    world.texts(query).await
}

fn reference(rack: &Rack, n: usize) -> DeviceRef {
    DeviceRef::Pci { address: rack.fake.addresses()[n], companions: Vec::new() }
}

#[tokio::test]
async fn the_first_look_names_cards_and_devices_and_the_second_changes_nothing() {
    let world = World::new().await;
    let rack = world.bare_rack(FakeShape::new("h").gpus(2).audio()).await;
    let first = world.look(&rack).await.expect("an answer");
    assert!(first.changes > 0);
    assert_eq!(
        books(&world, &rack).await,
        ["0000:11:00.0 PCI Managed Ok 0", "0000:13:00.0 PCI Managed Ok 0"]
    );
    let card = "SELECT CONCAT_WS('|', c.name, p.name, p.video_ram) AS text FROM gpu_device d
        JOIN gpu_card c ON c.id = d.card_id JOIN vgpu_profile p ON p.id = d.profile_id LIMIT 1";
    assert_eq!(world.texts(card).await, ["NVIDIA A100 SXM4 80GB|passthrough|81920"]);
    let companions =
        world.texts("SELECT companions AS text FROM gpu_device ORDER BY address").await;
    assert_eq!(companions, ["0000:11:00.1", "0000:13:00.1"]);
    let second = world.look(&rack).await.expect("an answer");
    assert_eq!((second.changes, second.drift.len()), (0, 0));
}

#[tokio::test]
async fn a_rule_of_the_configuration_keeps_a_device_out() {
    let mut world = World::new().await;
    let file = "[gpus]\nexclude = ['10de:20b2']\nmanage_discovered = false\n";
    let config = Config::from_parts(file, []).expect("a configuration");
    let wanted = csgpu::service::settings(&config).expect("settings");
    world
        .restart_with(|settings| {
            settings.gpu_rules = wanted.gpu_rules;
            settings.manage_discovered = wanted.manage_discovered;
        })
        .await;
    let rack = world.bare_rack(FakeShape::new("h").gpus(2)).await;
    rack.fake.change(|all| all[0].device_id = 0x20b5);
    let seen = world.look(&rack).await.expect("an answer");
    assert_eq!(books(&world, &rack).await, ["0000:11:00.0 PCI Unmanaged Ok 0"]);
    let reasons: Vec<&str> = seen.skipped.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["the operator's rules exclude it"]);
    let left_out = "SELECT left_out AS text FROM host WHERE left_out IS NOT NULL";
    let text = &world.texts(left_out).await[0];
    assert!(text.starts_with("13:00.0 ") && text.ends_with(": the operator's rules exclude it"));
    rack.fake.change(|all| all[1].device_id = 0x20b5);
    world.look(&rack).await.expect("an answer");
    assert!(world.texts(left_out).await.is_empty());
}

#[tokio::test]
async fn a_probe_that_fails_or_cannot_be_changes_nothing() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let wanted = Pick::Device(world.devices(&rack).await[0]);
    world.claim(&rack, &[wanted]).await.expect("a free device");
    let (before, held) = (books(&world, &rack).await, allocations(&world).await);
    for call in 1..=3 {
        rack.fake.fail_at(call);
        assert!(world.look(&rack).await.is_err(), "call {call}");
    }
    rack.fake.down("cut off");
    assert!(world.look(&rack).await.is_err());
    rack.fake.heal();
    let mut functions = Vec::new();
    rack.fake.change(|all| std::mem::swap(all, &mut functions));
    for _ in 0..4 {
        assert!(world.look(&rack).await.is_err(), "a host without any function");
    }
    assert_eq!(books(&world, &rack).await, before);
    assert_eq!(allocations(&world).await, held);
}

#[tokio::test]
async fn a_device_that_is_missing_three_times_is_an_error_and_stays_held() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let vm =
        world.claim(&rack, &[Pick::Device(world.devices(&rack).await[0])]).await.expect("free");
    let confirm = world.db().txn("confirm", move |tx| gpu_claim::confirm(tx, vm));
    confirm.await.expect("confirmed");
    let held = allocations(&world).await;
    let mut pulled = None;
    rack.fake.change(|all| pulled = Some(all.remove(0)));
    for missed in 1..=2 {
        world.look(&rack).await.expect("an answer");
        assert_eq!(books(&world, &rack).await[0], format!("0000:11:00.0 PCI Managed Ok {missed}"));
    }
    world.look(&rack).await.expect("an answer");
    assert_eq!(books(&world, &rack).await[0], "0000:11:00.0 PCI Managed Missing 3");
    assert_eq!(open_alerts(&world).await, ["ALERT.GPU.MISSING"]);
    assert_eq!(allocations(&world).await, held);
    rack.fake.change(|all| all.insert(0, pulled.take().expect("it was pulled")));
    world.look(&rack).await.expect("an answer");
    assert_eq!(books(&world, &rack).await[0], "0000:11:00.0 PCI Managed Ok 0");
    assert!(open_alerts(&world).await.is_empty());
    assert_eq!(allocations(&world).await, held);
}

#[tokio::test]
async fn a_stranger_makes_a_device_unusable_until_it_is_proven_clean() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let stranger = Uuid::new_v4();
    rack.fake.intrude(machine(stranger, vec![reference(&rack, 0)]));
    world.look(&rack).await.expect("an answer");
    assert_eq!(books(&world, &rack).await[0], "0000:11:00.0 PCI Managed Foreign 0");
    assert_eq!(open_alerts(&world).await, ["ALERT.GPU.FOREIGN"]);
    let wanted = [Pick::Device(world.devices(&rack).await[0])];
    assert!(world.claim(&rack, &wanted).await.is_err());
    assert!(rack.fake.proven().is_empty());
    rack.fake.lose(stranger);
    world.look(&rack).await.expect("an answer");
    assert_eq!(rack.fake.proven().len(), 1, "it was proven clean first");
    assert_eq!(books(&world, &rack).await[0], "0000:11:00.0 PCI Managed Ok 0");
    world.claim(&rack, &wanted).await.expect("free");
}

#[tokio::test]
async fn a_domain_on_somebody_elses_device_is_shown_and_moves_nothing() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.devices(&rack).await[0];
    let vm = world.claim(&rack, &[Pick::Device(device)]).await.expect("free");
    let confirm = world.db().txn("confirm", move |tx| gpu_claim::confirm(tx, vm));
    confirm.await.expect("confirmed");
    let held = allocations(&world).await;
    let stranger = Uuid::new_v4();
    rack.fake.intrude(machine(stranger, vec![reference(&rack, 0)]));
    let seen = world.look(&rack).await.expect("an answer");
    assert!(matches!(&seen.drift[..], [Drift::UsedByOther { id, .. }] if *id == device));
    assert_eq!(open_alerts(&world).await, ["ALERT.GPU.DRIFT"]);
    assert_eq!(allocations(&world).await, held);
    rack.fake.lose(stranger);
    world.look(&rack).await.expect("an answer");
    assert!(open_alerts(&world).await.is_empty());
    assert_eq!(allocations(&world).await, held);
}

#[tokio::test]
async fn a_swapped_card_is_another_device() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let old = world.devices(&rack).await;
    rack.fake.change(|all| all[0].device_id = 0x20b5);
    world.look(&rack).await.expect("an answer");
    let new = world.devices(&rack).await;
    assert_ne!(new[0], old[0]);
    assert_eq!(new[1], old[1]);
    assert_eq!(books(&world, &rack).await.len(), 2);
    // one that is held stays, as an error
    let vm = world.claim(&rack, &[Pick::Device(new[1])]).await.expect("free");
    let confirm = world.db().txn("confirm", move |tx| gpu_claim::confirm(tx, vm));
    confirm.await.expect("confirmed");
    let held = allocations(&world).await;
    rack.fake.change(|all| all[1].device_id = 0x20b5);
    world.look(&rack).await.expect("an answer");
    assert_eq!(books(&world, &rack).await[1], "0000:13:00.0 PCI Managed Missing 3");
    assert_eq!(allocations(&world).await, held);
}

#[tokio::test]
async fn any_pci_domain_is_an_address() {
    let world = World::new().await;
    let rack = world.bare_rack(FakeShape::new("h").gpus(1)).await;
    rack.fake.change(|all| {
        all[0].address.domain = 0x10000;
        all[0].group_members = vec![all[0].address];
    });
    world.look(&rack).await.expect("an answer");
    assert_eq!(books(&world, &rack).await, ["10000:11:00.0 PCI Managed Ok 0"]);
}

#[tokio::test]
async fn slices_that_are_there_are_devices_and_their_gpu_is_not() {
    let world = World::new().await;
    let uuid = Uuid::from_u128(7);
    let shape = FakeShape::new("h").gpus(2).slice_type("nvidia-468", "NVIDIA A100D-4C", 4).premade(
        uuid,
        0,
        "nvidia-468",
    );
    let rack = world.rack(shape).await;
    assert_eq!(
        books(&world, &rack).await,
        [
            format!("{uuid} MDEV Managed Ok 0"),
            "0000:11:00.0 VGPUOnly Managed Ok 0".to_owned(),
            "0000:13:00.0 PCI Managed Ok 0".to_owned(),
        ]
    );
    let devices = world.devices(&rack).await;
    assert!(world.claim(&rack, &[Pick::Device(devices[1])]).await.is_err());
    world.claim(&rack, &[Pick::Device(devices[0])]).await.expect("a slice");
}

#[tokio::test]
async fn a_slice_that_was_retired_during_the_look_does_not_come_back() {
    let world = World::new().await;
    let shape = FakeShape::new("h").gpus(1).slice_type("nvidia-468", "NVIDIA A100D-4C", 4);
    let rack = world.rack(shape).await;
    let gpu = world.devices(&rack).await[0];
    let profile = world.texts("SELECT profile_id AS text FROM gpu_slice_type LIMIT 1").await;
    let pick = Pick::Slice { gpu, profile: profile[0].parse().expect("an id") };
    let vm = world.claim(&rack, &[pick]).await.expect("room");
    let mine = world.db().read(move |conn| csgpu::store::gpu_held::held_by(conn, vm)).await;
    let mine = mine.expect("held");
    let driver = world.server.wiring.hosts.at(rack.id).expect("open");
    driver.ensure_slices(&[mine[0].reference.clone()]).await.expect("made");
    assert_eq!(rack.fake.mdevs().len(), 1);
    let outcome = vec![(mine[0].device, Proof::Clean)];
    let release = world.db().txn("release", move |tx| {
        gpu_claim::begin_release(tx, vm)?;
        gpu_claim::finish_release(tx, vm, &outcome)
    });
    release.await.expect("released");
    // the host still shows it, as a look that began earlier would
    world.look(&rack).await.expect("an answer");
    assert_eq!(world.devices(&rack).await, [gpu]);
}

#[tokio::test]
async fn a_quiet_host_costs_no_statement() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let (memory, wiring) = (Memory::default(), &world.server.wiring);
    let generation = || async {
        let text =
            format!("SELECT CAST(generation AS CHAR) AS text FROM host WHERE id = '{}'", rack.id);
        world.texts(&text).await[0].parse::<i64>().expect("a number")
    };
    let first = refresh_if_changed(wiring, &memory, rack.id, generation().await).await;
    assert_eq!(first.expect("an answer").map(|r| r.changes), Some(0));
    // the server's own looks may still have had something to write
    let mut looks = 0;
    let now = loop {
        let now = generation().await;
        let again = refresh_if_changed(wiring, &memory, rack.id, now).await.expect("an answer");
        let Some(done) = again else { break now };
        assert!(looks < 5 && done.changes == 0, "{looks} {done:?}");
        looks += 1;
    };
    rack.fake.change(|all| all[0].numa_node = Some(1));
    let seen = refresh_if_changed(wiring, &memory, rack.id, now).await.expect("an answer");
    assert_eq!(seen.map(|r| r.changes), Some(1));
    refresh_if_changed(wiring, &memory, rack.id, now).await.expect("an answer");
    world.claim(&rack, &[Pick::Device(world.devices(&rack).await[0])]).await.expect("free");
    let after = refresh_if_changed(wiring, &memory, rack.id, generation().await).await;
    assert!(after.expect("an answer").is_some(), "a claim is looked at");
}

#[tokio::test]
async fn a_discovery_file_of_cloudstack_is_taken_over_and_frees_nobody_anything() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let host = rack.id.to_string();
    let file = include_str!("../src/domain/gpu/discovery.json");
    let address = rack.fake.addresses()[0].short();
    let file = file.replace("3b:00.0", &address); // one that is in the books
    let words = [("hostid", host.as_str()), ("discovery", file.as_str())];
    for _ in 0..2 {
        let listed = world.admin.post("importGpuDevices", &words).await.inner().clone();
        let devices = listed["gpudevice"].as_array().expect("devices").clone();
        assert_eq!((devices.len(), &listed["count"]), (5, &5.into()), "{listed}");
        let known =
            devices.iter().find(|one| one["busaddress"] == *address).expect("the known one");
        assert_eq!((&known["state"], &known["ready"]), (&"Free".into(), &true.into()), "{known}");
        let slice = devices.iter().find(|one| one["vgpuprofilename"] == "GRID T4-2Q").expect("it");
        assert_eq!((&slice["gpudevicetype"], &slice["ready"]), (&"MDEV".into(), &false.into()));
    }
    let profiles = world.admin.ok("listVgpuProfiles", &[("keyword", "MI300X VF")]).await;
    assert_eq!(profiles["vgpuprofile"][0]["videoram"], 24576, "{profiles}");
    let bad = [("hostid", host.as_str()), ("discovery", "{\"gpus\": 1}")];
    let refused = world.admin.call("importGpuDevices", &bad).await;
    assert_eq!(refused.status, 431);
    assert!(refused.error().starts_with("discovery is not understood: "), "{}", refused.error());
    // what the host does not show is missing after three looks
    for _ in 0..3 {
        world.look(&rack).await.expect("the host answers");
    }
    let listed = world.admin.ok("listGpuDevices", &[("hostid", &host)]).await;
    let devices = listed["gpudevice"].as_array().expect("devices").iter();
    let states: Vec<_> = devices.map(|one| one["state"].as_str().expect("a state")).collect();
    assert_eq!(states.iter().filter(|state| **state == "Error").count(), 4, "{listed}");
}
