//! Release with proof: where a device is on its way is shown, any doubt quarantines it, an administrator resets it, and
//! the operator's own program has the last word.

use crate::world::{
    Client, World,
    rack::{Rack, machine},
    site::instance,
};
use csgpu::{
    command::proof::ReleaseHook,
    domain::{gpu::Pick, machine::DeviceRef, machine::Proof},
    hypervisor::fake::FakeShape,
    store::gpu_claim,
};
use serde_json::Value;
use std::{os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

/// A host's devices as `listGpuDevices` shows them, by address.
async fn listed(world: &World, rack: &Rack) -> Vec<Value> {
    let host = rack.id.to_string();
    let found = world.admin.ok("listGpuDevices", &[("hostid", &host)]).await;
    let mut all = found["gpudevice"].as_array().cloned().unwrap_or_default();
    all.sort_by_key(|device| device["busaddress"].to_string());
    all
}

/// Where the first device is.
async fn first(world: &World, rack: &Rack) -> String {
    let device = listed(world, rack).await.remove(0);
    let word = |key: &str| device[key].as_str().unwrap_or("-").to_owned();
    format!("{} {} {} {}", word("state"), word("allocationstate"), word("health"), word("reason"))
}

async fn reset(client: &Client, device: &str) -> Value {
    client.call_async("resetGpuDevice", &[("id", device)]).await
}

async fn open_alerts(world: &World) -> Vec<String> {
    world.texts("SELECT description AS text FROM alert WHERE resolved IS NULL").await
}

/// A world whose release hook is this shell script, with this limit.
async fn hooked(script: &str, limit: Duration) -> World {
    let mut world = World::new().await;
    let program = write(&world, script);
    world
        .restart_with(|settings| settings.release_hook = Some(ReleaseHook { program, limit }))
        .await;
    world
}

fn write(world: &World, script: &str) -> PathBuf {
    let program = world.dir.join("hook");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("a program");
    program
}

#[tokio::test]
async fn every_step_of_a_device_is_shown_with_its_time() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    world.run("UPDATE gpu_device SET since = '2020-01-01'").await;
    let step = async |want: &str, is_new: bool| {
        assert_eq!(first(&world, &rack).await, want);
        let since = listed(&world, &rack).await[0]["since"].as_str().expect("a time").to_owned();
        assert_eq!(!since.starts_with("2020-01-01"), is_new, "{want} since {since}");
    };
    step("Free Free Ok -", false).await;
    let pick = [Pick::Device(world.devices(&rack).await[0])];
    let vm = world.claim(&rack, &pick).await.expect("free");
    step("Allocated Reserved Ok -", true).await;
    let device = world.devices(&rack).await[0];
    for (write, want) in [(0, "Allocated Allocated Ok -"), (1, "Allocated Releasing Ok -")] {
        let work = move |tx: &mut csgpu::store::Tx<'_>| match write {
            0 => gpu_claim::confirm(tx, vm),
            _ => gpu_claim::begin_release(tx, vm),
        };
        world.db().txn("step", work).await.expect("a step");
        step(want, true).await;
    }
    let finish = |proof: Proof| {
        let proof = vec![(device, proof)];
        world.db().txn("end", move |tx| gpu_claim::finish_release(tx, vm, &proof))
    };
    world.run("UPDATE gpu_device SET since = '2020-01-01'").await;
    finish(Proof::Clean).await.expect("released");
    step("Free Free Ok -", true).await;
    let vm = world.claim(&rack, &pick).await.expect("free");
    let doubt = vec![(device, Proof::Doubt("it smells".to_owned()))];
    let work = move |tx: &mut csgpu::store::Tx<'_>| {
        gpu_claim::begin_release(tx, vm)?;
        gpu_claim::finish_release(tx, vm, &doubt)
    };
    world.db().txn("doubt", work).await.expect("released");
    step("Error Quarantined Quarantined it smells", true).await;
    assert_eq!(open_alerts(&world).await.len(), 1);
}

