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
