//! The words of instances: user data, keys, offerings, sizes, addresses; and what is refused of them.

use crate::world::{
    World,
    site::{Site, instance},
};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::Value;

async fn small() -> (World, Site, String) {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("one", 1).await;
    (world, site, size)
}

#[actix_web::test]
async fn user_data_and_keys_reach_the_seed_and_come_back() {
    let (world, site, size) = small().await;
    let key = world.admin.ok("createSSHKeyPair", &[("name", "mine")]).await;
    assert_eq!(key["keypair"]["name"], "mine");
    let again = world.admin.call("createSSHKeyPair", &[("name", "mine")]).await;
    assert_eq!(again.error(), "A key pair with name 'mine' already exists.");
    let mut words = site.deploy(&size);
    words.extend([("userdata", "I2Nsb3VkLWNvbmZpZwo="), ("keypair", "mine"), ("name", "web")]);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!(vm["keypairs"], "mine");
    assert!(vm.get("userdata").is_none());
    let id = vm["id"].as_str().unwrap();
    let data = [("virtualmachineid", id)];
    let got = world.admin.ok("getVirtualMachineUserData", &data).await;
    assert_eq!(got["virtualmachineuserdata"]["userdata"], "I2Nsb3VkLWNvbmZpZwo=");
    let seeds = site.racks[0].fake.volumes();
    assert!(seeds.iter().any(|volume| volume.volume == format!("{id}-seed")), "{seeds:?}");
    let left = std::fs::read_dir(world.dir.join("seeds")).unwrap().count();
    assert_eq!(left, 0, "seeds are removed once they are uploaded");
    let bad = world.admin.call("updateVirtualMachine", &[("id", id), ("userdata", "aGk=")]).await;
    assert_eq!(bad.status, 431, "{}", bad.text());
    world.admin.call_async("stopVirtualMachine", &[("id", id)]).await;
    let words = [("id", id), ("userdata", "aGk="), ("displayname", "<i>&\"'")];
    let updated = world.admin.ok("updateVirtualMachine", &words).await;
    assert_eq!(updated["virtualmachine"]["displayname"], "<i>&\"'");
    let got = world.admin.ok("getVirtualMachineUserData", &data).await;
    assert_eq!(got["virtualmachineuserdata"]["userdata"], "aGk=");
    instance(&world.admin.call_async("startVirtualMachine", &[("id", id)]).await);
    world.admin.ok("deleteSSHKeyPair", &[("name", "mine")]).await;
    let gone = world.admin.call("deleteSSHKeyPair", &[("name", "mine")]).await;
    assert!(gone.error().starts_with("A key pair with name 'mine' does not exist for account"));
    world.settle().await;
}

#[actix_web::test]
async fn what_does_not_go_together_is_refused_and_changes_nothing() {
    let (world, site, size) = small().await;
    let before = world.fingerprint();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("name", "../../etc")], "Vm name can contain"),
        (&[("name", "1st")], "Vm name can contain"),
        (&[("userdata", "###")], "User data is not base64 encoded"),
        (&[("keypair", "none")], "A key pair with name 'none' was not found."),
        (&[("rootdisksize", "1")], "smaller than the template"),
        (&[("rootdisksize", "0")], "between 1 and 65536"),
        (&[("hypervisor", "VMware")], "is for KVM, not VMware"),
        (&[("ipaddress", "10.9.9.9")], "no address that network inside gives"),
        (&[("ipaddress", "10.1.1.1")], "no address that network inside gives"),
        (&[("ipaddress", "x")], "x is no IPv4 address"),
        (&[("macaddress", "01:00:00:00:00:01")], "Mac address is not valid"),
        (&[("account", "admin")], "Account must be specified with domainId parameter"),
        (&[("details[0].extraconfig-1", "<x/>")], "extraconfig is not allowed"),
        (&[("extraconfig", "%3Cmemtune%2F%3E")], "extraconfig is not allowed"),
        (
            &[("extraconfig", "<devices><hostdev/></devices>")],
            "a hostdev is of mode subsystem and type pci",
        ),
        (
            &[("extraconfig", "card:\n<hostdev mode='subsystem'/>")],
            "a hostdev is of mode subsystem and type pci",
        ),
    ];
    for (extra, text) in cases {
        let mut words = site.deploy(&size);
        words.extend_from_slice(extra);
        let answer = world.admin.call("deployVirtualMachine", &words).await;
        assert_eq!(answer.status, 431, "{extra:?}: {}", answer.text());
        assert!(answer.error().contains(text), "{extra:?}: {}", answer.error());
    }
    let twice = format!("{},{}", site.network, site.network);
    let mut words = site.deploy(&size);
    words[3].1 = &twice;
    assert_eq!(world.admin.call("deployVirtualMachine", &words).await.status, 431);
    assert_eq!(world.fingerprint(), before);
}

