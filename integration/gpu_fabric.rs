//! GPUs that are wired to each other: an instance gets one partition of them, found by module ids.

use crate::world::{World, site::instance};
use csgpu::{domain::gpu::fabric::Board, hypervisor::fake::FakeShape};

/// Modules in an order that is not the bus's.
fn board(host: &str) -> Board {
    let modules = [("11", 1), ("13", 3), ("15", 2), ("17", 4)];
    let at = |bus: &str| format!("0000:{bus}:00.0").parse().expect("an address");
    Board {
        host: host.to_owned(),
        fabric: "1,2,3,4 1,2 3,4 1 2 3 4".parse().expect("partitions"),
        modules: modules.into_iter().map(|(bus, module)| (at(bus), module)).collect(),
    }
}

async fn buses(world: &World) -> String {
    let query =
        "SELECT d.address AS text FROM gpu_allocation a JOIN gpu_device d ON d.id = a.device_id
        WHERE a.active = 1 ORDER BY d.address";
    let held = world.texts(query).await;
    held.iter().map(|address| &address[5..7]).collect::<Vec<_>>().join(" ")
}

#[actix_web::test]
async fn an_instance_gets_a_partition_of_wired_gpus_or_none() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.boards = vec![board("h1")]).await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let fabric = world.texts("SELECT fabric AS text FROM host").await;
    assert_eq!(fabric, ["1 2 1,2 3 4 3,4 1,2,3,4"]);
    let [one, two, three] =
        [world.size("one", 1).await, world.size("two", 2).await, world.size("three", 3).await];
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&three)).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    let why = "1 host: 1 without a free partition of wired GPUs of that size";
    assert!(refused.error().contains(why), "{}", refused.error());
    assert!(refused.error().contains("what would fit: 2 x"), "{}", refused.error());

    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&two)).await);
    assert_eq!(buses(&world).await, "11 15", "modules 1 and 2");
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&one)).await);
    assert_eq!(buses(&world).await, "11 13 15");
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&two)).await;
    assert!(refused.error().contains("1 too few free GPUs"), "{}", refused.error());
    let id = vm["id"].as_str().expect("an id");
    let words = [("id", id), ("expunge", "true")];
    world.admin.call_async("destroyVirtualMachine", &words).await;
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&two)).await);
    assert_eq!(buses(&world).await, "11 13 15");
    world.settle().await;
}

#[actix_web::test]
async fn a_wired_gpu_without_a_module_is_given_to_nobody() {
    let mut world = World::new().await;
    let mut partial = board("*");
    partial.modules.pop_last();
    world.restart_with(move |settings| settings.boards = vec![partial]).await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let four = world.size("four", 4).await;
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&four)).await;
    let why = "1 GPUs without a place in the partitions of wired GPUs";
    assert!(refused.error().contains(why), "{}", refused.error());
    world.settle().await;
}
