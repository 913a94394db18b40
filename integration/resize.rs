//! Another offering for a stopped instance: what it holds, counts and uses follows, and a refusal changes nothing.

use crate::world::{
    Client, World,
    places::text,
    site::{Site, instance, state},
};
use csgpu::{hypervisor::fake::FakeShape, store::seed::ROOT_DOMAIN};
use serde_json::{Value, json};

const CHANGE: &str = "changeServiceForVirtualMachine";

/// A stopped instance of a user.
struct Lab {
    world: World,
    site: Site,
    joe: Client,
}

impl Lab {
    async fn new() -> Self {
        let world = World::new().await;
        let site = world.site([FakeShape::new("h").gpus(4)]).await;
        let joe = world.user("joe").await;
        Self { world, site, joe }
    }

    /// Deploys, and stops: with the devices it had.
    async fn stopped(&self, size: &str, more: &[(&str, &str)]) -> String {
        let mut words = self.site.deploy(size);
        words.retain(|(name, _)| *name != "networkids");
        words.push(("networkids", &self.site.bridge));
        words.extend(more);
        let vm = instance(&self.joe.call_async("deployVirtualMachine", &words).await);
        let id = text(&vm["id"]);
        instance(&self.joe.call_async("stopVirtualMachine", &[("id", &id)]).await);
        id
    }

    async fn change(&self, vm: &str, size: &str, more: &[(&str, &str)]) -> Value {
        let mut words = vec![("id", vm), ("serviceofferingid", size)];
        words.extend(more);
        self.joe.ok(CHANGE, &words).await["virtualmachine"].clone()
    }

    async fn start(&self, vm: &str) -> Value {
        instance(&self.joe.call_async("startVirtualMachine", &[("id", vm)]).await)
    }

    /// What the user's account counts: CPUs, memory, GPUs.
    async fn counts(&self) -> (i64, i64, i64) {
        let account = self.joe.ok("listAccounts", &[]).await["account"][0].clone();
        let number = |name: &str| account[name].as_i64().expect("a number");
        (number("cputotal"), number("memorytotal"), number("gputotal"))
    }

    async fn limit(&self, kind: &str, max: &str) {
        let root = ROOT_DOMAIN.to_string();
        let words = [("account", "joe"), ("domainid", &root), ("resourcetype", kind), ("max", max)];
        self.world.admin.ok("updateResourceLimit", &words).await;
    }

    /// A service offering of another size without GPUs, or with so many.
    async fn size(&self, name: &str, cpus: &str, memory: &str, gpus: u32) -> String {
        let id = self.world.size(name, gpus).await;
        let set = format!(
            "UPDATE service_offering SET cpu_number = {cpus}, memory_mib = {memory} WHERE id = '{id}'"
        );
        self.world.run(&set).await;
        id
    }

    /// The ids of the active allocations.
    async fn allocations(&self) -> Vec<String> {
        self.world.texts("SELECT id AS text FROM gpu_allocation WHERE active = 1 ORDER BY id").await
    }
}

#[actix_web::test]
async fn a_smaller_offering_gives_the_devices_back_and_the_next_start_reserves_anew() {
    let lab = Lab::new().await;
    let pair = lab.world.size("pair", 2).await;
    let one = lab.size("one", "1", "1024", 1).await;
    let vm = lab.stopped(&pair, &[]).await;
    assert_eq!(lab.counts().await, (2, 512, 2));
    assert_eq!(lab.world.held().await, "Allocated Allocated");
    let changed = lab.change(&vm, &one, &[]).await;
    assert_eq!(
        (&changed["serviceofferingid"], &changed["cpunumber"], &changed["memory"]),
        (&json!(one), &json!(1), &json!(1024))
    );
    assert_eq!((&changed["gpucount"], &changed["state"]), (&json!(1), &json!("Stopped")));
    // proven clean before the answer: the instance can start at once
    assert_eq!(lab.world.held().await, "");
    assert_eq!(lab.counts().await, (1, 1024, 0));
    lab.world.check_invariants();
    let started = lab.start(&vm).await;
    assert_eq!((&started["gpucount"], lab.world.held().await), (&json!(1), "Allocated".into()));
    assert_eq!(lab.counts().await, (1, 1024, 1));
    let usage = "SELECT CONCAT(cpu_number, ' ', ISNULL(ended)) AS text FROM usage_interval WHERE kind = 2 ORDER BY started";
    assert_eq!(lab.world.texts(usage).await, ["2 0", "1 1"]);
    lab.world.settle().await;
}

#[actix_web::test]
async fn devices_that_the_new_offering_asks_too_stay() {
    let lab = Lab::new().await;
    let pair = lab.world.size("pair", 2).await;
    let large = lab.size("large", "3", "1024", 2).await;
    let vm = lab.stopped(&pair, &[]).await;
    let before = lab.allocations().await;
    let words =
        [("id", vm.as_str()), ("serviceofferingid", large.as_str()), ("automigrate", "true")];
    let changed = instance(&lab.joe.call_async("scaleVirtualMachine", &words).await);
    assert_eq!((&changed["cpunumber"], &changed["gpucount"]), (&json!(3), &json!(2)));
    assert_eq!(lab.allocations().await, before);
    assert_eq!(lab.counts().await, (3, 1024, 2));
    lab.start(&vm).await;
    assert_eq!(lab.allocations().await, before);
    lab.world.settle().await;
}

