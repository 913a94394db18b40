//! GPU offerings: ordered alternatives, the short form, and what is refused.

use crate::world::{World, site::instance};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::{Value, json};

/// Card and passthrough profile of a host's GPUs, and their MIG profile.
async fn models(world: &World) -> (String, String, String) {
    world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.admin.ok("listGpuDevices", &[]).await["gpudevice"][0].clone();
    let text = |key: &str| device[key].as_str().expect("an id").to_owned();
    let (card, whole) = (text("gpucardid"), text("vgpuprofileid"));
    let part = [("gpucardid", card.as_str()), ("name", "NVIDIA A100D-1-10C")];
    let part = world.admin.ok("createVgpuProfile", &part).await;
    assert_eq!(part["vgpuprofile"]["kind"], "Mig");
    (card, whole, part["vgpuprofile"]["id"].as_str().expect("an id").to_owned())
}

fn words(offering: &Value) -> Vec<String> {
    let all = offering["gpualternatives"].as_array().expect("alternatives");
    all.iter()
        .map(|a| format!("{} x {}", a["gpucount"], a["vgpuprofilename"]).replace('"', ""))
        .collect()
}

#[tokio::test]
async fn alternatives_keep_their_order_and_everyone_sees_them() {
    let world = World::new().await;
    let (card, whole, part) = models(&world).await;
    let long = [
        ("name", "two or seven"),
        ("gpualternatives[1].vgpuprofileid", part.as_str()),
        ("gpualternatives[1].gpucount", "7"),
        ("gpualternatives[0].gpuCardId", card.as_str()),
        ("gpualternatives[0].count", "2"),
        ("numapolicy", "REQUIRED"),
        ("placement", "spread"),
        ("gpudisplay", "true"),
    ];
    let made = world.admin.ok("createGpuOffering", &long).await["gpuoffering"].clone();
    assert_eq!(words(&made), ["2 x passthrough", "7 x NVIDIA A100D-1-10C"]);
    assert_eq!(made["displaytext"], "two or seven");
    assert_eq!(
        (&made["numapolicy"], &made["placement"], &made["gpudisplay"], &made["state"]),
        (&json!("required"), &json!("spread"), &json!(true), &json!("Active"))
    );
    let short = [("name", "one"), ("vgpuprofileid", whole.as_str())];
    let one = world.admin.ok("createGpuOffering", &short).await["gpuoffering"].clone();
    assert_eq!(words(&one), ["1 x passthrough"]);
    assert_eq!((&one["numapolicy"], &one["placement"]), (&json!("preferred"), &json!("pack")));

    let joe = world.user("joe").await;
    let all = joe.ok("listGpuOfferings", &[]).await;
    assert_eq!(all["count"], 2);
    assert_eq!(words(&all["gpuoffering"][0]), ["2 x passthrough", "7 x NVIDIA A100D-1-10C"]);
    let of_part = joe.ok("listGpuOfferings", &[("vgpuprofileid", &part)]).await;
    assert_eq!(of_part["count"], 1);
    assert_eq!(joe.ok("listGpuOfferings", &[("keyword", "seven")]).await["count"], 1);
    assert_eq!(joe.call("createGpuOffering", &short).await.status, 432);

    let id = made["id"].as_str().expect("an id");
    let change = [("id", id), ("state", "inactive"), ("displaytext", "no more")];
    let changed = world.admin.ok("updateGpuOffering", &change).await["gpuoffering"].clone();
    assert_eq!(
        (&changed["state"], &changed["displaytext"]),
        (&json!("Inactive"), &json!("no more"))
    );
    assert_eq!(joe.ok("listGpuOfferings", &[("state", "Active")]).await["count"], 1);
    let refused = world.admin.call("deleteVgpuProfile", &[("id", &part)]).await;
    assert_eq!(refused.status, 536);
    assert!(
        refused.error().ends_with("in use by one or more GPU offerings"),
        "{}",
        refused.error()
    );
    world.admin.ok("deleteGpuOffering", &[("id", id)]).await;
    world.admin.ok("deleteVgpuProfile", &[("id", &part)]).await;
    // its name is free again
    world
        .admin
        .ok("createGpuOffering", &[("name", "two or seven"), ("vgpuprofileid", &whole)])
        .await;
}

