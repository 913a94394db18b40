//! The GPU rooms through the API: cards, profiles, devices, and who sees what of them.

use crate::world::{
    Client, World,
    rack::{Rack, machine},
};
use csgpu::{
    domain::{
        gpu::Pick,
        machine::{DeviceRef, Proof},
    },
    hypervisor::fake::FakeShape,
    store::gpu_claim,
};
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-7000-8000-00000000beef";

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// What the administrator sees of a host's devices.
async fn listed(world: &World, rack: &Rack) -> Vec<Value> {
    let found = world.admin.ok("listGpuDevices", &[("hostid", &rack.id.to_string())]).await;
    found["gpudevice"].as_array().cloned().unwrap_or_default()
}

async fn refused(client: &Client, command: &str, params: &[(&str, &str)]) -> (u16, String) {
    let answer = client.call(command, params).await;
    assert_ne!(answer.status, 200, "{command}: {}", answer.text());
    (answer.status, answer.error().to_owned())
}

#[tokio::test]
async fn cards_and_profiles_live_as_recorded() {
    let world = World::new().await;
    let admin = &world.admin;
    let l40s = [
        ("deviceid", "26ff"),
        ("devicename", "AD102GL [L40S]"),
        ("vendorid", "10DE"),
        ("vendorname", "NVIDIA Corporation"),
        ("name", "NVIDIA L40S"),
        ("videoram", "46068"),
    ];
    let card = admin.ok("createGpuCard", &l40s).await["gpucard"].clone();
    let names: Vec<_> = card.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["id", "deviceid", "devicename", "name", "vendorname", "vendorid"]);
    assert_eq!(card["vendorid"], "10de");
    let again = refused(admin, "createGpuCard", &l40s).await;
    let text =
        "Failed to create GPU card: GPU card with vendor ID 10de and device ID 26ff already exists";
    assert_eq!(again, (530, text.to_owned()));

    let card_id = id(&card).to_owned();
    let renamed = admin.ok("updateGpuCard", &[("id", &card_id), ("name", "L40S 48G")]).await;
    assert_eq!(renamed["gpucard"]["name"], "L40S 48G");
    let profile = [
        ("name", "L40S-12Q"),
        ("description", "L40S 12Q"),
        ("gpucardid", &card_id),
        ("videoram", "12288"),
        ("maxvgpuperphysicalgpu", "4"),
    ];
    let made = admin.ok("createVgpuProfile", &profile).await["vgpuprofile"].clone();
    assert_eq!((&made["gpucardname"], &made["videoram"]), (&json!("L40S 48G"), &json!(12288)));
    assert_eq!((made.get("maxheads"), &made["kind"]), (None, &json!("Mediated")));
    let again = refused(admin, "createVgpuProfile", &profile).await;
    let text = "Failed to create vGPU profile: vGPU profile with name L40S-12Q already exists";
    assert_eq!(again, (530, text.to_owned()));
    let negative = [("id", id(&made)), ("videoram", "-1")];
    assert_eq!(refused(admin, "updateVgpuProfile", &negative).await.0, 431);

    let all = admin.ok("listVgpuProfiles", &[("gpucardid", &card_id)]).await;
    assert_eq!((&all["count"], &all["vgpuprofile"][0]["name"]), (&json!(2), &json!("passthrough")));
    assert_eq!(all["vgpuprofile"][0]["videoram"], 46068);
    let whole = id(&all["vgpuprofile"][0]);
    assert_eq!(refused(admin, "updateVgpuProfile", &[("id", whole), ("name", "all")]).await.0, 530);
    assert_eq!(refused(admin, "deleteVgpuProfile", &[("id", whole)]).await.0, 530);
    assert_eq!(admin.ok("deleteVgpuProfile", &[("id", id(&made))]).await, json!({"success": true}));
    assert_eq!(admin.ok("deleteGpuCard", &[("id", &card_id)]).await, json!({"success": true}));
    assert_eq!(admin.ok("listGpuCards", &[("deviceid", "26ff")]).await, json!({}));
    admin.ok("createGpuCard", &l40s).await;
}