#[actix_web::test]
async fn a_gpu_offering_follows_the_instance_and_can_be_left() {
    let lab = Lab::new().await;
    let (none, bigger) = (lab.world.size("none", 0).await, lab.size("big", "4", "1024", 0).await);
    lab.world.size("some", 1).await;
    let query = "SELECT DISTINCT profile_id AS text FROM gpu_device WHERE device_type = 'PCI'";
    let profile = lab.world.texts(query).await[0].clone();
    let offer = async |name: &str, count: &str| {
        let words = [
            ("name", name),
            ("displaytext", name),
            ("vgpuprofileid", profile.as_str()),
            ("gpucount", count),
        ];
        let made = lab.world.admin.ok("createGpuOffering", &words).await;
        text(&made["gpuoffering"]["id"])
    };
    let (two, three) = (offer("two", "2").await, offer("three", "3").await);
    let vm = lab.stopped(&none, &[("gpuofferingid", &two)]).await;
    let before = lab.allocations().await;
    // it was made with this GPU offering: another size does not take it away
    let changed = lab.change(&vm, &bigger, &[]).await;
    assert_eq!((&changed["gpuofferingid"], &changed["gpucount"]), (&json!(two), &json!(2)));
    assert_eq!(lab.allocations().await, before);
    let again = lab.joe.call(CHANGE, &[("id", &vm), ("serviceofferingid", &bigger)]).await;
    assert_eq!(
        (again.status, again.error().ends_with("already has the requested service offering (big)")),
        (431, true),
        "{}",
        again.text()
    );
    let changed = lab.change(&vm, &bigger, &[("gpuofferingid", &three)]).await;
    assert_eq!((&changed["gpuofferingid"], &changed["gpucount"]), (&json!(three), &json!(3)));
    assert_eq!(lab.world.held().await, "");
    lab.start(&vm).await;
    assert_eq!(lab.world.held().await, "Allocated Allocated Allocated");
    instance(&lab.joe.call_async("stopVirtualMachine", &[("id", &vm)]).await);
    let changed = lab.change(&vm, &none, &[("gpucount", "0")]).await;
    assert_eq!((&changed["gpuofferingid"], &changed["gpucount"]), (&Value::Null, &Value::Null));
    assert_eq!(lab.counts().await, (2, 512, 0));
    lab.start(&vm).await;
    assert_eq!(lab.world.held().await, "");
    lab.world.settle().await;
}

#[actix_web::test]
async fn a_refused_change_changes_nothing() {
    let lab = Lab::new().await;
    let (one, pair) = (lab.world.size("one", 1).await, lab.world.size("pair", 2).await);
    let wide = lab.size("wide", "8", "512", 1).await;
    let vm = lab.stopped(&one, &[]).await;
    let held = lab.allocations().await;
    lab.limit("8", "4").await;
    lab.limit("16", "1").await;
    let root = ROOT_DOMAIN.to_string();
    let before = lab.world.fingerprint();
    for (offering, kind) in [(&wide, "cpu"), (&pair, "gpu")] {
        let words = [("id", vm.as_str()), ("serviceofferingid", offering.as_str())];
        for command in [CHANGE, "scaleVirtualMachine"] {
            let refused = lab.joe.call(command, &words).await;
            assert_eq!(refused.status, 535, "{}", refused.text());
            let text = format!("Type = '{kind}' for Account Name = 'joe' in Domain Id = '{root}'");
            assert!(refused.error().contains(&text), "{}", refused.error());
        }
    }
    let words = [("id", vm.as_str()), ("serviceofferingid", pair.as_str()), ("gpucount", "0")];
    assert_eq!(lab.joe.call(CHANGE, &words).await.status, 431);
    assert_eq!(lab.world.fingerprint(), before);
    assert_eq!(lab.allocations().await, held);
    lab.start(&vm).await;
    let before = lab.world.fingerprint();
    let words = [("id", vm.as_str()), ("serviceofferingid", wide.as_str())];
    let refused = lab.joe.call(CHANGE, &words).await;
    assert_eq!(
        (refused.status, refused.error()),
        (
            431,
            format!("Unable to upgrade virtual machine {vm}  in state Running; make sure the virtual machine is stopped").as_str()
        )
    );
    let refused = lab.joe.call("scaleVirtualMachine", &words).await;
    assert!(refused.error().contains("while it is Running"), "{}", refused.error());
    assert_eq!(lab.world.fingerprint(), before);
    lab.world.settle().await;
}

#[actix_web::test]
async fn devices_on_a_host_that_does_not_answer_are_given_back_later() {
    let lab = Lab::new().await;
    let (pair, none) = (lab.world.size("pair", 2).await, lab.world.size("none", 0).await);
    let vm = lab.stopped(&pair, &[]).await;
    lab.site.racks[0].fake.down("gone fishing");
    let changed = lab.change(&vm, &none, &[]).await;
    assert_eq!(changed["gpucount"], Value::Null);
    assert_eq!(lab.world.held().await, "Releasing Releasing");
    assert_eq!(lab.counts().await, (2, 512, 0));
    let refused = lab.joe.call("startVirtualMachine", &[("id", &vm)]).await;
    assert!(refused.error().contains("still giving GPUs back"), "{}", refused.text());
    lab.site.racks[0].fake.up();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !lab.world.held().await.is_empty() {
        assert!(std::time::Instant::now() < end, "nobody goes on with it");
        instance(&lab.joe.call_async("stopVirtualMachine", &[("id", &vm)]).await);
    }
    assert_eq!(state(&lab.joe, &vm).await.as_deref(), Some("Stopped"));
    lab.start(&vm).await;
    lab.world.settle().await;
}
