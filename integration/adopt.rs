//! Domains that were made by hand and run with GPUs are taken into the books, or told why not.

use crate::world::{
    World,
    rack::{Rack, machine},
    site::{Site, instance, state},
};
use csgpu::{
    domain::{
        gpu::Pick,
        machine::{DeviceRef, DiskSpec, MachineSpec, NicLink, NicSpec, VolumeRef},
    },
    hypervisor::fake::FakeShape,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn reference(rack: &Rack, n: usize) -> DeviceRef {
    DeviceRef::Pci { address: rack.fake.addresses()[n], companions: Vec::new() }
}

/// Somebody starts a domain of this name with these functions by hand.
fn by_hand(rack: &Rack, name: &str, functions: &[usize]) -> Uuid {
    let devices = functions.iter().map(|n| reference(rack, *n)).collect();
    let spec = machine(Uuid::new_v4(), devices);
    let uuid = spec.uuid;
    rack.fake.intrude(MachineSpec { name: name.to_owned(), ..spec });
    uuid
}

fn words<'a>(site: &'a Site, host: &'a str, size: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("hostid", host), ("serviceofferingid", size), ("templateid", &site.template)]
}

async fn adopt(world: &World, words: &[(&str, &str)]) -> Vec<Value> {
    let found = world.admin.ok("adoptVirtualMachine", words).await;
    found["adoption"].as_array().cloned().unwrap_or_default()
}

#[actix_web::test]
async fn a_domain_made_by_hand_becomes_an_instance_and_ends_like_one() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(4)]).await;
    let rack = &site.racks[0];
    let size = world.size("plain", 0).await;
    let host = rack.id.to_string();
    let uuid = by_hand(rack, "training-box", &[0, 1]);
    by_hand(rack, "no-gpu", &[]);
    world.look(rack).await.expect("an answer");
    let open = "SELECT kind AS text FROM alert WHERE resolved IS NULL";
    assert_eq!(world.texts(open).await.len(), 2, "two devices are used by a stranger");

    // first it is only shown
    let before = world.fingerprint();
    let shown = adopt(&world, &words(&site, &host, &size)).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!((&shown[0]["id"], &shown[0]["domainname"]), (&json!(uuid), &json!("training-box")));
    assert_eq!((&shown[0]["adoptable"], &shown[0]["adopted"]), (&json!(true), &json!(false)));
    assert_eq!(shown[0]["gpus"], json!(["2 x NVIDIA A100 SXM4 80GB passthrough"]));
    assert_eq!(shown[0]["gpudeviceids"].as_array().map(Vec::len), Some(2));
    assert!(shown[0].get("reasons").is_none());
    let events = |all: Vec<(String, i64, i64)>| -> Vec<(String, i64, i64)> {
        all.into_iter().filter(|(table, ..)| table != "event").collect()
    };
    assert_eq!(events(world.fingerprint()), events(before), "a dry run changes nothing");

    let mut real = words(&site, &host, &size);
    real.push(("dryrun", "false"));
    let done = adopt(&world, &real).await;
    assert_eq!(done[0]["adopted"], true, "{done:?}");
    assert_eq!(world.held().await, "Allocated Allocated");
    assert!(world.texts(open).await.is_empty());
    assert!(world.texts("SELECT id AS text FROM gpu_drift").await.is_empty());
    let id = uuid.to_string();
    let vm =
        world.admin.ok("listVirtualMachines", &[("id", &id)]).await["virtualmachine"][0].clone();
    assert_eq!((&vm["state"], &vm["hostid"]), (&json!("Running"), &json!(host)));
    assert_eq!(
        (&vm["name"], &vm["instancename"]),
        (&json!("training-box"), &json!("training-box"))
    );
    assert_eq!(vm["gpucount"], 2, "{vm}");
    let used = "SELECT CAST(kind AS CHAR) AS text FROM usage_interval WHERE open = 1 AND vm_id IS NOT NULL ORDER BY kind";
    assert_eq!(world.texts(used).await, ["1", "2", "101", "101"]);
    world.look(rack).await.expect("an answer");
    assert!(world.texts("SELECT id AS text FROM gpu_drift").await.is_empty());
    assert!(adopt(&world, &real).await.is_empty(), "there is nothing left to adopt");
    world.check_invariants();

    // a stop leaves what it cannot make again, and a start uses it
    let stop = [("id", id.as_str()), ("forced", "true")];
    assert_eq!(world.admin.call_async("stopVirtualMachine", &stop).await["jobstatus"], 1);
    assert_eq!(state(&world.admin, &id).await.as_deref(), Some("Stopped"));
    assert_eq!(world.held().await, "Allocated Allocated", "kept by a stop, as the setting says");
    assert!(rack.fake.domain(uuid).is_some(), "its definition stays");
    let again = instance(&world.admin.call_async("startVirtualMachine", &[("id", &id)]).await);
    assert_eq!((&again["state"], &again["hostid"]), (&json!("Running"), &json!(host)));
    assert_eq!(world.held().await, "Allocated Allocated");
    assert!(rack.fake.running().contains(&uuid));
    world.check_invariants();
    assert_eq!(world.admin.call_async("stopVirtualMachine", &stop).await["jobstatus"], 1);
    let other = world.size("other", 0).await;
    let scale = [("id", id.as_str()), ("serviceofferingid", other.as_str())];
    let refused = world.admin.call("changeServiceForVirtualMachine", &scale).await;
    assert!(refused.error().contains("made by hand and adopted"), "{}", refused.text());
    let gone = [("id", id.as_str()), ("expunge", "true")];
    let job = world.admin.call_async("destroyVirtualMachine", &gone).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    assert_eq!(world.held().await, "");
    assert!(rack.fake.domain(uuid).is_none());
    assert_eq!(rack.fake.proven().len(), 2, "proven clean like all others");
    world.settle().await;
}