#[tokio::test]
async fn a_card_and_a_profile_in_use_stay() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = listed(&world, &rack).await.remove(0);
    let (card, profile) = (device["gpucardid"].as_str(), device["vgpuprofileid"].as_str());
    let (status, text) =
        refused(&world.admin, "deleteGpuCard", &[("id", card.expect("an id"))]).await;
    assert_eq!(status, 536);
    assert!(
        text.starts_with("Failed to delete GPU card: Cannot delete GPU card NVIDIA A100"),
        "{text}"
    );
    assert!(text.ends_with("as it is in use by one or more GPU devices"), "{text}");
    let profile = profile.expect("an id");
    let (status, text) = refused(&world.admin, "deleteVgpuProfile", &[("id", profile)]).await;
    let want = format!(
        "Failed to delete vGPU profile: Cannot delete vGPU profile with ID {profile} as it is in use by one or more GPU devices"
    );
    assert_eq!((status, text), (536, want));
    let active = world.admin.ok("listGpuCards", &[("activeonly", "true")]).await;
    assert_eq!(active["count"], 1);
}

#[tokio::test]
async fn a_device_is_listed_as_recorded_and_more() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = listed(&world, &rack).await.remove(0);
    let recorded = [
        "id",
        "busaddress",
        "gpudevicetype",
        "hostid",
        "hostname",
        "gpucardid",
        "gpucardname",
        "vgpuprofileid",
        "vgpuprofilename",
        "state",
        "managedstate",
        "numanode",
    ];
    let names: Vec<&str> =
        device.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names[..12], recorded);
    assert_eq!(device["busaddress"], "11:00.0");
    assert_eq!(device["state"], "Free");
    assert_eq!(device["numanode"], "0");
    assert_eq!(device["gpucardname"], "NVIDIA A100 SXM4 80GB");
    assert_eq!((&device["health"], &device["ready"]), (&json!("Ok"), &json!(true)));
    assert_eq!(device["iommugroup"], 20);
    assert!(device["lastseen"].as_str().is_some_and(|text| text.ends_with("+0000")));

    let pick = [Pick::Device(world.devices(&rack).await[0])];
    let vm = world.claim(&rack, &pick).await.expect("free");
    let device = listed(&world, &rack).await.remove(0);
    assert_eq!(
        (&device["state"], &device["allocationstate"]),
        (&json!("Allocated"), &json!("Reserved"))
    );
    assert_eq!(device["virtualmachineid"], vm.to_string());
    assert_eq!(device["vmstate"], "Stopped");
    let by_vm = world.admin.ok("listGpuDevices", &[("virtualmachineid", &vm.to_string())]).await;
    assert_eq!(by_vm["count"], 1);
}

#[tokio::test]
async fn the_four_words_of_state_tell_the_truth() {
    let world = World::new().await;
    let shape = FakeShape::new("h").gpus(3).slice_type("nvidia-468", "NVIDIA A100D-4C", 4);
    let rack = world.rack(shape).await;
    let all = world.devices(&rack).await;
    let slices = world.texts("SELECT profile_id AS text FROM gpu_slice_type LIMIT 1").await;
    let slice = Pick::Slice { gpu: all[0], profile: slices[0].parse().expect("an id") };
    world.claim(&rack, &[slice]).await.expect("room");
    let vm = world.claim(&rack, &[Pick::Device(all[1])]).await.expect("free");
    let proof = vec![(all[1], Proof::Doubt("it does not answer".to_owned()))];
    let release = world.db().txn("release", move |tx| {
        gpu_claim::begin_release(tx, vm)?;
        gpu_claim::finish_release(tx, vm, &proof)
    });
    release.await.expect("released");
    let states: Vec<_> = listed(&world, &rack)
        .await
        .iter()
        .map(|d| format!("{} {}", d["gpudevicetype"], d["state"]).replace('"', ""))
        .collect();
    assert_eq!(states, ["VGPUOnly PartiallyAllocated", "PCI Error", "PCI Free", "MDEV Allocated"]);
    let quarantined = &listed(&world, &rack).await[1];
    assert_eq!(quarantined["reason"], "it does not answer");
    assert_eq!(listed(&world, &rack).await[3]["parentgpudeviceid"], all[0].to_string());
}

