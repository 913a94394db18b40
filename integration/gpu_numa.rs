//! Instances that must be on one NUMA node go where that node has CPUs and memory left, or are told that none has.

use crate::world::{World, site::instance};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::{Value, json};

/// A GPU offering with this policy.
async fn gpus(world: &World, numa: &str, count: &str) -> String {
    let query = "SELECT DISTINCT profile_id AS text FROM gpu_device WHERE device_type = 'PCI'";
    let profile = world.texts(query).await[0].clone();
    let name = format!("{count} {numa}");
    let words = [
        ("name", name.as_str()),
        ("gpualternatives[0].vgpuprofileid", profile.as_str()),
        ("gpualternatives[0].gpucount", count),
        ("numapolicy", numa),
    ];
    let made = world.admin.ok("createGpuOffering", &words).await;
    made["gpuoffering"]["id"].as_str().expect("an id").to_owned()
}

/// A size with slow CPUs.
async fn size(world: &World, cpus: &str, memory: &str) -> String {
    let name = format!("{cpus} and {memory}");
    let words =
        [("name", name.as_str()), ("cpunumber", cpus), ("cpuspeed", "100"), ("memory", memory)];
    let made = world.admin.ok("createServiceOffering", &words).await;
    made["serviceoffering"]["id"].as_str().expect("an id").to_owned()
}

fn id(vm: &Value) -> &str {
    vm["id"].as_str().expect("an id")
}

#[actix_web::test]
async fn what_is_too_large_for_its_numa_node_goes_elsewhere_or_is_told_so() {
    let world = World::new().await;
    // the nodes of h1 have 4 GiB each, those of h2 have 2 CPUs each
    let small = FakeShape::new("h1").gpus(4).memory(8 << 30);
    let site = world.site([small, FakeShape::new("h2").gpus(4).cpus(4)]).await;
    world.found_clusters().await;
    let listed = world.admin.ok("listHosts", &[("name", "h2")]).await;
    let nodes = "0: 2 CPUs, 262144 MiB of memory; 1: 2 CPUs, 262144 MiB of memory";
    assert_eq!(listed["host"][0]["details"]["numanodes"], nodes);
    let (required, preferred) =
        (gpus(&world, "required", "2").await, gpus(&world, "preferred", "2").await);
    let explain = async |size: &str, gpus: &str| {
        let mut words = site.deploy(size);
        words.push(("gpuofferingid", gpus));
        world.admin.ok("explainPlacement", &words).await["placement"].clone()
    };
    let heavy = size(&world, "1", "6144").await;
    let (wide, both) = (size(&world, "4", "1024").await, size(&world, "4", "6144").await);
    assert_eq!(explain(&heavy, &required).await["hostname"], "h2");
    assert_eq!(explain(&wide, &required).await["hostname"], "h1");
    let told = explain(&both, &required).await;
    assert_eq!(told["fits"], json!(false));
    let reasons = ["too few CPUs", "too little memory"].map(
        |what| json!({"hosts": 1, "reason": format!("{what} free on the NUMA nodes of free GPUs")}),
    );
    assert_eq!(told["reasons"], json!(reasons), "{told}");
    let name = "2 x NVIDIA A100 SXM4 80GB passthrough";
    let nearest = [
        format!("{name} without the same NUMA node being required"),
        format!("{name} with at most 4 CPUs and 4096 MiB of memory"),
    ];
    assert_eq!(told["nearest"], json!(nearest), "{told}");
    let mut words = site.deploy(&both);
    words.push(("gpuofferingid", &required));
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 533);
    assert_eq!(refused.error(), told["explanation"].as_str().expect("a text"));
    assert_eq!(explain(&both, &preferred).await["fits"], json!(true), "it may be elsewhere");
    assert_eq!(explain(&heavy, &preferred).await["hostname"], "h2", "but rather is not");
    let mut words = site.deploy(&heavy);
    words.push(("gpuofferingid", &required));
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!(vm["hostname"], "h2");
    world.settle().await;
}

#[actix_web::test]
async fn what_runs_on_a_numa_node_leaves_less_of_it() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4).memory(8 << 30)]).await;
    let one = gpus(&world, "required", "1").await;
    let size = size(&world, "1", "3072").await;
    let mut words = site.deploy(&size);
    words.push(("gpuofferingid", &one));
    let deploy = async || instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    let node = async |vm: &Value| {
        let query = format!(
            "SELECT CAST(d.numa_node AS CHAR) AS text FROM gpu_allocation a JOIN gpu_device d ON d.id = a.device_id \
             WHERE a.active = 1 AND a.vm_id = '{}'",
            id(vm)
        );
        world.texts(&query).await.join(" ")
    };
    let first = deploy().await;
    // a stopped instance keeps its GPU and leaves its memory
    world.admin.call_async("stopVirtualMachine", &[("id", id(&first)), ("forced", "true")]).await;
    let second = deploy().await;
    assert_eq!((node(&first).await, node(&second).await), ("0".into(), "0".into()));
    let start = [("id", id(&first))];
    let refused = world.admin.call("startVirtualMachine", &start).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    let why = "1 host: 1 too few CPUs or too little memory free on the NUMA node of its GPUs";
    assert!(refused.error().contains(why), "{}", refused.error());
    // the node of the other GPUs has room for one more
    let third = deploy().await;
    assert_eq!(node(&third).await, "1");
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    let why = "1 host: 1 too little memory free";
    assert!(refused.error().contains(why), "{}", refused.error());
    let gone = [("id", id(&second)), ("expunge", "true")];
    world.admin.call_async("destroyVirtualMachine", &gone).await;
    instance(&world.admin.call_async("startVirtualMachine", &start).await);
    world.settle().await;
}