#[actix_web::test]
async fn where_the_books_disagree_nothing_is_taken_over() {
    let world = World::new().await;
    let shape = FakeShape::new("h").gpus(8).gpus_per_group(2);
    let site = world.site([shape]).await;
    let rack = &site.racks[0];
    let (size, three) = (world.size("plain", 0).await, world.size("three", 3).await);
    let host = rack.id.to_string();
    let all = world.devices(rack).await;
    let vm = world.claim(rack, &[Pick::Device(all[0]), Pick::Device(all[1])]).await.expect("free");
    by_hand(rack, "thief", &[0, 1]);
    by_hand(rack, "half", &[2]);
    by_hand(rack, "kept", &[4, 5]);
    by_hand(rack, "fine", &[6, 7]);
    world.admin.ok("unmanageGpuDevice", &[("ids", &all[4].to_string())]).await;
    world.run(&format!("UPDATE gpu_device SET health = 'Quarantined', health_reason = 'a doubt' WHERE id = '{}'", all[5])).await;
    world.look(rack).await.expect("an answer");
    let shown = adopt(&world, &words(&site, &host, &size)).await;
    let reasons = |name: &str| {
        let one = shown.iter().find(|one| one["domainname"] == name).expect("it is shown");
        let reasons = one["reasons"].as_array().cloned().unwrap_or_default();
        reasons.iter().map(|why| why.as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    let held = |at: &str| format!("GPU device {at} is held by instance {vm}");
    assert_eq!(reasons("thief"), [held("0000:11:00.0"), held("0000:13:00.0")]);
    let half = "GPU device 0000:17:00.0 shares IOMMU group 21 with 0000:15:00.0 and is not with the domain";
    assert_eq!(reasons("half"), [half]);
    let kept = [
        "GPU device 0000:19:00.0 is unmanaged: manage it first",
        "GPU device 0000:1b:00.0 is Quarantined: a doubt",
    ];
    assert_eq!(reasons("kept"), kept);
    assert!(reasons("fine").is_empty());

    let held = world.texts("SELECT id AS text FROM gpu_allocation WHERE active = 1").await;
    let real = |name: &'static str, size: &str| {
        let size = size.to_owned();
        let (world, site, host) = (&world, &site, &host);
        async move {
            let mut words = words(site, host, &size);
            words.extend([("dryrun", "false"), ("domainname", name)]);
            world.admin.call("adoptVirtualMachine", &words).await
        }
    };
    let refused = real("half", &size).await;
    let want = format!("domain half cannot be adopted: {half}");
    assert_eq!((refused.status, refused.error()), (530, want.as_str()));
    let refused = real("fine", &three).await;
    assert!(refused.error().contains("asks for 3 x NVIDIA A100"), "{}", refused.text());
    let refused = real("nobody", &size).await;
    assert_eq!(refused.status, 431, "{}", refused.text());
    assert_eq!(world.texts("SELECT id AS text FROM gpu_allocation WHERE active = 1").await, held);

    // what fits is taken over, the rest is told
    let mut words = words(&site, &host, &size);
    words.push(("dryrun", "false"));
    let done = adopt(&world, &words).await;
    let adopted: Vec<&Value> = done.iter().filter(|one| one["adopted"] == true).collect();
    assert_eq!((done.len(), adopted.len()), (4, 1));
    assert_eq!(adopted[0]["domainname"], "fine");
    let joe = world.user("joe").await;
    assert_eq!(joe.call("adoptVirtualMachine", &words).await.status, 432);
}

#[actix_web::test]
async fn limits_and_room_speak_against_it_and_two_at_once_take_it_over_once() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(2)]).await;
    let rack = &site.racks[0];
    let size = world.size("plain", 0).await;
    let host = rack.id.to_string();
    by_hand(rack, "box", &[0]);
    world.look(rack).await.expect("an answer");
    let _joe = world.user("joe").await;
    let domain = world.texts("SELECT domain_id AS text FROM account WHERE name = 'joe'").await;
    let mut for_joe = words(&site, &host, &size);
    for_joe.extend([("account", "joe"), ("domainid", &domain[0]), ("dryrun", "false")]);
    for_joe.push(("domainname", "box"));
    let limit =
        [("account", "joe"), ("domainid", &*domain[0]), ("resourcetype", "16"), ("max", "0")];
    world.admin.ok("updateResourceLimit", &limit).await;
    let refused = world.admin.call("adoptVirtualMachine", &for_joe).await;
    assert_eq!(refused.status, 535, "{}", refused.text());
    assert_eq!(world.held().await, "");
    world.run("UPDATE host SET memory = 1048576").await;
    let shown = adopt(&world, &words(&site, &host, &size)).await;
    let why = shown[0]["reasons"][0].as_str().expect("a reason");
    assert!(why.contains("the host has 1 MiB left"), "{why}");
    world.run("UPDATE host SET memory = 549755813888").await;

    let mut real = words(&site, &host, &size);
    real.push(("dryrun", "false"));
    let (one, two) = tokio::join!(
        world.admin.call("adoptVirtualMachine", &real),
        world.admin.call("adoptVirtualMachine", &real)
    );
    let won = |answer: &crate::world::Answer| answer.text().matches("\"adopted\":true").count();
    assert_eq!(won(&one) + won(&two), 1, "{} {}", one.text(), two.text());
    assert_eq!(world.held().await, "Allocated");
    world.settle().await;
}