#[tokio::test]
async fn a_user_sees_only_devices_of_the_own_instances_and_little_of_them() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(3)).await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let all = world.devices(&rack).await;
    let mine = world.claim_for("joe", &rack, &[Pick::Device(all[0])]).await.expect("free");
    let theirs = world.claim_for("eve", &rack, &[Pick::Device(all[1])]).await.expect("free");
    let seen = joe.ok("listGpuDevices", &[]).await;
    assert_eq!(seen["count"], 1);
    let device = seen["gpudevice"][0].as_object().expect("an object");
    let names: Vec<_> = device.keys().collect();
    assert_eq!(
        names,
        [
            "id",
            "gpucardname",
            "vgpuprofilename",
            "virtualmachineid",
            "virtualmachinename",
            "vmstate"
        ]
    );
    assert_eq!(device["virtualmachineid"], mine.to_string());
    // filters of administrators are not heard, those of others' instances find nothing
    let host = [("hostid", NOBODY)];
    assert_eq!(joe.ok("listGpuDevices", &host).await["count"], 1);
    let foreign = [("virtualmachineid", theirs.to_string())];
    let foreign: Vec<_> = foreign.iter().map(|(k, v)| (*k, v.as_str())).collect();
    assert_eq!(refused(&joe, "listGpuDevices", &foreign).await.0, 431);
    assert_eq!(eve.ok("listGpuDevices", &foreign).await["count"], 1);
    assert_eq!(world.user("ann").await.ok("listGpuDevices", &[]).await, json!({}));
    assert_eq!(world.admin.ok("listGpuDevices", &[]).await["count"], 3);
    assert_eq!(
        refused(&joe, "manageGpuDevice", &[("ids", id(&seen["gpudevice"][0]))]).await.0,
        432
    );
}

#[tokio::test]
async fn managing_is_the_administrators_word() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(3)).await;
    let all = world.devices(&rack).await;
    let both = format!("{},{}", all[0], all[1]);
    for _ in 0..2 {
        let done = world.admin.ok("unmanageGpuDevice", &[("ids", &both)]).await;
        assert_eq!(done, json!({"success": true}));
    }
    assert!(world.claim(&rack, &[Pick::Device(all[0])]).await.is_err());
    assert_eq!(listed(&world, &rack).await[0]["managedstate"], "Unmanaged");
    world.admin.ok("manageGpuDevice", &[("ids", &both)]).await;
    let vm = world.claim(&rack, &[Pick::Device(all[0])]).await.expect("managed again");
    // one that is held stops the whole list
    let (status, text) = refused(&world.admin, "unmanageGpuDevice", &[("ids", &both)]).await;
    let want = format!(
        "Failed to disable GPU device: Cannot change resource state of GPU device {} as it is in use by VM {vm}",
        all[0]
    );
    assert_eq!((status, text), (536, want));
    assert_eq!(listed(&world, &rack).await[1]["managedstate"], "Managed");
    let unknown = refused(&world.admin, "manageGpuDevice", &[("ids", NOBODY)]).await;
    let want = format!(
        "Unable to execute API command managegpudevice due to invalid value. Invalid parameter ids value={NOBODY} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class."
    );
    assert_eq!(unknown, (431, want));
    assert_eq!(refused(&world.admin, "manageGpuDevice", &[("ids", ",,")]).await.0, 431);

    // quarantine ends by unmanage and manage, and not by manage alone
    let proof = vec![(all[0], Proof::Doubt("a doubt".to_owned()))];
    let release = world.db().txn("release", move |tx| {
        gpu_claim::begin_release(tx, vm)?;
        gpu_claim::finish_release(tx, vm, &proof)
    });
    release.await.expect("released");
    let one = all[0].to_string();
    world.admin.ok("enableGpuDevice", &[("ids", &one)]).await;
    assert_eq!(listed(&world, &rack).await[0]["health"], "Quarantined");
    world.admin.ok("disableGpuDevice", &[("ids", &one)]).await;
    world.admin.ok("manageGpuDevice", &[("ids", &one)]).await;
    assert_eq!(listed(&world, &rack).await[0]["health"], "Ok");
    let open = world.texts("SELECT kind AS text FROM alert WHERE resolved IS NULL").await;
    assert!(open.is_empty(), "{open:?}");
    world.claim(&rack, &[Pick::Device(all[0])]).await.expect("free");
}

#[tokio::test]
async fn a_device_in_use_cannot_be_deleted_and_one_that_is_there_comes_back() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let all = world.devices(&rack).await;
    let vm = world.claim(&rack, &[Pick::Device(all[1])]).await.expect("free");
    let both = format!("{},{}", all[0], all[1]);
    let before = world.fingerprint();
    let (status, text) = refused(&world.admin, "deleteGpuDevice", &[("ids", &both)]).await;
    let want = format!(
        "Failed to delete GPU device: Cannot delete GPU device {} as it is currently allocated to VM {vm}",
        all[1]
    );
    assert_eq!((status, text), (536, want));
    assert_eq!(world.fingerprint(), before, "all or none");
    world.admin.ok("deleteGpuDevice", &[("ids", &all[0].to_string())]).await;
    assert_eq!(listed(&world, &rack).await.len(), 1);
    let host = rack.id.to_string();
    let found = world.admin.ok("discoverGpuDevices", &[("id", &host)]).await;
    assert_eq!(found["count"], 2);
    let back = listed(&world, &rack).await;
    assert!(back.iter().all(|device| id(device) != all[0].to_string()));
    rack.fake.down("cut off");
    let (status, _) = refused(&world.admin, "discoverGpuDevices", &[("id", &host)]).await;
    assert_eq!(status, 534);
    world.run("UPDATE host SET state = 'Down'").await;
    let (status, text) = refused(&world.admin, "discoverGpuDevices", &[("id", &host)]).await;
    assert_eq!(status, 431, "{text}");
}

