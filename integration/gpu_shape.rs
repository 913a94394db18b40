//! What an offering and the devices say of a guest's shape reaches its host.

use crate::world::{World, site::instance};
use csgpu::{
    domain::{
        machine::{MachineSpec, shape::HugePages},
        placement::NumaPolicy,
    },
    hypervisor::fake::{FakeHost, FakeShape},
};

/// The machine of an instance, as its host has it.
fn spec(fake: &FakeHost, vm: &serde_json::Value) -> MachineSpec {
    let id = vm["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    fake.domain(id).expect("a domain").spec
}

#[actix_web::test]
async fn policy_nodes_and_pages_reach_the_host() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let profile = world.texts("SELECT DISTINCT profile_id AS text FROM gpu_device").await.remove(0);
    let plain = world.size("plain", 0).await;
    for (policy, numa, count, nodes) in [
        ("required", NumaPolicy::Required, "1", vec![Some(0)]),
        ("preferred", NumaPolicy::Preferred, "3", vec![Some(0), Some(1), Some(1)]),
    ] {
        let words = [
            ("name", policy),
            ("numapolicy", policy),
            ("gpualternatives[0].vgpuprofileid", &profile),
            ("gpualternatives[0].gpucount", count),
        ];
        let made = world.admin.ok("createGpuOffering", &words).await;
        let mut words = site.deploy(&plain);
        words.push(("gpuofferingid", made["gpuoffering"]["id"].as_str().expect("an id")));
        let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
        let mut spec = spec(&site.racks[0].fake, &vm);
        spec.device_nodes.sort_unstable();
        assert_eq!((spec.numa, spec.device_nodes, spec.hugepages), (numa, nodes, None));
    }
    let words = |pages: &'static str| {
        [
            ("name", pages),
            ("cpunumber", "1"),
            ("memory", "2048"),
            ("serviceofferingdetails[0].key", "hugepages"),
            ("serviceofferingdetails[0].value", pages),
        ]
    };
    let refused = world.admin.call("createServiceOffering", &words("64k")).await;
    assert_eq!(refused.status, 431);
    assert_eq!(refused.error(), "hugepages: 64k is none of true, false, 2M and 1G");
    for (text, wanted) in [("1G", HugePages::Of(1 << 30)), ("true", HugePages::Usual)] {
        let made = world.admin.ok("createServiceOffering", &words(text)).await;
        let size = made["serviceoffering"]["id"].as_str().expect("an id");
        let job = world.admin.call_async("deployVirtualMachine", &site.deploy(size)).await;
        let spec = spec(&site.racks[0].fake, &instance(&job));
        assert_eq!((spec.hugepages, spec.numa), (Some(wanted), NumaPolicy::Ignored));
    }
    world.settle().await;
}

#[actix_web::test]
async fn who_asks_for_huge_pages_goes_where_they_are() {
    let world = World::new().await;
    let few = FakeShape::new("h1").gpus(2).huge_pages(1 << 30, 1);
    let many = FakeShape::new("h2").gpus(2).huge_pages(1 << 30, 8).huge_pages(2 << 20, 0);
    let site = world.site([few, many]).await;
    world.found_clusters().await;
    let listed = world.admin.ok("listHosts", &[("name", "h2")]).await;
    assert_eq!(listed["host"][0]["details"]["hugepages"], "8 of 1G");
    let size = async |name: &str, memory: &str| {
        let words = [
            ("name", name),
            ("cpunumber", "1"),
            ("memory", memory),
            ("serviceofferingdetails[0].key", "hugepages"),
            ("serviceofferingdetails[0].value", "1G"),
        ];
        let made = world.admin.ok("createServiceOffering", &words).await;
        made["serviceoffering"]["id"].as_str().expect("an id").to_owned()
    };
    let (two, nine) = (size("two", "2048").await, size("nine", "9216").await);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&two)).await);
    assert_eq!(vm["hostname"], "h2");
    let id = vm["id"].as_str().expect("an id");
    let stop = [("id", id), ("forced", "true")];
    instance(&world.admin.call_async("stopVirtualMachine", &stop).await);
    let vm = instance(&world.admin.call_async("startVirtualMachine", &stop[..1]).await);
    assert_eq!(vm["hostname"], "h2");
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&nine)).await;
    let why = "2 hosts: 2 too few huge pages of 1G; what would fit: at most 1 CPUs and 8192 MiB";
    assert!(refused.status == 533 && refused.error().contains(why), "{}", refused.error());
    world.settle().await;
}

#[actix_web::test]
async fn hosts_booted_with_vfio_pci_ids_are_ready_as_they_are() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2).driver(Some("vfio-pci"))]).await;
    let listed = world.admin.ok("listGpuDevices", &[]).await;
    for device in listed["gpudevice"].as_array().expect("devices") {
        assert_eq!((&device["ready"], &device["driver"]), (&true.into(), &"vfio-pci".into()));
    }
    let size = world.size("pair", 2).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    assert_eq!(spec(&site.racks[0].fake, &vm).devices.len(), 2);
    let gone = [("id", vm["id"].as_str().expect("an id")), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    world.look(&site.racks[0]).await.expect("the host answers");
    let listed = world.admin.ok("listGpuDevices", &[]).await;
    for device in listed["gpudevice"].as_array().expect("devices") {
        assert_eq!((&device["state"], &device["ready"]), (&"Free".into(), &true.into()));
    }
    world.settle().await;
}

#[actix_web::test]
async fn what_the_operator_allows_is_added_to_definitions_as_long_as_he_does() {
    let mut world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(1)]).await;
    let size = world.size("one", 1).await;
    let allow = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        move |settings: &mut csgpu::command::Settings| settings.extra_config = names.clone()
    };
    world.restart_with(allow(&["memtune"])).await;
    let mut words = site.deploy(&size);
    let mut refused = words.clone();
    refused.push(("extraconfig", "<blkiotune/>"));
    let refused = world.admin.call("deployVirtualMachine", &refused).await;
    assert_eq!(refused.error(), "extraconfig: blkiotune is not allowed, only memtune");
    words.push(("extraconfig", "%3Cmemtune%2F%3E"));
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!(spec(&site.racks[0].fake, &vm).extra.as_deref(), Some("<memtune/>"));
    assert_eq!(vm["details"]["extraconfig-1"], "<memtune/>");
    let id = vm["id"].as_str().expect("an id");
    let change = [("id", id), ("extraconfig", "<memtune> </memtune>")];
    let changed = world.admin.ok("updateVirtualMachine", &change).await;
    assert_eq!(changed["virtualmachine"]["details"]["extraconfig-1"], "<memtune> </memtune>");
    let words = [("id", id), ("forced", "true")];
    instance(&world.admin.call_async("stopVirtualMachine", &words).await);
    world.restart_with(allow(&[])).await;
    let job = world.admin.call_async("startVirtualMachine", &words[..1]).await;
    assert_eq!(job["jobresult"]["errortext"], "extraconfig is not allowed", "{job}");
    world.settle().await;
}
