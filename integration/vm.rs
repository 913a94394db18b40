//! Instances: their life, what is refused, who sees them.

use crate::world::{World, site::instance};
use csgpu::hypervisor::fake::FakeShape;

#[actix_web::test]
async fn an_instance_lives_and_leaves_nothing_behind() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    let mut words = site.deploy(&size);
    words.extend([("name", "web"), ("displayname", "<b>The & Web</b>")]);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!((vm["state"].as_str(), vm["gpucount"].as_i64()), (Some("Running"), Some(2)));
    assert_eq!(vm["vgpu"], "passthrough");
    assert_eq!(vm["nic"][0]["networkname"], "inside");
    assert_eq!(world.held().await, "Allocated Allocated");
    let id = vm["id"].as_str().unwrap();
    let fake = &site.racks[0].fake;
    assert_eq!(fake.domain_ids().len(), 1);

    let stopped = instance(&world.admin.call_async("stopVirtualMachine", &[("id", id)]).await);
    assert_eq!(stopped["state"], "Stopped");
    assert!(stopped.get("hostid").is_none(), "{stopped}");
    assert_eq!(world.held().await, "Allocated Allocated");
    let started = instance(&world.admin.call_async("startVirtualMachine", &[("id", id)]).await);
    assert_eq!(started["state"], "Running");

    let words = [("id", id), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
    assert_eq!(world.held().await, "");
    assert_eq!(fake.domain_ids().len(), 0);
    assert_eq!(fake.proven().len(), 2);
    let gone = world.admin.call("listVirtualMachines", &[("id", id)]).await;
    assert_eq!(gone.status, 431);
    world.settle().await;
}