#[actix_web::test]
async fn a_reset_frees_a_quarantined_device_or_says_why_not() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let rack = &site.racks[0];
    let gpu = rack.fake.addresses()[0];
    let device = world.devices(rack).await[0].to_string();
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let vm = vm["id"].as_str().expect("an id");
    let refused = world.admin.call("resetGpuDevice", &[("id", &device)]).await;
    let want = format!("Cannot reset GPU device {device}: it is in use by VM {vm}");
    assert_eq!((refused.status, refused.error()), (536, want.as_str()));

    rack.fake.doubt(gpu, Some("it does not come back from its reset"));
    let gone = [("id", vm), ("expunge", "true")];
    world.admin.call_async("destroyVirtualMachine", &gone).await;
    let bad = "Error Quarantined Quarantined it does not come back from its reset";
    assert_eq!(first(&world, rack).await, bad);
    let job = reset(&world.admin, &device).await;
    let want = format!("GPU device {device} is quarantined: it does not come back from its reset");
    assert_eq!((&job["jobstatus"], &job["jobresult"]["errortext"]), (&2.into(), &want.into()));
    assert_eq!(first(&world, rack).await, bad);
    assert_eq!(open_alerts(&world).await.len(), 1, "told once");

    rack.fake.doubt(gpu, None);
    let proofs = rack.fake.proven().len();
    let job = reset(&world.admin, &device).await;
    assert_eq!(job["jobresult"]["gpudevice"]["allocationstate"], "Free", "{job}");
    assert_eq!(first(&world, rack).await, "Free Free Ok -");
    assert_eq!(rack.fake.proven().len(), proofs + 1);
    assert!(open_alerts(&world).await.is_empty());
    let events = "SELECT DISTINCT kind AS text FROM event WHERE kind LIKE 'GPU.DEVICE.RESET'";
    assert_eq!(world.texts(events).await.len(), 1);
    // a free one can be reset too, and be found wanting
    rack.fake.doubt(gpu, Some("it is dead"));
    assert_eq!(reset(&world.admin, &device).await["jobstatus"], 2);
    assert_eq!(first(&world, rack).await, "Error Quarantined Quarantined it is dead");
    assert_eq!(open_alerts(&world).await.len(), 1);
    world.settle().await;
}

#[actix_web::test]
async fn while_a_device_is_reset_nobody_gets_it_and_nobody_vouches_for_it() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.devices(&rack).await[0].to_string();
    rack.fake.hang();
    let job = world.admin.ok("resetGpuDevice", &[("id", &device)]).await;
    assert_eq!(first(&world, &rack).await, "Error Quarantined Quarantined it is being reset");
    let pick = [Pick::Device(world.devices(&rack).await[0])];
    assert!(world.claim(&rack, &pick).await.is_err());
    for command in ["manageGpuDevice", "unmanageGpuDevice", "deleteGpuDevice"] {
        let refused = world.admin.call(command, &[("ids", &device)]).await;
        let want = format!("GPU device {device} is being reset");
        assert_eq!((refused.status, refused.error()), (530, want.as_str()), "{command}");
    }
    let again = world.admin.call("resetGpuDevice", &[("id", &device)]).await;
    assert!(again.error().ends_with("it is being reset already"), "{}", again.text());
    rack.fake.resume();
    let job = world.admin.finished(job["jobid"].as_str().expect("a job")).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    assert_eq!(first(&world, &rack).await, "Free Free Ok -");
    world.claim(&rack, &pick).await.expect("free again");
}

#[actix_web::test]
async fn what_cannot_be_reset_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let shape = FakeShape::new("h").gpus(4).gpus_per_group(2).slice_type("t", "A100D-4C", 4);
    let rack = world.rack(shape).await;
    let all = world.devices(&rack).await;
    // its neighbour in the group is held
    let vm = world.claim(&rack, &[Pick::Device(all[0]), Pick::Device(all[1])]).await.expect("free");
    world.run(&format!("UPDATE gpu_allocation SET active = NULL, state = 'Released', released = NOW() WHERE device_id = '{}'", all[1])).await;
    world.run("UPDATE resource_count SET used = used - 1 WHERE kind = 16 AND used > 0").await;
    world
        .run("UPDATE resource_count SET used = used - 81920 WHERE kind = 116 AND used > 81920")
        .await;
    rack.fake.intrude(machine(
        uuid::Uuid::new_v4(),
        vec![DeviceRef::Pci { address: rack.fake.addresses()[2], companions: Vec::new() }],
    ));
    world.look(&rack).await.expect("an answer");
    world
        .run(&format!(
            "UPDATE gpu_device SET health = 'Missing', health_reason = 'gone' WHERE id = '{}'",
            all[3]
        ))
        .await;
    let before = world.fingerprint();
    for (n, status, why) in [
        (0, 536, format!("it is in use by VM {vm}")),
        (1, 536, format!("GPU device {}, which shares its hardware, is in use by VM {vm}", all[0])),
        (2, 536, "which does not hold it, uses this device".to_owned()),
        (3, 530, "it is missing, gone".to_owned()),
    ] {
        let refused = world.admin.call("resetGpuDevice", &[("id", &all[n].to_string())]).await;
        assert_eq!(refused.status, status, "{}", refused.text());
        assert!(refused.error().ends_with(&why), "{n}: {}", refused.text());
    }
    assert_eq!(world.fingerprint(), before);
    let joe = world.user("joe").await;
    let refused = joe.call("resetGpuDevice", &[("id", &all[1].to_string())]).await;
    assert_eq!(refused.status, 432);
    world.run("UPDATE gpu_device SET health = 'Ok', health_reason = NULL").await;
    world.run("UPDATE host SET state = 'Down'").await;
    let refused = world.admin.call("resetGpuDevice", &[("id", &all[2].to_string())]).await;
    assert!(refused.error().ends_with("its host is Down"), "{}", refused.text());
}

