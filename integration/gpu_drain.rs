//! Draining devices and hosts: whoever holds a device keeps it, nobody else gets it, and the refusal says so.

use crate::world::{World, site::instance};
use csgpu::{domain::gpu::Pick, hypervisor::fake::FakeShape};
use serde_json::{Value, json};

fn devices(answer: &Value) -> Vec<Value> {
    answer["gpudevice"].as_array().cloned().unwrap_or_default()
}

#[actix_web::test]
async fn a_drained_device_keeps_its_holder_and_gets_no_other() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(2)]).await;
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let vm = vm["id"].as_str().expect("an id");
    let all = world.devices(&site.racks[0]).await;
    let both = format!("{},{}", all[0], all[1]);
    let shown = devices(&world.admin.ok("drainGpuDevice", &[("ids", &both)]).await);
    let holders: Vec<&Value> = shown.iter().map(|device| &device["virtualmachineid"]).collect();
    assert_eq!(holders.iter().filter(|holder| ***holder == json!(vm)).count(), 1);
    assert_eq!(holders.iter().filter(|holder| holder.is_null()).count(), 1);
    assert!(shown.iter().all(|device| device["draining"] == true), "{shown:?}");
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&size)).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    world.settle().await;
}

#[actix_web::test]
async fn a_refusal_counts_what_is_drained() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(2)]).await;
    let size = world.size("one", 1).await;
    let rack = &site.racks[0];
    let all = world.devices(rack).await;
    let both = format!("{},{}", all[0], all[1]);
    world.admin.ok("drainGpuDevice", &[("ids", &both)]).await;
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&size)).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    assert!(refused.error().contains("GPUs being drained"), "{}", refused.error());
    let why = world.admin.ok("explainPlacement", &site.deploy(&size)).await;
    assert!(why.to_string().contains("GPUs being drained"), "{why}");
    assert!(world.claim(rack, &[Pick::Device(all[0])]).await.is_err(), "nor by a stale choice");
    let size0 = world.size("none", 0).await;
    let plain = world.admin.call_async("deployVirtualMachine", &site.deploy(&size0)).await;
    assert_eq!(plain["jobstatus"], 1, "instances without GPUs come: {plain}");

    let shown = world.admin.ok("undrainGpuDevice", &[("ids", &all[0].to_string())]).await;
    assert_eq!(devices(&shown)[0]["draining"], false);
    let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    let vm = instance(&job)["id"].as_str().expect("an id").to_owned();
    // drained while held: a stop and a start keep it, a release leaves it drained
    world.admin.ok("drainGpuDevice", &[("ids", &both)]).await;
    let id = [("id", vm.as_str())];
    assert_eq!(world.admin.call_async("stopVirtualMachine", &id).await["jobstatus"], 1);
    assert_eq!(world.admin.call_async("startVirtualMachine", &id).await["jobstatus"], 1);
    let gone = [("id", vm.as_str()), ("expunge", "true")];
    assert_eq!(world.admin.call_async("destroyVirtualMachine", &gone).await["jobstatus"], 1);
    assert_eq!(world.admin.call("deployVirtualMachine", &site.deploy(&size)).await.status, 533);
    world.settle().await;
}

#[actix_web::test]
async fn a_drained_host_gives_no_gpu_also_none_that_comes_later() {
    let world = World::new().await;
    let site = world.site(["h1", "h2"].map(|name| FakeShape::new(name).gpus(1))).await;
    let size = world.size("one", 1).await;
    world.found_clusters().await;
    let (first, second) = (&site.racks[0], &site.racks[1]);
    let host = first.id.to_string();
    let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    let holder = instance(&job);
    assert_eq!(holder["hostid"], host);
    let shown = devices(&world.admin.ok("drainHostGpus", &[("id", &host)]).await);
    assert_eq!(shown.len(), 1);
    let keys = ["virtualmachineid", "virtualmachinename"];
    assert_eq!(keys.map(|key| &shown[0][key]), ["id", "instancename"].map(|key| &holder[key]));
    let listed = world.admin.ok("listHosts", &[]).await;
    let draining: Vec<(&Value, &Value)> = (listed["host"].as_array().expect("hosts").iter())
        .map(|host| (&host["name"], &host["draining"]))
        .collect();
    let [h1, h2, yes, no] = [json!("h1"), json!("h2"), json!(true), json!(false)];
    assert_eq!(draining, [(&h1, &yes), (&h2, &no)]);
    for (only, name) in [("true", "h1"), ("false", "h2")] {
        let listed = world.admin.ok("listHosts", &[("draining", only)]).await;
        assert_eq!((&listed["count"], &listed["host"][0]["name"]), (&json!(1), &json!(name)));
    }
    let gone = [("id", holder["id"].as_str().expect("an id")), ("expunge", "true")];
    assert_eq!(world.admin.call_async("destroyVirtualMachine", &gone).await["jobstatus"], 1);
    let mut added = None;
    first.fake.change(|all| {
        let mut one = all[0].clone();
        one.address.bus = 0x41;
        (one.iommu_group, one.group_members) = (Some(41), vec![one.address]);
        added = Some(one.address);
        all.push(one);
    });
    world.look(first).await.expect("an answer");
    let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    let vm = instance(&job);
    assert_eq!(vm["hostid"], second.id.to_string());
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&size)).await;
    assert!(refused.error().contains("1 GPUs being drained"), "{}", refused.error());
    let shown = devices(&world.admin.ok("undrainHostGpus", &[("id", &host)]).await);
    assert_eq!(shown.len(), 2);
    for _ in 0..2 {
        let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
        assert_eq!(instance(&job)["hostid"], host);
    }
    world.settle().await;
}

#[tokio::test]
async fn no_slice_is_made_on_a_drained_gpu_and_its_slices_are_drained_too() {
    let world = World::new().await;
    let uuid = uuid::Uuid::new_v4();
    let shape = FakeShape::new("h").gpus(2).slice_type("t", "NVIDIA A100D-4C", 4);
    let rack = world.rack(shape.premade(uuid, 1, "t")).await;
    let gpus = world
        .texts("SELECT id AS text FROM gpu_device WHERE parent_id IS NULL ORDER BY address")
        .await;
    let slices = world.texts("SELECT profile_id AS text FROM gpu_slice_type LIMIT 1").await;
    let cut = |n: usize| Pick::Slice {
        gpu: gpus[n].parse().expect("an id"),
        profile: slices[0].parse().expect("an id"),
    };
    let made = world.texts("SELECT id AS text FROM gpu_device WHERE parent_id IS NOT NULL").await;
    let made = Pick::Device(made[0].parse().expect("an id"));
    world.admin.ok("drainGpuDevice", &[("ids", &gpus.join(","))]).await;
    for pick in [cut(0), cut(1), made] {
        assert!(world.claim(&rack, &[pick]).await.is_err(), "{pick:?}");
    }
    world.admin.ok("undrainGpuDevice", &[("ids", &gpus.join(","))]).await;
    world.claim(&rack, &[cut(0)]).await.expect("room");
    world.claim(&rack, &[made]).await.expect("free");
}
