//! Why an instance is where it is: written with its reservation, told to everyone without hosts, to administrators whole.

use crate::world::{World, places::text, site::instance};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::json;

#[actix_web::test]
async fn a_deploy_and_a_start_say_what_was_chosen_and_instead_of_what() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let site = world.site([FakeShape::new("h1").gpus(8), FakeShape::new("h2").gpus(4)]).await;
    let (pair, joe) = (world.size("pair", 2).await, world.user("joe").await);
    let mut words = site.deploy(&pair);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    let vm = text(&instance(&joe.call_async("deployVirtualMachine", &words).await)["id"]);
    let of = [("virtualmachineid", vm.as_str())];
    let told = world.admin.ok("listPlacementDecisions", &of).await;
    let told = &told["placementdecision"][0];
    let held = world.texts("SELECT device_id AS text FROM gpu_allocation ORDER BY position").await;
    assert_eq!((&told["gpudeviceids"], &told["hostname"]), (&json!(held), &json!("h2")), "{told}");
    assert_eq!(
        (&told["gpucount"], &told["alternative"], &told["hosts"]),
        (&json!(2), &json!(1), &json!(2))
    );
    assert_eq!(told["others"][0]["hostname"], "h1");
    assert_eq!(told["others"][0]["reason"], "would leave less room for others", "{told}");
    let when = text(&told["decided"]);
    let told = joe.ok("listPlacementDecisions", &[]).await["placementdecision"][0].clone();
    let sentence = text(&told["explanation"]);
    assert!(sentence.starts_with("2 x NVIDIA A100 SXM4 80GB passthrough"), "{sentence}");
    let hidden = ["hostid", "hostname", "gpudeviceids", "others", "hosts", "damage", "passedover"];
    for field in hidden {
        assert!(told.get(field).is_none(), "{field}: {told}");
    }
    let eve = world.user("eve").await;
    assert_eq!(eve.ok("listPlacementDecisions", &[]).await, json!({}));
    // a start decides anew
    instance(&joe.call_async("stopVirtualMachine", &[("id", &vm)]).await);
    let h2 = site.racks[1].id;
    world.run(&format!("UPDATE host SET generation = generation + 1 WHERE id = '{h2}'")).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    instance(&joe.call_async("startVirtualMachine", &[("id", &vm)]).await);
    let told = world.admin.ok("listPlacementDecisions", &of).await["placementdecision"][0].clone();
    assert!(text(&told["decided"]) > when, "{told}");
    // what was decided before stays known, newest first, page by page, to those who may see the instance
    let whole = [("virtualmachineid", vm.as_str()), ("history", "true")];
    let all = joe.ok("listPlacementDecisions", &whole).await;
    let times: Vec<String> = all["placementdecision"]
        .as_array()
        .expect("decisions")
        .iter()
        .map(|one| text(&one["decided"]))
        .collect();
    assert_eq!((&all["count"], &times), (&json!(2), &vec![text(&told["decided"]), when]));
    let page = [whole[0], whole[1], ("page", "2"), ("pagesize", "1")];
    let second = joe.ok("listPlacementDecisions", &page).await;
    assert_eq!(
        (&second["count"], &second["placementdecision"][0]["decided"]),
        (&json!(2), &json!(times[1]))
    );
    assert_eq!(eve.call("listPlacementDecisions", &whole).await.status, 431);
    assert_eq!(joe.call("listPlacementDecisions", &[("history", "true")]).await.status, 431);
    // bounded: the oldest go
    world
        .run(&format!(
            "INSERT INTO vm_decision (id, vm_id, decided, decision) SELECT UUID(), vm_id, \
             TIMESTAMPADD(SECOND, x.n, '2026-01-01'), decision FROM vm_decision, (SELECT 1 AS n UNION SELECT 2 UNION \
             SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9 UNION \
             SELECT 10 UNION SELECT 11 UNION SELECT 12 UNION SELECT 13 UNION SELECT 14 UNION SELECT 15 UNION \
             SELECT 16 UNION SELECT 17 UNION SELECT 18 UNION SELECT 19) x WHERE vm_id = '{vm}'"
        ))
        .await;
    instance(&joe.call_async("stopVirtualMachine", &[("id", &vm)]).await);
    instance(&joe.call_async("startVirtualMachine", &[("id", &vm)]).await);
    let all = joe.ok("listPlacementDecisions", &whole).await;
    assert_eq!(all["count"], 21, "the last one and twenty before");
    let last = &all["placementdecision"][20]["decided"];
    assert!(text(last).starts_with("2026-01-01T00:00:02"), "{last}");
    world.admin.call_async("destroyVirtualMachine", &[("id", &vm), ("expunge", "true")]).await;
    assert!(world.texts("SELECT id AS text FROM vm_decision").await.is_empty(), "gone with it");
    world.settle().await;
}

#[actix_web::test]
async fn an_alternative_that_was_passed_over_says_why() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let none = world.size("none", 0).await;
    let query = "SELECT DISTINCT profile_id AS text FROM gpu_device WHERE device_type = 'PCI'";
    let profile = world.texts(query).await[0].clone();
    let words = [
        ("name", "many or few"),
        ("displaytext", "x"),
        ("gpualternatives[0].vgpuprofileid", profile.as_str()),
        ("gpualternatives[0].gpucount", "4"),
        ("gpualternatives[1].vgpuprofileid", profile.as_str()),
        ("gpualternatives[1].gpucount", "1"),
    ];
    let offering = text(&world.admin.ok("createGpuOffering", &words).await["gpuoffering"]["id"]);
    let mut words = site.deploy(&none);
    words.push(("gpuofferingid", &offering));
    let vm = text(&instance(&world.admin.call_async("deployVirtualMachine", &words).await)["id"]);
    let of = [("virtualmachineid", vm.as_str())];
    let told = world.admin.ok("listPlacementDecisions", &of).await["placementdecision"][0].clone();
    assert_eq!((&told["alternative"], &told["alternativecount"]), (&json!(2), &json!(2)));
    let why = text(&told["passedover"]);
    assert!(why.contains("4 x NVIDIA A100") && why.contains("1 too few GPUs"), "{why}");
    assert!(
        text(&told["explanation"])
            .ends_with("alternative 2 of 2: those before it were not to be had")
    );
    world.settle().await;
}