#[tokio::test]
async fn what_is_no_offering_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let (card, whole, part) = models(&world).await;
    world.admin.ok("createGpuOffering", &[("name", "one"), ("vgpuprofileid", &whole)]).await;
    let nobody = "00000000-0000-7000-8000-00000000beef";
    let (whole, part, card) = (whole.as_str(), part.as_str(), card.as_str());
    let bad: &[(&[(&str, &str)], &str)] = &[
        (&[], "a GPU offering needs gpualternatives"),
        (&[("vgpuprofileid", whole), ("gpucount", "0")], "GPU count must be greater than 0."),
        (&[("vgpuprofileid", whole), ("gpucount", "65")], "GPU count must not be greater than 64."),
        (&[("vgpuprofileid", whole), ("numapolicy", "maybe")], "maybe is no NUMA policy"),
        (&[("vgpuprofileid", whole), ("placement", "heap")], "heap is no placement"),
        (&[("vgpuprofileid", whole), ("gpualternatives[0].gpucardid", card)], "give either"),
        (&[("gpualternatives[0].gpucardid", card), ("gpucount", "2")], "gpucount belongs into"),
        (&[("gpualternatives[0].gpucount", "2")], "each of the gpualternatives needs"),
        (&[("gpualternatives[0].gpucardid", "x")], "invalid value x for gpucardid"),
        (
            &[("gpualternatives[0].gpucardid", card), ("gpualternatives[0].gpucount", "-1")],
            "GPU count must",
        ),
        (
            &[("gpualternatives[0].gpucardid", card), ("gpualternatives[0].size", "1")],
            "but not size",
        ),
        (&[("gpualternatives[0].gpucardid", nobody)], "there is no GPU card"),
        (&[("gpualternatives[0].vgpuprofileid", nobody)], "there is no vGPU profile"),
        (
            &[("gpualternatives[0].gpucardid", nobody), ("gpualternatives[0].vgpuprofileid", part)],
            "has no vGPU profile",
        ),
        (
            &[("gpualternatives[0].gpucardid", card), ("gpualternatives[1].vgpuprofileid", whole)],
            "an alternative is there twice",
        ),
    ];
    let before = world.fingerprint();
    for (params, text) in bad {
        let mut params = params.to_vec();
        params.push(("name", "two"));
        let answer = world.admin.call("createGpuOffering", &params).await;
        assert_eq!(answer.status, 431, "{params:?}: {}", answer.text());
        assert!(answer.error().contains(text), "{params:?}: {}", answer.error());
    }
    let twice = [("name", "one"), ("vgpuprofileid", whole)];
    let answer = world.admin.call("createGpuOffering", &twice).await;
    assert_eq!(answer.status, 530);
    assert!(answer.error().contains("GPU offering with name one already exists"));
    assert_eq!(world.fingerprint(), before);
}

#[actix_web::test]
async fn scope_policies_and_alternatives_change_for_new_instances_only() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(4)]).await;
    let none = world.size("none", 0).await;
    world.size("some", 1).await;
    let query = "SELECT DISTINCT profile_id AS text FROM gpu_device WHERE device_type = 'PCI'";
    let profile = world.texts(query).await[0].clone();
    let made = [("name", "one"), ("vgpuprofileid", profile.as_str())];
    let made = world.admin.ok("createGpuOffering", &made).await["gpuoffering"].clone();
    let id = made["id"].as_str().expect("an id").to_owned();
    let domain = world.admin.ok("createDomain", &[("name", "below")]).await["domain"]["id"].clone();
    let domain = domain.as_str().expect("an id");
    let (joe, eve) = (world.user("joe").await, world.member("eve", "0", Some(domain)).await);
    let mut words = site.deploy(&none);
    words.retain(|(name, _)| *name != "networkids");
    words.extend([("networkids", site.bridge.as_str()), ("gpuofferingid", id.as_str())]);
    let vm = instance(&joe.call_async("deployVirtualMachine", &words).await);
    let change = [
        ("id", id.as_str()),
        ("domainid", domain),
        ("zoneid", &site.zone),
        ("numapolicy", "required"),
        ("placement", "spread"),
        ("gpudisplay", "true"),
        ("gpualternatives[0].vgpuprofileid", &profile),
        ("gpualternatives[0].gpucount", "2"),
        ("gpualternatives[1].vgpuprofileid", &profile),
    ];
    let changed = world.admin.ok("updateGpuOffering", &change).await["gpuoffering"].clone();
    assert_eq!((&changed["domainid"], &changed["zoneid"]), (&json!(domain), &json!(site.zone)));
    assert_eq!(
        (&changed["numapolicy"], &changed["placement"], &changed["gpudisplay"]),
        (&json!("required"), &json!("spread"), &json!(true))
    );
    assert_eq!(words_of(&changed), [2, 1]);
    let refused = joe.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 531, "not for this domain any more: {}", refused.text());
    let two = instance(&eve.call_async("deployVirtualMachine", &words).await);
    assert_eq!((&vm["gpucount"], &two["gpucount"]), (&json!(1), &json!(2)));
    let before = world.fingerprint();
    for (name, value) in [("domainid", site.zone.as_str()), ("zoneid", domain), ("zoneid", "x")] {
        let refused = world.admin.call("updateGpuOffering", &[("id", &id), (name, value)]).await;
        assert_eq!(refused.status, 431, "{name}: {}", refused.text());
    }
    assert_eq!(world.fingerprint(), before);
    let change = [("id", id.as_str()), ("domainid", "public"), ("zoneid", "all")];
    let changed = world.admin.ok("updateGpuOffering", &change).await["gpuoffering"].clone();
    assert!(changed.get("domainid").is_none() && changed.get("zoneid").is_none(), "{changed}");
    instance(&joe.call_async("deployVirtualMachine", &words).await);
    world.settle().await;
}

/// How many of each alternative.
fn words_of(offering: &Value) -> Vec<i64> {
    let all = offering["gpualternatives"].as_array().expect("alternatives");
    all.iter().filter_map(|one| one["gpucount"].as_i64()).collect()
}