#[actix_web::test]
async fn a_reset_that_the_host_or_the_server_does_not_end_leaves_a_quarantine() {
    let mut world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.devices(&rack).await[0].to_string();
    rack.fake.fail_next("prove_clean");
    let job = reset(&world.admin, &device).await;
    assert_eq!(job["jobstatus"], 2, "{job}");
    let unsure = "Error Quarantined Quarantined its reset did not come to an end";
    assert_eq!(first(&world, &rack).await, unsure);
    // a server that dies in the middle of it: the next one resets once more
    rack.fake.hang_after(1);
    let job = world.admin.ok("resetGpuDevice", &[("id", &device)]).await;
    while !rack.fake.is_hung() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.server.crash();
    rack.fake.resume();
    let (server, client) = world.another_server().await;
    (world.server, world.admin) = (server, client);
    let host = csgpu::hypervisor::HostAddress {
        host: rack.id,
        name: "h".to_owned(),
        uri: rack.fake.uri(),
        host_key: None,
    };
    world.server.wiring.hosts.ensure_open(&host).expect("it opens");
    let job = world.admin.finished(job["jobid"].as_str().expect("a job")).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    assert_eq!(first(&world, &rack).await, "Free Free Ok -");
    world.settle().await;
}

#[actix_web::test]
async fn the_operators_program_has_the_last_word_on_every_release() {
    let told = "printf '%s|' \"$@\" >> told; [ ! -e bad ] || { echo working; echo 'row remap failed' >&2; exit 7; }";
    let world = hooked("", Duration::from_secs(20)).await;
    write(&world, &format!("cd {}\n{told}", world.dir.display()));
    let site = world.site([FakeShape::new("h").gpus(2)]).await;
    let rack = &site.racks[0];
    let size = world.size("one", 1).await;
    let round = async || {
        let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
        let vm = instance(&job)["id"].as_str().expect("an id").to_owned();
        let gone = [("id", vm.as_str()), ("expunge", "true")];
        let job = world.admin.call_async("destroyVirtualMachine", &gone).await;
        assert_eq!(job["jobstatus"], 1, "{job}");
        vm
    };
    let vm = round().await;
    let told = std::fs::read_to_string(world.dir.join("told")).expect("it was told");
    assert_eq!(told, format!("0000:11:00.0|h|10de|20b2|{vm}|"));
    assert_eq!(first(&world, rack).await, "Free Free Ok -");

    std::fs::write(world.dir.join("bad"), "").expect("a file");
    round().await;
    let why = "the release hook ended with 7: row remap failed";
    assert_eq!(first(&world, rack).await, format!("Error Quarantined Quarantined {why}"));
    assert!(open_alerts(&world).await[0].ends_with(why));
    let device = listed(&world, rack).await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(reset(&world.admin, &device).await["jobstatus"], 2, "it is asked again");
    std::fs::remove_file(world.dir.join("bad")).expect("it was there");
    assert_eq!(reset(&world.admin, &device).await["jobstatus"], 1);
    assert_eq!(first(&world, rack).await, "Free Free Ok -");
    world.settle().await;
}

#[actix_web::test]
async fn a_program_that_hangs_or_is_not_there_quarantines() {
    let world = hooked("echo thinking\nexec sleep 60", Duration::from_millis(500)).await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let rack = &site.racks[0];
    let device = world.devices(rack).await[0].to_string();
    let size = world.size("one", 1).await;
    let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    let vm = instance(&job)["id"].as_str().expect("an id").to_owned();
    let gone = [("id", vm.as_str()), ("expunge", "true")];
    assert_eq!(world.admin.call_async("destroyVirtualMachine", &gone).await["jobstatus"], 1);
    let why = "the release hook did not end within 0.5 s: thinking";
    assert_eq!(first(&world, rack).await, format!("Error Quarantined Quarantined {why}"));
    std::fs::remove_file(world.dir.join("hook")).expect("it was there");
    assert_eq!(reset(&world.admin, &device).await["jobstatus"], 2);
    let now = first(&world, rack).await;
    assert!(now.contains("the release hook cannot be started: No such file"), "{now}");
    world.settle().await;
}
