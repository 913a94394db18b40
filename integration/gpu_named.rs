//! GPUs that a root administrator names in `extraconfig`: reserved like any other, never beside the books.

use crate::world::{World, site::instance};
use csgpu::{domain::machine::DeviceRef, hypervisor::fake::FakeShape};
use serde_json::json;

fn hostdev(bus: &str) -> String {
    format!(
        "<devices><hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source>\
         <address domain='0x0000' bus='0x{bus}' slot='0x00' function='0x0'/></source></hostdev></devices>"
    )
}

#[actix_web::test]
async fn a_gpu_that_is_named_is_reserved_like_any_other() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2), FakeShape::new("h2").gpus(4)]).await;
    let size = world.size("plain", 0).await;
    let (third, text) = (world.devices(&site.racks[1]).await[2].to_string(), hostdev("15"));
    let mut words = site.deploy(&size);
    words.push(("extraconfig", &text));
    let told = world.admin.ok("explainPlacement", &words).await["placement"].clone();
    assert_eq!((&told["fits"], &told["hostname"]), (&json!(true), &json!("h2")), "{told}");
    assert_eq!(told["gpudeviceids"], json!([third]));
    assert_eq!(told["explanation"], "the instance fits: GPU device 0000:15:00.0 on NUMA node 1");
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!((&vm["hostname"], &vm["gpucount"]), (&json!("h2"), &json!(1)), "{vm}");
    let id = vm["id"].as_str().expect("an id");
    let spec = site.racks[1].fake.domain(id.parse().expect("an id")).expect("a domain").spec;
    let at = |device: &DeviceRef| match device {
        DeviceRef::Pci { address, .. } => address.to_string(),
        DeviceRef::Mdev { uuid, .. } => uuid.to_string(),
    };
    let devices: Vec<String> = spec.devices.iter().map(at).collect();
    assert_eq!((devices, spec.extra), (vec!["0000:15:00.0".to_owned()], None));
    let decided = world.admin.ok("listPlacementDecisions", &[("virtualmachineid", id)]).await;
    assert!(decided.to_string().contains("1 x GPU that was named"), "{decided}");

    // nobody gets it twice, whichever way it is asked for
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    let held = "GPU device 0000:15:00.0 is held by another instance or on its way back";
    assert_eq!(refused.status, 533, "{}", refused.text());
    assert!(refused.error().contains(held), "{}", refused.error());
    assert!(refused.error().contains("1 without GPU device 0000:15:00.0"), "{}", refused.error());
    // a stop and a start keep it, also when it was given back in between
    for id in [[("id", id), ("forced", "true")]] {
        assert_eq!(world.admin.call_async("stopVirtualMachine", &id).await["jobstatus"], 1);
        assert_eq!(world.admin.call_async("startVirtualMachine", &id[..1]).await["jobstatus"], 1);
    }
    world.settle().await;
}

#[actix_web::test]
async fn it_is_demanded_again_after_it_was_given_back() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let (size, text) = (world.size("plain", 0).await, hostdev("15"));
    let third = world.devices(&site.racks[0]).await[2];
    let mut words = site.deploy(&size);
    words.push(("details[0].extraconfig-1", &text));
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert!(vm["details"].get("extraconfig-1").is_none(), "{vm}");
    let id = vm["id"].as_str().expect("an id");
    let stop = [("id", id), ("forced", "true")];
    assert_eq!(world.admin.call_async("stopVirtualMachine", &stop).await["jobstatus"], 1);
    assert_eq!(world.held().await, "");
    assert_eq!(world.admin.call_async("startVirtualMachine", &stop[..1]).await["jobstatus"], 1);
    let held = world.texts("SELECT device_id AS text FROM gpu_allocation WHERE active = 1").await;
    assert_eq!(held, [third.to_string()]);
    world.settle().await;
}