/// What to enter on a host that has a device: its card and passthrough profile, this address and type.
fn entry<'a>(known: &'a Value, address: &'a str, kind: &'a str) -> Vec<(&'static str, &'a str)> {
    let text = |key: &str| known[key].as_str().expect("an id");
    vec![
        ("hostid", text("hostid")),
        ("busaddress", address),
        ("gpucardid", text("gpucardid")),
        ("vgpuprofileid", text("vgpuprofileid")),
        ("type", kind),
    ]
}

#[tokio::test]
async fn what_cannot_be_a_device_is_not_entered() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let known = listed(&world, &rack).await.remove(0);
    let before = world.fingerprint();
    for (address, kind) in [
        ("81:00.0", "GPU"),
        ("here", "PCI"),
        ("  ", "pci"),
        ("81:00.0", "mdev"),
        ("c0ffee00-0000-4000-8000-000000000001", "MDEV"),
        ("0001:11:00.8", "PCI"),
    ] {
        let params = entry(&known, address, kind);
        let (status, text) = refused(&world.admin, "createGpuDevice", &params).await;
        assert_eq!(status, 431, "{address} {kind}: {text}");
    }
    let there = entry(&known, "0000:11:00.0", "PCI");
    assert_eq!(refused(&world.admin, "createGpuDevice", &there).await.0, 530);
    let mut node = entry(&known, "81:00.0", "PCI");
    node.push(("numanode", "left"));
    assert_eq!(refused(&world.admin, "createGpuDevice", &node).await.0, 431);
    assert_eq!(world.fingerprint(), before);

    let card = [
        ("deviceid", "ffff"),
        ("devicename", "other"),
        ("vendorid", "ffff"),
        ("vendorname", "other"),
        ("name", "other"),
    ];
    let other = world.admin.ok("createGpuCard", &card).await;
    let mut params = entry(&known, "81:00.0", "PCI");
    params[2].1 = id(&other["gpucard"]);
    let (status, text) = refused(&world.admin, "createGpuDevice", &params).await;
    assert_eq!(status, 431);
    assert!(text.contains("does not belong to GPU card"), "{text}");
}

#[tokio::test]
async fn a_device_entered_by_hand_waits_for_its_host() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let known = listed(&world, &rack).await.remove(0);
    let mut params = entry(&known, "0001:81:00.0", "pci");
    params.push(("numanode", "1"));
    let made = world.admin.ok("createGpuDevice", &params).await["gpudevice"].clone();
    assert_eq!((&made["busaddress"], &made["numanode"]), (&json!("0001:81:00.0"), &json!("1")));
    assert_eq!((&made["state"], &made["ready"]), (&json!("Free"), &json!(false)));
    let pick = Pick::Device(id(&made).parse().expect("an id"));
    assert!(world.claim(&rack, &[pick]).await.is_err(), "nobody has seen it");
    let changed = [("id", id(&made)), ("numanode", "0")];
    let changed = world.admin.ok("updateGpuDevice", &changed).await;
    assert_eq!(changed["gpudevice"]["numanode"], "0");
    rack.fake.change(|all| {
        let mut new = all[0].clone();
        new.address = "0001:81:00.0".parse().expect("an address");
        new.group_members = vec![new.address];
        new.iommu_group = Some(77);
        all.push(new);
    });
    world.admin.ok("discoverGpuDevices", &[("id", &rack.id.to_string())]).await;
    let seen = listed(&world, &rack).await;
    let seen = seen.iter().find(|d| id(d) == id(&made)).expect("the same row");
    assert_eq!(seen["ready"], true);
    world.claim(&rack, &[pick]).await.expect("free");
}

