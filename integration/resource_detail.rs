//! Details of things of any noun: written by root administrators, read by who sees the thing, hidden where they say so.

use crate::world::{Client, World, places::text, site::instance};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::json;

/// Names and values of details, in order.
async fn read(client: &Client, words: &[(&str, &str)]) -> Vec<(String, String)> {
    let listed = client.ok("listResourceDetails", words).await;
    let all = listed["resourcedetail"].as_array().cloned().unwrap_or_default();
    all.iter().map(|one| (text(&one["key"]), text(&one["value"]))).collect()
}

async fn write(client: &Client, of: [(&str, &str); 2], key: &str, value: &str, shown: &str) {
    let words = [("details[0].key", key), ("details[0].value", value), ("fordisplay", shown)];
    let job = client.call_async("addResourceDetail", &[&of[..], &words].concat()).await;
    assert_eq!((&job["jobstatus"], &job["jobresult"]), (&json!(1), &json!({"success": true})));
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[actix_web::test]
async fn details_are_written_listed_hidden_and_removed() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let (admin, joe, eve) = (&world.admin, world.user("joe").await, world.user("eve").await);
    let size = world.size("s", 0).await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.extend([("networkids", site.bridge.as_str()), ("details[0].seen", "by all")]);
    let vm = text(&instance(&joe.call_async("deployVirtualMachine", &words).await)["id"]);
    let of = [("resourcetype", "UserVm"), ("resourceid", vm.as_str())];
    write(admin, of, "rack", "7", "true").await;
    write(admin, of, "customer", "42", "false").await;
    let all = [pair("customer", "42"), pair("rack", "7"), pair("seen", "by all")];
    assert_eq!(read(admin, &of).await, all);
    assert_eq!(read(&joe, &of).await, all[1..]);
    let hidden = [&of[..], &[("fordisplay", "false")]].concat();
    assert_eq!(read(admin, &hidden).await, all[..1]);
    assert_eq!(read(&joe, &hidden).await, all[1..], "what is for root administrators is not read");
    let shown = joe.ok("listVirtualMachines", &[("id", &vm)]).await;
    let shown = shown["virtualmachine"][0]["details"].clone();
    assert_eq!((shown.get("rack"), shown.get("customer")), (Some(&json!("7")), None));
    // an owner's words leave alone what the owner does not see
    let change = [("id", vm.as_str()), ("details[0].customer", "0"), ("details[0].seen", "new")];
    joe.ok("updateVirtualMachine", &change).await;
    assert_eq!(read(admin, &hidden).await, all[..1]);
    let by_value = [("resourcetype", "UserVm"), ("key", "customer"), ("value", "42")];
    assert_eq!(read(admin, &by_value).await, all[..1]);
    assert_eq!(joe.call("listResourceDetails", &by_value).await.status, 431);
    let unknown = format!("Unable to find resource by uuid {vm} and type UserVm");
    let answer = eve.call("listResourceDetails", &of).await;
    assert_eq!((answer.status, answer.error()), (431, unknown.as_str()));
    assert_eq!(joe.call("addResourceDetail", &of).await.status, 432);
    let domain = [("resourcetype", "domain"), ("resourceid", vm.as_str())];
    let answer = admin.call("listResourceDetails", &domain).await;
    assert_eq!(answer.error(), "ResourceType Domain doesn't support metadata");
    let one = [&of[..], &[("key", "rack")]].concat();
    assert_eq!(admin.call_async("removeResourceDetail", &one).await["jobstatus"], 1);
    assert_eq!(read(admin, &one).await.len(), 0);
    assert_eq!(admin.call_async("removeResourceDetail", &of).await["jobstatus"], 1);
    assert_eq!(read(admin, &of).await.len(), 0);
}

#[actix_web::test]
async fn details_of_places_and_offerings_are_kept_and_go_with_them() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let (admin, joe) = (&world.admin, world.user("joe").await);
    let pool = world.texts("SELECT id AS text FROM storage_pool").await.remove(0);
    for (kind, id, is_seen) in [
        ("Zone", &site.zone, true),
        ("Network", &site.network, false),
        ("Storage", &pool, false),
        ("Template", &site.template, true),
    ] {
        let of = [("resourcetype", kind), ("resourceid", id.as_str())];
        write(admin, of, "k", kind, "true").await;
        assert_eq!(read(admin, &of).await, [pair("k", kind)], "{kind}");
        assert_eq!(joe.call("listResourceDetails", &of).await.status == 200, is_seen, "{kind}");
    }
    let job = admin.call_async("deleteNetwork", &[("id", &site.network)]).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    let kept = world.texts("SELECT value AS text FROM detail WHERE name = 'k' ORDER BY 1").await;
    assert_eq!(kept, ["Storage", "Template", "Zone"]);
}