#[actix_web::test]
async fn a_slice_that_is_named_is_taken_and_no_other() {
    let world = World::new().await;
    let (first, second) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let shape = FakeShape::new("h1").gpus(2).slice_type("nvidia-468", "NVIDIA A100D-4C", 4);
    let shape = shape.premade(first, 0, "nvidia-468").premade(second, 0, "nvidia-468");
    let site = world.site([FakeShape::new("h0").gpus(1), shape]).await;
    let size = world.size("plain", 0).await;
    let text = format!(
        "<devices><hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'><source>\
         <address uuid='{second}'/></source></hostdev></devices>"
    );
    let mut words = site.deploy(&size);
    words.push(("extraconfig", &text));
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!((&vm["hostname"], &vm["gpucount"]), (&json!("h1"), &json!(1)), "{vm}");
    let id = vm["id"].as_str().expect("an id");
    let fake = &site.racks[1].fake;
    let spec = fake.domain(id.parse().expect("an id")).expect("a domain").spec;
    let is_second =
        |device: &DeviceRef| matches!(device, DeviceRef::Mdev { uuid, .. } if *uuid == second);
    assert!(spec.devices.len() == 1 && spec.devices.iter().all(is_second), "{:?}", spec.devices);
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    let held = format!("1 mediated device {second} is held by another instance");
    assert!(refused.status == 533 && refused.error().contains(&held), "{}", refused.text());
    // it was there before and is there afterwards
    let gone = [("id", id), ("expunge", "true")];
    assert_eq!(world.admin.call_async("destroyVirtualMachine", &gone).await["jobstatus"], 1);
    world.settle().await;
    assert_eq!((world.held().await, fake.mdevs().len()), (String::new(), 2));
}

#[actix_web::test]
async fn what_may_not_be_named_is_refused_with_its_reason() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4).gpus_per_group(2)]).await;
    let (size, one) = (world.size("plain", 0).await, world.size("one", 1).await);
    let devices = world.devices(&site.racks[0]).await;
    world.admin.ok("unmanageGpuDevice", &[("ids", &devices[0].to_string())]).await;
    let mdev = |uuid: &str| {
        format!("<hostdev type='mdev'><source><address uuid='{uuid}'/></source></hostdev>")
    };
    let unknown = "c2177883-f1bb-47f0-914d-32a22e3a8804";
    let twice = format!("{}{}", hostdev("15"), hostdev("15"));
    let before = world.fingerprint();
    for (size, text, why) in [
        (&size, hostdev("41"), "1 without GPU device 0000:41:00.0"),
        (&size, hostdev("11"), "GPU device 0000:11:00.0 is unmanaged"),
        (&size, hostdev("15"), "shares IOMMU group"),
        (&size, mdev("1"), "a hostdev's UUID 1 is none"),
        (&size, mdev(unknown), "1 without mediated device c2177883-f1bb-47f0-914d-32a22e3a8804"),
        (&size, twice, "names a GPU device twice"),
        (&size, format!("{}<memtune/>", hostdev("15")), "extraconfig is not allowed"),
        (&one, hostdev("15"), "the ones or the others"),
    ] {
        let mut words = site.deploy(size);
        words.push(("extraconfig", &text));
        let refused = world.admin.call("deployVirtualMachine", &words).await;
        assert!(refused.error().contains(why), "{why}: {}", refused.text());
    }
    assert_eq!(world.fingerprint(), before);
    // of a tenant nothing is taken out
    let (joe, text) = (world.user("joe").await, hostdev("15"));
    let mut words = site.deploy(&size);
    words.retain(|(key, _)| *key != "networkids");
    words.extend([("networkids", site.bridge.as_str()), ("extraconfig", &text)]);
    let refused = joe.call("deployVirtualMachine", &words).await;
    assert!(refused.error().contains("a hostdev is not taken from there"), "{}", refused.text());
    // both of the group together may be had
    let both = format!("{}{}", hostdev("15"), hostdev("17"));
    let mut words = site.deploy(&size);
    words.push(("extraconfig", &both));
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!(vm["gpucount"], 2);
    world.settle().await;
}