#[actix_web::test]
async fn an_address_that_is_asked_for_is_given_once() {
    let (world, site, size) = small().await;
    let mut words = site.deploy(&size);
    words.remove(3);
    words.extend([
        ("iptonetworklist[0].networkid", site.network.as_str()),
        ("iptonetworklist[0].ip", "10.1.1.77"),
        ("iptonetworklist[0].mac", "02:00:00:00:00:AA"),
    ]);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!(vm["ipaddress"], "10.1.1.77");
    assert_eq!(vm["nic"][0]["macaddress"], "02:00:00:00:00:aa");
    let lease = site.racks[0].fake.networks()[0].leases[0].clone();
    assert_eq!(
        (lease.0.as_str(), lease.1.to_string().as_str()),
        ("02:00:00:00:00:aa", "10.1.1.77")
    );
    let again = world.admin.call("deployVirtualMachine", &words).await;
    assert_eq!(again.status, 431);
    assert!(again.error().contains("10.1.1.77 is already in use"), "{}", again.error());
    assert_eq!(world.texts("SELECT id AS text FROM vm").await.len(), 1);
}

#[actix_web::test]
async fn a_customized_offering_takes_its_size_from_the_details() {
    let (world, site, _) = small().await;
    let words =
        [("name", "any"), ("customized", "true"), ("mincpunumber", "2"), ("maxcpunumber", "4")];
    let made = world.admin.ok("createServiceOffering", &words).await["serviceoffering"].clone();
    assert_eq!(made["serviceofferingdetails"]["maxcpunumber"], "4");
    assert!(made.get("cpunumber").is_none() && made["iscustomized"] == true, "{made}");
    let size = made["id"].as_str().unwrap().to_owned();
    let mut words = site.deploy(&size);
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    assert!(refused.error().contains("details[0].cpuNumber"), "{}", refused.error());
    words.extend([("details[0].cpuNumber", "5"), ("details[0].memory", "256")]);
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.error(), "cpuNumber must be between 2 and 4, not 5");
    words[4].1 = "3";
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!((vm["cpunumber"].as_i64(), vm["memory"].as_i64()), (Some(3), Some(256)));
}

#[actix_web::test]
async fn the_older_way_to_ask_for_gpus_is_kept_word_by_word_and_honoured() {
    let (world, site, _) = small().await;
    let card = world.texts("SELECT name AS text FROM gpu_card c WHERE EXISTS (SELECT 1 FROM gpu_device d WHERE d.card_id = c.id)").await;
    let words = [
        ("name", "old"),
        ("cpunumber", "1"),
        ("cpuspeed", "500"),
        ("memory", "128"),
        ("serviceofferingdetails[0].key", "pciDevice"),
        ("serviceofferingdetails[0].value", card[0].as_str()),
        ("serviceofferingdetails[1].key", "vgpuType"),
        ("serviceofferingdetails[1].value", "passthrough"),
    ];
    let made = world.admin.ok("createServiceOffering", &words).await["serviceoffering"].clone();
    assert_eq!(made["serviceofferingdetails"]["pciDevice"], card[0]);
    assert_eq!(made["vgpuprofilename"], "passthrough");
    let size = made["id"].as_str().unwrap();
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(size)).await);
    assert_eq!(vm["gpucount"], 1);
    let mut unknown = words;
    (unknown[0].1, unknown[5].1) = ("odd", "Group of nothing GPUs");
    let made = world.admin.ok("createServiceOffering", &unknown).await["serviceoffering"].clone();
    assert!(made.get("vgpuprofileid").is_none());
    let size = made["id"].as_str().unwrap();
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(size)).await;
    assert_eq!(refused.status, 533);
    assert!(refused.error().contains("Group of nothing GPUs"), "{}", refused.error());
    let half = world.admin.call("createServiceOffering", &words[..6]).await;
    assert_eq!(half.status, 431);
}

#[actix_web::test]
async fn an_offering_counts_its_gpus() {
    let (world, _, size) = small().await;
    let listed = world.admin.ok("listServiceOfferings", &[("id", &size)]).await;
    let one: &Value = &listed["serviceoffering"][0];
    assert_eq!((one["gpucount"].as_i64(), one["gpudisplay"].as_bool()), (Some(1), Some(false)));
    let profile = one["vgpuprofileid"].as_str().unwrap();
    let base = [("name", "x"), ("cpunumber", "1"), ("cpuspeed", "500"), ("memory", "128")];
    let with = |extra: &[(&'static str, &'static str)]| [&base[..], extra].concat();
    let answer = world.admin.call("createServiceOffering", &with(&[("gpucount", "2")])).await;
    assert_eq!((answer.status, answer.error()), (431, "gpucount needs a vgpuprofileid"));
    // what the form of the web UI says when no GPU is chosen
    let form = with(&[("gpucount", "1"), ("gpudisplay", "false"), ("cachemode", "none")]);
    let plain = world.admin.ok("createServiceOffering", &form).await;
    assert!(plain["serviceoffering"].get("gpucount").is_none(), "{plain}");
    world
        .admin
        .ok("deleteServiceOffering", &[("id", plain["serviceoffering"]["id"].as_str().unwrap())])
        .await;
    let mut words = with(&[("gpucount", "0")]);
    let owned = profile.to_owned();
    words.push(("vgpuprofileid", &owned));
    let answer = world.admin.call("createServiceOffering", &words).await;
    assert_eq!((answer.status, answer.error()), (431, "GPU count must be greater than 0."));
    let with_gpus = world.admin.ok("listServiceOfferings", &[("gpuenabled", "true")]).await;
    assert_eq!(with_gpus["count"], 1);
    let words = [("id", size.as_str()), ("name", "renamed"), ("state", "inactive")];
    let updated = world.admin.ok("updateServiceOffering", &words).await;
    assert_eq!(updated["serviceoffering"]["state"], "Inactive");
    let listed = world.admin.ok("listServiceOfferings", &[("name", "renamed")]).await;
    assert_eq!(listed, serde_json::json!({}));
    world.admin.ok("deleteServiceOffering", &[("id", &size)]).await;
    assert_eq!(world.admin.call("listServiceOfferings", &[("id", &size)]).await.status, 431);
}

