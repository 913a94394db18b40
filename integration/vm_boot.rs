//! What an instance boots by: asked for at its deploy, kept through its life, shown as clients know it.

use crate::world::{
    World,
    site::{Site, instance},
};
use csgpu::{domain::machine::Firmware, hypervisor::fake::FakeShape};
use serde_json::{Value, json};

async fn deploy(world: &World, site: &Site, size: &str, more: &[(&str, &str)]) -> Value {
    let mut words = site.deploy(size);
    words.extend(more);
    instance(&world.admin.call_async("deployVirtualMachine", &words).await).clone()
}

/// What the instance's domain boots by, on its host.
fn on_host(site: &Site, vm: &Value) -> Firmware {
    let id = vm["id"].as_str().expect("an id").parse().expect("an id");
    site.racks[0].fake.domain(id).expect("a domain").spec.firmware
}

fn shown(vm: &Value) -> (Value, Value) {
    (vm["boottype"].clone(), vm["bootmode"].clone())
}

#[actix_web::test]
async fn an_instance_boots_by_what_it_was_made_for() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let size = world.size("plain", 0).await;
    let (bios, uefi, secure) = ("Bios", "Uefi", "secure");
    for (more, kind, mode, firmware) in [
        (&[][..], bios, "legacy", Firmware::Bios),
        (&[("boottype", "BIOS"), ("bootmode", "LEGACY")], bios, "legacy", Firmware::Bios),
        (&[("boottype", "uefi"), ("bootmode", "legacy")], uefi, "legacy", Firmware::Uefi),
        (&[("boottype", "UEFI"), ("bootmode", "SECURE")], uefi, secure, Firmware::SecureUefi),
        (&[("details[0].UEFI", "secure")], uefi, secure, Firmware::SecureUefi),
    ] {
        let vm = deploy(&world, &site, &size, more).await;
        assert_eq!(shown(&vm), (json!(kind), json!(mode)), "{more:?}");
        assert_eq!(on_host(&site, &vm), firmware, "{more:?}");
        let id = vm["id"].as_str().expect("an id");
        let listed = world.admin.ok("listVirtualMachines", &[("id", id), ("details", "min")]).await;
        assert_eq!(shown(&listed["virtualmachine"][0]), (json!(kind), json!(mode)));
    }
    world.settle().await;
}

#[actix_web::test]
async fn it_is_not_forgotten_with_other_details() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let size = world.size("plain", 0).await;
    let more = [("boottype", "UEFI"), ("bootmode", "SECURE")];
    let vm = deploy(&world, &site, &size, &more).await;
    let id = vm["id"].as_str().expect("an id");
    assert_eq!(vm["details"]["UEFI"], "SECURE");
    for change in [("details[0].colour", "blue"), ("cleanupdetails", "true")] {
        let now = world.admin.ok("updateVirtualMachine", &[("id", id), change]).await;
        let now = &now["virtualmachine"];
        assert_eq!(now["details"]["colour"].is_string(), change.1 == "blue", "{now}");
        assert_eq!(shown(now), (json!("Uefi"), json!("secure")), "{change:?}");
    }
    let stop = [("id", id), ("forced", "true")];
    assert_eq!(world.admin.call_async("stopVirtualMachine", &stop).await["jobstatus"], 1);
    world.admin.ok("updateVirtualMachine", &[("id", id), ("details[0].UEFI", "legacy")]).await;
    assert_eq!(world.admin.call_async("startVirtualMachine", &[("id", id)]).await["jobstatus"], 1);
    assert_eq!(on_host(&site, &vm), Firmware::Uefi, "the next start is by what was said since");
    world.settle().await;
}

#[actix_web::test]
async fn only_hosts_that_offer_it_are_asked_and_the_others_are_told_of() {
    let world = World::new().await;
    let shapes = [("h1", Firmware::Bios), ("h2", Firmware::Uefi)]
        .map(|(name, most)| FakeShape::new(name).gpus(1).firmware(most));
    let site = world.site(shapes).await;
    world.found_clusters().await;
    let listed = world.admin.ok("listHosts", &[]).await;
    let hosts = listed["host"].as_array().expect("hosts");
    let offers = |name: &str| {
        let host = hosts.iter().find(|host| host["name"] == name).expect("the host");
        (host["ueficapability"].clone(), host["details"]["secureboot"].clone())
    };
    assert_eq!(offers("h1"), (json!(false), json!("false")));
    assert_eq!(offers("h2"), (json!(true), json!("false")));
    let size = world.size("plain", 0).await;
    let with = |mode: &'static str| {
        let mut words = site.deploy(&size);
        words.extend([("boottype", "UEFI"), ("bootmode", mode)]);
        words
    };
    for _ in 0..3 {
        let job = world.admin.call_async("deployVirtualMachine", &with("LEGACY")).await;
        assert_eq!(instance(&job)["hostname"], "h2");
    }
    let told = world.admin.ok("explainPlacement", &with("SECURE")).await["placement"].clone();
    let reasons = ["without UEFI", "without secure boot"];
    for why in reasons {
        let row = json!({"hosts": 1, "reason": why});
        assert!(told["reasons"].as_array().expect("reasons").contains(&row), "{told}");
    }
    let refused = world.admin.call("deployVirtualMachine", &with("SECURE")).await;
    assert_eq!(refused.status, 533);
    assert!(reasons.iter().all(|why| refused.error().contains(why)), "{}", refused.text());

    // a stopped instance that is to boot securely from now on finds no host either
    let vm = deploy(&world, &site, &size, &with("LEGACY")[site.deploy(&size).len()..]).await;
    let id = vm["id"].as_str().expect("an id");
    world.admin.call_async("stopVirtualMachine", &[("id", id), ("forced", "true")]).await;
    world.admin.ok("updateVirtualMachine", &[("id", id), ("details[0].UEFI", "secure")]).await;
    let refused = world.admin.call("startVirtualMachine", &[("id", id)]).await;
    assert!(refused.error().contains("1 without secure boot"), "{}", refused.text());
    world.settle().await;
}

#[actix_web::test]
async fn what_cannot_be_meant_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let size = world.size("plain", 0).await;
    for (more, why) in [
        (&[("boottype", "EFI")][..], "Invalid bootType EFI"),
        (&[("boottype", "UEFI"), ("bootmode", "fast")], "Valid values are: [LEGACY, SECURE]"),
        (&[("boottype", "UEFI")], "bootmode must be specified for the VM with boot type: UEFI"),
        (&[("boottype", "BIOS"), ("bootmode", "SECURE")], "bootmode SECURE needs boottype UEFI"),
        (&[("details[0].UEFI", "yes")], "UEFI must be LEGACY or SECURE"),
    ] {
        let mut words = site.deploy(&size);
        words.extend(more);
        let refused = world.admin.call("deployVirtualMachine", &words).await;
        assert_eq!(refused.status, 431, "{more:?}: {}", refused.text());
        assert!(refused.error().contains(why), "{more:?}: {}", refused.text());
    }
    assert!(world.texts("SELECT id AS text FROM vm").await.is_empty());
}