#[actix_web::test]
async fn disks_and_interfaces_come_into_the_books_and_what_cannot_is_told() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let rack = &site.racks[0];
    let (host, size) = (rack.id.to_string(), world.size("plain", 0).await);
    let disk = |name: &str, format: &str| DiskSpec {
        volume: VolumeRef { pool: "srv".to_owned(), volume: name.to_owned() },
        format: format.to_owned(),
    };
    let nic = |n: u8, bridge: &str| NicSpec {
        mac: format!("52:54:00:00:00:0{n}"),
        link: NicLink::Bridge(bridge.to_owned()),
    };
    let spec = MachineSpec {
        name: "box".to_owned(),
        disks: vec![disk("os.qcow2", "qcow2"), disk("data", "raw")],
        nics: vec![nic(1, "virbr0"), nic(2, "br0")],
        ..machine(Uuid::new_v4(), vec![reference(rack, 0)])
    };
    let uuid = spec.uuid;
    rack.fake.intrude(spec);
    world.look(rack).await.expect("an answer");

    let shown = adopt(&world, &words(&site, &host, &size)).await;
    let disks = ["ROOT /srv/os.qcow2 (1073741824 bytes)", "DATADISK /srv/data (1073741824 bytes)"];
    assert_eq!(shown[0]["disks"], json!(disks), "{shown:?}");
    assert_eq!(shown[0]["nics"], json!(["52:54:00:00:00:02 in network outside"]));
    let note = "interface 52:54:00:00:00:01: virbr0 is no network of its owner in this zone; it stays with the domain and \
        is no interface of the instance";
    assert_eq!(shown[0]["notes"], json!([note]));

    // a limit of its owner holds for its disks too
    let at_most = async |max: &str| {
        let domain = world.texts("SELECT domain_id AS text FROM account WHERE name = 'joe'").await;
        let words = [("account", "joe"), ("domainid", &*domain[0]), ("resourcetype", "2")];
        let words: Vec<(&str, &str)> = words.into_iter().chain([("max", max)]).collect();
        world.admin.ok("updateResourceLimit", &words).await;
        domain[0].clone()
    };
    let joe = world.user("joe").await;
    let domain = at_most("1").await;
    let mut real = words(&site, &host, &size);
    real.extend([("account", "joe"), ("domainid", &*domain), ("dryrun", "false")]);
    let told = adopt(&world, &real).await;
    assert_eq!(told[0]["adopted"], false, "{told:?}");
    at_most("2").await;
    let done = adopt(&world, &real).await;
    assert_eq!(done[0]["adopted"], true, "{done:?}");
    world.check_invariants();

    let id = uuid.to_string();
    let seen = joe.ok("listVolumes", &[("virtualmachineid", &id)]).await;
    let volume = |n: usize, key: &str| seen["volume"][n][key].clone();
    assert_eq!(
        (&seen["count"], volume(0, "type"), volume(1, "type")),
        (&json!(2), json!("ROOT"), json!("DATADISK"))
    );
    assert_eq!((volume(0, "state"), volume(0, "size")), (json!("Ready"), json!(1_u64 << 30)));
    let all =
        world.admin.ok("listVolumes", &[("virtualmachineid", &id), ("listall", "true")]).await;
    assert_eq!(all["volume"][0]["path"], "/srv/os.qcow2");
    let vm = joe.ok("listVirtualMachines", &[("id", &id)]).await["virtualmachine"][0].clone();
    let nics = vm["nic"].as_array().expect("interfaces");
    assert_eq!(nics.len(), 1, "{vm}");
    assert_eq!(
        (&nics[0]["macaddress"], &nics[0]["networkid"], &nics[0]["isdefault"]),
        (&json!("52:54:00:00:00:02"), &json!(site.bridge), &json!(true))
    );
    assert!(nics[0].get("ipaddress").is_none(), "nobody knows it: {vm}");

    // it has disks, and is still one that the cloud cannot make again
    let stop = [("id", id.as_str()), ("forced", "true")];
    assert_eq!(joe.call_async("stopVirtualMachine", &stop).await["jobstatus"], 1);
    assert!(rack.fake.domain(uuid).is_some(), "its definition stays");
    assert_eq!(joe.call_async("startVirtualMachine", &[("id", &id)]).await["jobstatus"], 1);
    assert_eq!(rack.fake.running(), [uuid]);
    let gone = [("id", id.as_str()), ("expunge", "true")];
    let job = world.admin.call_async("destroyVirtualMachine", &gone).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    assert!(rack.fake.domain(uuid).is_none() && world.held().await.is_empty());
    assert!(!rack.fake.history().contains(&"ensure_no_volume"), "its disks are left alone");
    let left = "SELECT id AS text FROM volume WHERE removed IS NULL";
    assert!(world.texts(left).await.is_empty());
    assert!(
        world
            .texts("SELECT id AS text FROM usage_interval WHERE open = 1 AND kind = 6")
            .await
            .is_empty()
    );
    world.settle().await;
}