#[tokio::test]
async fn a_parent_is_used_in_parts_and_no_part_is_a_parent() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let known = listed(&world, &rack).await;
    let (parent, part) = (id(&known[0]), id(&known[1]));
    let update = [("id", part), ("parentgpudeviceid", parent)];
    world.admin.ok("updateGpuDevice", &update).await;
    assert_eq!(listed(&world, &rack).await[0]["gpudevicetype"], "VGPUOnly");
    for params in [
        [("id", parent), ("parentgpudeviceid", part)],
        [("id", parent), ("parentgpudeviceid", parent)],
        [("id", parent), ("type", "PCI")],
        [("id", parent), ("type", "MDEV")],
    ] {
        assert_eq!(refused(&world.admin, "updateGpuDevice", &params).await.0, 431, "{params:?}");
    }
    assert_eq!(refused(&world.admin, "deleteGpuDevice", &[("ids", parent)]).await.0, 536);
    world.admin.ok("deleteGpuDevice", &[("ids", part)]).await;
    assert_eq!(listed(&world, &rack).await[0]["gpudevicetype"], "PCI");
}

#[tokio::test]
async fn a_held_device_cannot_be_changed() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.devices(&rack).await[0];
    let vm = world.claim(&rack, &[Pick::Device(device)]).await.expect("free");
    let params = [("id", device.to_string()), ("numanode", "1".to_owned())];
    let params: Vec<_> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let (status, text) = refused(&world.admin, "updateGpuDevice", &params).await;
    let want = format!("Cannot update GPU device {device} as it is currently allocated to VM {vm}");
    assert_eq!((status, text), (536, want));
}

#[tokio::test]
async fn a_strangers_device_is_an_error_with_its_reason() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = DeviceRef::Pci { address: rack.fake.addresses()[0], companions: Vec::new() };
    rack.fake.intrude(machine(uuid::Uuid::new_v4(), vec![device]));
    let found = world.admin.ok("discoverGpuDevices", &[("id", &rack.id.to_string())]).await;
    let device = &found["gpudevice"][0];
    assert_eq!((&device["state"], &device["health"]), (&json!("Error"), &json!("Foreign")));
    assert!(device["reason"].as_str().is_some_and(|why| why.contains("which does not hold it")));
}

#[tokio::test]
async fn the_cost_of_a_page_does_not_depend_on_its_size() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    world
        .run(
            "INSERT INTO gpu_device (id, host_id, card_id, profile_id, address, device_type, carrier, managed, health, is_ready)
            SELECT UUID(), d.host_id, d.card_id, d.profile_id, CONCAT('x', s.seq), 'PCI', d.carrier, 'Managed', 'Ok', 1
            FROM (SELECT a.n + 10 * b.n + 100 * c.n + 1000 * e.n AS seq FROM
                (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) a,
                (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) b,
                (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) c,
                (SELECT 0 n UNION SELECT 1) e) s
            CROSS JOIN (SELECT * FROM gpu_device LIMIT 1) d",
        )
        .await;
    let host = rack.id.to_string();
    let mut least = u64::MAX;
    for size in ["1", "500"] {
        // the server works by itself too: the least of several tries is the request's own
        for _ in 0..5 {
            let before = world.db().statements();
            let params = [("hostid", host.as_str()), ("page", "2"), ("pagesize", size)];
            let page = world.admin.ok("listGpuDevices", &params).await;
            assert_eq!(page["count"], 2002);
            least = least.min(world.db().statements() - before);
        }
        // who calls, whether the host is there, the page, its count
        assert!(least <= 4, "{least} statements for {size}");
    }
    let found = world.admin.ok("listGpuDevices", &[("keyword", "x1999")]).await;
    assert_eq!(found["count"], 1);
    let found = world.admin.ok("listGpuDevices", &[("keyword", "A100 SXM4")]).await;
    assert_eq!(found["count"], 2002);
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(7)).await;
    let all: Vec<String> =
        listed(&world, &rack).await.iter().map(|device| id(device).to_owned()).collect();
    let mut paged = Vec::new();
    for (page, size) in [("1", 3), ("2", 3), ("3", 1), ("4", 0)] {
        let found = world.admin.ok("listGpuDevices", &[("page", page), ("pagesize", "3")]).await;
        assert_eq!(found["count"], 7, "page {page}");
        let devices = found["gpudevice"].as_array().cloned().unwrap_or_default();
        assert_eq!(devices.len(), size, "page {page}");
        paged.extend(devices.iter().map(|device| id(device).to_owned()));
    }
    assert_eq!(paged, all);
}