#[actix_web::test]
async fn an_instance_that_is_not_started_waits_and_starts_later() {
    let (world, site, size) = small().await;
    let mut words = site.deploy(&size);
    words.push(("startvm", "false"));
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!((vm["state"].as_str(), vm["gpucount"].as_i64()), (Some("Stopped"), Some(1)));
    assert_eq!((world.held().await.as_str(), site.racks[0].fake.calls() < 5), ("", true));
    let id = vm["id"].as_str().unwrap();
    let started = instance(&world.admin.call_async("startVirtualMachine", &[("id", id)]).await);
    assert_eq!(started["state"], "Running");
    let refused = world.admin.call("startVirtualMachine", &[("id", id)]).await;
    assert!(refused.error().contains("cannot be started while it is Running"));
    let volumes = world.admin.ok("listVolumes", &[("virtualmachineid", id)]).await;
    let volume = &volumes["volume"][0];
    assert_eq!((volume["type"].as_str(), volume["state"].as_str()), (Some("ROOT"), Some("Ready")));
    assert_eq!(volume["size"], 2_147_483_648_i64);
    instance(&world.admin.call_async("destroyVirtualMachine", &[("id", id)]).await);
    let back = world.admin.ok("recoverVirtualMachine", &[("id", id)]).await;
    assert_eq!(back["virtualmachine"]["state"], "Stopped");
    assert_eq!(world.held().await, "");
    instance(&world.admin.call_async("startVirtualMachine", &[("id", id)]).await);
    let early = world.admin.call("expungeVirtualMachine", &[("id", id)]).await;
    assert!(early.error().starts_with("Please destroy vm"), "{}", early.error());
    instance(&world.admin.call_async("destroyVirtualMachine", &[("id", id)]).await);
    let job = world.admin.call_async("expungeVirtualMachine", &[("id", id)]).await;
    assert_eq!(job["jobresult"]["success"], true);
    world.settle().await;
}

#[actix_web::test]
async fn a_gpu_offering_gives_the_first_alternative_that_fits() {
    let world = World::new().await;
    let shape = FakeShape::new("h1").gpus(2).slice_type("nvidia-222", "A100-20C", 4);
    let site = world.site([shape]).await;
    let size = world.size("none", 0).await;
    let profile = |name: &str| {
        format!(
            "SELECT p.id AS text FROM vgpu_profile p JOIN gpu_card c ON c.id = p.card_id WHERE p.name LIKE '%{name}' AND c.device_id = '20b2'"
        )
    };
    let whole = world.texts(&profile("passthrough")).await.remove(0);
    let slice = world.texts(&profile("20C")).await.remove(0);
    let words = [
        ("name", "some"),
        ("gpualternatives[0].vgpuprofileid", whole.as_str()),
        ("gpualternatives[0].gpucount", "2"),
        ("gpualternatives[1].vgpuprofileid", slice.as_str()),
        ("gpualternatives[1].gpucount", "3"),
    ];
    let made = world.admin.ok("createGpuOffering", &words).await;
    let gpus = made["gpuoffering"]["id"].as_str().unwrap();
    let mut words = site.deploy(&size);
    words.push(("gpuofferingid", gpus));
    let pair = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!(
        (pair["gpucount"].as_i64(), pair["gpuofferingname"].as_str()),
        (Some(2), Some("some"))
    );
    let fake = &site.racks[0].fake;
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    assert!(refused.error().contains("or 3 x "), "{}", refused.error());
    let end = |vm: &Value| {
        [("id", vm["id"].as_str().unwrap().to_owned()), ("expunge", "true".to_owned())]
    };
    let gone = end(&pair);
    let gone: Vec<_> = gone.iter().map(|(key, value)| (*key, value.as_str())).collect();
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);

    // one whole GPU is taken: only slices are left
    let one = world.size("one", 1).await;
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&one)).await);
    let slices = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!((slices["gpucount"].as_i64(), fake.mdevs().len()), (Some(3), 3));
    let id = [("id", slices["id"].as_str().unwrap()), ("forced", "true")];
    instance(&world.admin.call_async("stopVirtualMachine", &id).await);
    instance(&world.admin.call_async("startVirtualMachine", &id[..1]).await);
    assert_eq!(fake.mdevs().len(), 3);
    let gone = [id[0], ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    assert_eq!(fake.mdevs().len(), 0);
    world.settle().await;
}