/// Hosts of these shapes, and an adopted instance with the first GPU of the first, which it gives back when it stops.
async fn adopted<const N: usize>(shapes: [FakeShape; N]) -> (World, Site, Uuid) {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let site = world.site(shapes).await;
    let (host, size) = (site.racks[0].id.to_string(), world.size("plain", 0).await);
    let uuid = by_hand(&site.racks[0], "box", &[0]);
    world.look(&site.racks[0]).await.expect("an answer");
    let mut real = words(&site, &host, &size);
    real.push(("dryrun", "false"));
    assert_eq!(adopt(&world, &real).await[0]["adopted"], true);
    (world, site, uuid)
}

#[actix_web::test]
async fn one_that_gave_its_gpus_back_is_undefined_when_it_is_destroyed() {
    let (world, site, uuid) = adopted([FakeShape::new("h").gpus(1)]).await;
    let (rack, id) = (&site.racks[0], uuid.to_string());
    let stop = [("id", id.as_str()), ("forced", "true")];
    assert_eq!(world.admin.call_async("stopVirtualMachine", &stop).await["jobstatus"], 1);
    assert!(world.held().await.is_empty() && rack.fake.domain(uuid).is_some());
    let gone = [("id", id.as_str()), ("expunge", "true")];
    assert_eq!(world.admin.call_async("destroyVirtualMachine", &gone).await["jobstatus"], 1);
    assert!(rack.fake.domain(uuid).is_none(), "nothing would ever remove it");
    world.settle().await;
}

