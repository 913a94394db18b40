//! The keeper of hosts: states, instances that are not where the books say, debts, and what an idle cloud costs.

use crate::world::{World, site::instance};
use csgpu::{
    hypervisor::fake::FakeShape,
    jobs::hosts::{self, Pace},
    store::{gpu_claim, seed},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Ends the keeper with the test.
struct Kept(JoinHandle<()>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn keep(world: &World) -> Kept {
    let pace = Pace {
        round: Duration::from_millis(100),
        grace: Duration::from_millis(700),
        answer: Duration::from_secs(2),
    };
    Kept(hosts::start(Arc::clone(&world.server.wiring), pace))
}

fn shape(name: &str) -> FakeShape {
    FakeShape::new(name).identity(name)
}

/// The zone, pod and cluster of the only host.
async fn name_its_places(world: &World) {
    for text in [
        "INSERT INTO zone (id, name, dns1, internal_dns1, network_type, allocation_state)
            SELECT zone_id, 'z', '1.1.1.1', '1.1.1.1', 'Advanced', 'Enabled' FROM host",
        "INSERT INTO pod (id, zone_id, name, gateway, netmask, start_ip, allocation_state)
            SELECT pod_id, zone_id, 'p', '', '', '', 'Enabled' FROM host",
        "INSERT INTO cluster (id, zone_id, pod_id, name, hypervisor, allocation_state)
            SELECT cluster_id, zone_id, pod_id, 'c', 'KVM', 'Enabled' FROM host",
    ] {
        world.run(text).await;
    }
}

/// Waits until the first row of a list is as it should be.
async fn until(world: &World, command: &str, key: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..200 {
        let words = [("listall", "true")];
        last = world.admin.ok(command, &words).await[key][0].clone();
        if fits(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come to that: {last}")
}

async fn until_nothing_is_held(world: &World) {
    for _ in 0..200 {
        if world.held().await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still held: {}", world.held().await);
}

#[actix_web::test]
async fn a_host_that_goes_away_is_disconnected_then_down_then_up_again() {
    let world = World::new().await;
    let rack = world.rack(shape("h1").gpus(2)).await;
    name_its_places(&world).await;
    let _kept = keep(&world);
    tokio::time::sleep(Duration::from_millis(300)).await;
    rack.fake.down("cable pulled");
    let host = until(&world, "listHosts", "host", |host| host["state"] == "Disconnected").await;
    assert_eq!(host["statereason"], "cable pulled");
    assert!(host["disconnected"].is_string());
    until(&world, "listHosts", "host", |host| host["state"] == "Down").await;
    let alerts = world.texts("SELECT description AS text FROM alert WHERE resolved IS NULL").await;
    assert_eq!(alerts, ["host h1 is Down: cable pulled"]);
    rack.fake.up();
    let host = until(&world, "listHosts", "host", |host| host["state"] == "Up").await;
    assert!(host.get("statereason").is_none(), "{host}");
    assert_eq!(world.texts("SELECT id AS text FROM alert WHERE resolved IS NULL").await.len(), 0);
}

#[actix_web::test]
async fn another_machine_at_the_same_address_is_an_error() {
    let world = World::new().await;
    let _rack = world.rack(shape("h1").gpus(2)).await;
    name_its_places(&world).await;
    world.run("UPDATE host SET identity = 'the first one'").await;
    let _kept = keep(&world);
    let host = until(&world, "listHosts", "host", |host| host["state"] == "Error").await;
    let why = "another machine answers at fake://h1: h1 instead of the first one";
    assert_eq!(host["statereason"], why);
}

#[actix_web::test]
async fn an_instance_that_is_not_there_is_stopped_and_keeps_its_devices() {
    let world = World::new().await;
    let site = world.site([shape("h1").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let _kept = keep(&world);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let listed = world.admin.ok("listVirtualMachines", &[]).await;
    assert_eq!(listed["virtualmachine"][0]["state"], "Running", "what runs is left alone");
    site.racks[0].fake.power_cut();
    site.racks[0].fake.up();
    until(&world, "listVirtualMachines", "virtualmachine", |vm| vm["state"] == "Stopped").await;
    assert_eq!(world.held().await, "Allocated Allocated");
    let id = [("id", vm["id"].as_str().unwrap())];
    let again = instance(&world.admin.call_async("startVirtualMachine", &id).await);
    assert_eq!(again["state"], "Running");
    world.settle().await;
}

#[actix_web::test]
async fn what_is_left_of_an_instance_that_is_not_there_is_removed_by_a_job() {
    let world = World::new().await;
    let site = world.site([shape("h1").gpus(2)]).await;
    let size = world.size("pair", 2).await;
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let (_kept, fake) = (keep(&world), &site.racks[0].fake);
    fake.halt(fake.domain_ids()[0]);
    until(&world, "listVirtualMachines", "virtualmachine", |vm| vm["state"] == "Stopped").await;
    // nobody else works on the instance meanwhile, and what the host does not do now it owes
    let jobs = format!(
        "SELECT CONCAT_WS(' ', command, state) AS text FROM job WHERE user_id = '{}'",
        seed::SYSTEM_USER
    );
    for _ in 0..500 {
        if world.texts(&jobs).await == ["stopVirtualMachine Done"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.texts(&jobs).await, ["stopVirtualMachine Done"]);
    assert!(fake.domain_ids().is_empty());
    assert_eq!(world.held().await, "Allocated Allocated");
    world.settle().await;
}

#[actix_web::test]
async fn what_a_host_owes_for_an_instance_that_was_expunged_meanwhile_is_paid() {
    let world = World::new().await;
    let site = world.site([shape("h1").gpus(2)]).await;
    let (size, fake) = (world.size("one", 1).await, &site.racks[0].fake);
    for command in ["startVirtualMachine", "stopVirtualMachine"] {
        let vm = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
        let vm = instance(&vm)["id"].as_str().expect("an id").to_owned();
        let id = [("id", vm.as_str())];
        instance(&world.admin.call_async("stopVirtualMachine", &id).await);
        if command == "stopVirtualMachine" {
            let held = vm.parse().unwrap();
            world.db().txn("test", move |tx| gpu_claim::begin_release(tx, held)).await.unwrap();
        }
        fake.down("cable pulled");
        assert_eq!(world.admin.call_async(command, &id).await["jobstatus"], 2);
        fake.up();
        let words = [id[0], ("expunge", "true")];
        let gone = world.admin.call_async("destroyVirtualMachine", &words).await;
        assert_eq!(gone["jobstatus"], 1, "{command}: {gone}");
    }
    let unpaid = "SELECT why AS text FROM host_debt WHERE paid IS NULL";
    assert_eq!(world.texts(unpaid).await.len(), 2);
    let _kept = keep(&world);
    world.settle().await;
}

#[actix_web::test]
async fn an_instance_that_is_not_there_gives_its_devices_back_where_a_stop_does() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let site = world.site([shape("h1").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let _kept = keep(&world);
    let id = site.racks[0].fake.domain_ids()[0];
    site.racks[0].fake.halt(id);
    until(&world, "listVirtualMachines", "virtualmachine", |vm| vm["state"] == "Stopped").await;
    until_nothing_is_held(&world).await;
    assert_eq!(site.racks[0].fake.proven().len(), 2);
    world.settle().await;
}

#[actix_web::test]
async fn a_proof_that_did_not_get_through_is_tried_again() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let site = world.site([shape("h1").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let fake = &site.racks[0].fake;
    fake.fail_next("prove_clean");
    let _kept = keep(&world);
    fake.halt(fake.domain_ids()[0]);
    until(&world, "listVirtualMachines", "virtualmachine", |vm| vm["state"] == "Stopped").await;
    until_nothing_is_held(&world).await;
    assert!(fake.domain_ids().is_empty());
    world.settle().await;
}

#[actix_web::test]
async fn devices_that_a_dead_server_left_releasing_are_proven_by_the_next_round() {
    let world = World::new().await;
    let site = world.site([shape("h1").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let id = [("id", vm["id"].as_str().unwrap())];
    instance(&world.admin.call_async("stopVirtualMachine", &id).await);
    let held = id[0].1.parse().unwrap();
    world.db().txn("test", move |tx| gpu_claim::begin_release(tx, held)).await.unwrap();
    let start = world.admin.call("startVirtualMachine", &id).await;
    assert!(start.error().contains("still giving GPUs back"), "{}", start.text());
    let _kept = keep(&world);
    until_nothing_is_held(&world).await;
    assert_eq!(site.racks[0].fake.proven().len(), 2);
    world.settle().await;
    let again = instance(&world.admin.call_async("startVirtualMachine", &id).await);
    assert_eq!(again["state"], "Running");
    assert_eq!(world.held().await, "Allocated Allocated");
}

#[actix_web::test]
async fn an_idle_cloud_costs_three_statements_a_round() {
    let world = World::new().await;
    for number in 0..20 {
        world.rack(shape(&format!("h{number}")).gpus(4)).await;
    }
    let _kept = keep(&world);
    tokio::time::sleep(Duration::from_secs(3)).await; // the first rounds look at everything
    let before = world.db().statements();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let sent = world.db().statements() - before;
    // 20 rounds of 3, the looks of every tenth round at 20 hosts, heartbeats and polls of the workers
    assert!(sent < 60 + 2 * 20 * 12 + 40, "{sent} statements in 20 rounds with 20 hosts");
}