#[actix_web::test]
async fn it_starts_only_with_what_its_definition_names_and_only_when_that_is_free() {
    let (world, site, uuid) =
        adopted([FakeShape::new("h").gpus(2), FakeShape::new("h2").gpus(2)]).await;
    let (rack, id) = (&site.racks[0], uuid.to_string());
    let (start, stop) = ([("id", id.as_str())], [("id", id.as_str()), ("forced", "true")]);
    let stopped = async || {
        assert_eq!(world.admin.call_async("stopVirtualMachine", &stop).await["jobstatus"], 1);
        assert_eq!(world.held().await, "");
    };
    stopped().await;
    // it gave its GPU back, and gets that one again
    let device = world.devices(rack).await[0];
    assert_eq!(world.admin.call_async("startVirtualMachine", &start).await["jobstatus"], 1);
    let held = world.texts("SELECT device_id AS text FROM gpu_allocation WHERE active = 1").await;
    assert_eq!((held, rack.fake.running()), (vec![device.to_string()], vec![uuid]));
    world.check_invariants();
    stopped().await;
    let other = world.claim(rack, &[Pick::Device(device)]).await.expect("free");
    let refused = world.admin.call("startVirtualMachine", &start).await;
    let why = format!("GPU device {device} is held by another instance");
    assert!(refused.status == 533 && refused.error().contains(&why), "{}", refused.text());
    let free = move |tx: &mut csgpu::store::Tx<'_>| csgpu::store::gpu_claim::give_back(tx, other);
    world.db().txn("given back", free).await.expect("given back");
    let elsewhere = site.racks[1].id.to_string();
    let refused =
        world.admin.call("startVirtualMachine", &[start[0], ("hostid", &elsewhere)]).await;
    assert!(refused.error().contains("can start there only"), "{}", refused.text());

    // somebody gives the domain another GPU meanwhile
    let change = |functions: &[usize]| {
        let devices = functions.iter().map(|n| reference(rack, *n)).collect();
        let spec = MachineSpec { name: "box".to_owned(), ..machine(uuid, devices) };
        rack.fake.intrude(spec);
        rack.fake.halt(uuid);
    };
    change(&[0, 1]);
    let job = world.admin.call_async("startVirtualMachine", &start).await;
    let why = "names other GPU devices (0000:11:00.0, 0000:13:00.0) than instance";
    assert!(job["jobresult"]["errortext"].as_str().expect("a text").contains(why), "{job}");
    let is_left = || rack.fake.running().is_empty() && rack.fake.domain(uuid).is_some();
    assert!(is_left() && world.held().await.is_empty(), "it is as it was before");
    assert_eq!(state(&world.admin, &id).await.as_deref(), Some("Stopped"));
    change(&[0]);
    rack.fake.fail_next("ensure_running");
    assert_eq!(world.admin.call_async("startVirtualMachine", &start).await["jobstatus"], 2);
    assert!(is_left() && world.held().await.is_empty(), "a failed start leaves its definition");
    rack.fake.lose(uuid);
    let job = world.admin.call_async("startVirtualMachine", &start).await;
    let why = "its definition is not on its host any more";
    assert!(job["jobresult"]["errortext"].as_str().expect("a text").contains(why), "{job}");
    world.settle().await;
}
