//! Settings: those that something depends on, in force at once.

use crate::world::{
    World,
    places::{text, zone_pod_cluster},
    site::instance,
};
use csgpu::hypervisor::fake::FakeShape;

#[actix_web::test]
async fn a_default_limit_binds_everyone_for_whom_nothing_was_set() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    let own = [("account", "eve"), ("domainid", &*root), ("resourcetype", "16"), ("max", "9")];
    world.admin.ok("updateResourceLimit", &own).await;
    let words = [("name", "max.account.gpus"), ("value", "5")];
    let set = world.admin.ok("updateConfiguration", &words).await;
    let set = &set["configuration"];
    assert_eq!(
        (&set["value"], &set["defaultvalue"], &set["type"]),
        (&"5".into(), &"20".into(), &"Number".into())
    );
    let limit = async |client: &crate::world::Client| {
        client.ok("listAccounts", &[]).await["account"][0]["gpulimit"].clone()
    };
    assert_eq!((limit(&joe).await, limit(&eve).await), ("5".into(), "9".into()));
    assert_eq!(limit(&world.admin).await, "Unlimited");
    assert_eq!(limit(&world.user("new").await).await, "5");
    world.admin.ok("resetConfiguration", &[("name", "max.account.gpus")]).await;
    assert_eq!((limit(&joe).await, limit(&eve).await), ("20".into(), "9".into()));
    let found = world.admin.ok("listConfigurations", &[("keyword", "gpu")]).await;
    let names: Vec<&str> = found["configuration"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "cluster.gpu.allocated.capacity.notificationthreshold",
            "gpu.detach.on.stop",
            "max.account.gpu.memory",
            "max.account.gpus",
            "max.domain.gpu.memory",
            "max.domain.gpus",
            "max.project.gpu.memory",
            "max.project.gpus"
        ]
    );
    for (name, value) in
        [("max.account.gpus", "many"), ("max.account.gpus", "-2"), ("no.such", "1")]
    {
        let bad =
            world.admin.call("updateConfiguration", &[("name", name), ("value", value)]).await;
        assert_eq!(bad.status, 431, "{}", bad.text());
    }
}

#[actix_web::test]
async fn whether_a_stop_gives_devices_back_is_changed_while_the_service_runs() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(2)]).await;
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let id = [("id", vm["id"].as_str().expect("an id"))];
    instance(&world.admin.call_async("stopVirtualMachine", &id).await);
    assert_eq!(world.held().await, "Allocated");
    instance(&world.admin.call_async("startVirtualMachine", &id).await);
    let words = [("name", "gpu.detach.on.stop"), ("value", "TRUE")];
    assert_eq!(
        world.admin.ok("updateConfiguration", &words).await["configuration"]["value"],
        "true"
    );
    instance(&world.admin.call_async("stopVirtualMachine", &id).await);
    assert_eq!(world.held().await, "");
    world.settle().await;
}

#[actix_web::test]
async fn a_setting_of_an_account_counts_before_its_domains_and_that_before_all() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(3)]).await;
    let size = world.size("one", 1).await;
    let domain = async |name: &str, above: Option<&str>| {
        let mut words = vec![("name", name)];
        words.extend(above.map(|above| ("parentdomainid", above)));
        text(&world.admin.ok("createDomain", &words).await["domain"]["id"])
    };
    let above = domain("above", None).await;
    let below = domain("below", Some(&above)).await;
    let joe = world.member("joe", "0", Some(&below)).await;
    let account = text(&joe.ok("listAccounts", &[]).await["account"][0]["id"]);
    let name = ("name", "gpu.detach.on.stop");
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    let vm = instance(&joe.call_async("deployVirtualMachine", &words).await);
    let id = [("id", vm["id"].as_str().expect("an id"))];
    let (of_account, of_below, of_above) =
        (("accountid", &*account), ("domainid", &*below), ("domainid", &*above));
    for (change, place, value, gives_back) in [
        ("updateConfiguration", Some(of_above), Some("true"), true),
        ("updateConfiguration", Some(of_below), Some("false"), false),
        ("updateConfiguration", Some(of_account), Some("true"), true),
        ("resetConfiguration", Some(of_account), None, false),
        ("updateConfiguration", None, Some("true"), false),
        ("resetConfiguration", Some(of_below), None, true),
        ("updateConfiguration", Some(of_above), Some("false"), false),
        ("resetConfiguration", Some(of_above), None, true),
    ] {
        let words = [name].into_iter().chain(place).chain(value.map(|value| ("value", value)));
        let words: Vec<_> = words.collect();
        world.admin.ok(change, &words).await;
        let shown = world.admin.ok("listConfigurations", &[name, of_account]).await;
        let shown = &shown["configuration"][0];
        assert_eq!(
            (&shown["value"], &shown["scope"]),
            (&gives_back.to_string().into(), &"account".into()),
            "{words:?}"
        );
        instance(&joe.call_async("stopVirtualMachine", &id).await);
        assert_eq!(world.held().await.is_empty(), gives_back, "{words:?}");
        instance(&joe.call_async("startVirtualMachine", &id).await);
    }
    world.settle().await;
}

#[actix_web::test]
async fn settings_are_listed_by_what_they_can_be_set_for_and_in_groups() {
    let world = World::new().await;
    let (zone, _, cluster) = zone_pod_cluster(&world).await;
    let listed = async |words: &[(&str, &str)]| {
        let found = world.admin.ok("listConfigurations", words).await;
        let rows = found["configuration"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| text(&row["name"])).collect::<Vec<_>>()
    };
    assert_eq!(listed(&[("zoneid", &zone)]).await, ["enable.dynamic.scale.vm"]);
    assert_eq!(
        listed(&[("clusterid", &cluster)]).await,
        [
            "cluster.cpu.allocated.capacity.notificationthreshold",
            "cluster.gpu.allocated.capacity.notificationthreshold",
            "cluster.localStorage.capacity.notificationthreshold",
            "cluster.memory.allocated.capacity.notificationthreshold",
            "cluster.storage.allocated.capacity.notificationthreshold",
            "cluster.storage.capacity.notificationthreshold",
            "cpu.overprovisioning.factor",
            "mem.overprovisioning.factor"
        ]
    );
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    assert_eq!(listed(&[("domainid", &root)]).await, ["gpu.detach.on.stop"]);
    assert_eq!(listed(&[("group", "Access"), ("subgroup", "Project")]).await.len(), 19);
    let both = [("zoneid", zone.as_str()), ("clusterid", &cluster)];
    let refused = world.admin.call("listConfigurations", &both).await;
    assert_eq!(
        (refused.status, refused.error()),
        (431, "cannot handle multiple IDs, provide only one ID corresponding to the scope")
    );
    for (words, why) in [
        (
            [("name", "max.account.gpus"), ("value", "1"), ("domainid", &*root)],
            "Invalid scope id provided for the parameter max.account.gpus",
        ),
        (
            [("name", "default.page.size"), ("value", "1"), ("zoneid", "")],
            "default.page.size: this is always 500 and cannot be changed",
        ),
    ] {
        let words: Vec<_> = words.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let refused = world.admin.call("updateConfiguration", &words).await;
        assert_eq!((refused.status, refused.error()), (431, why));
    }
    let groups = world.admin.ok("listConfigurationGroups", &[]).await;
    let names: Vec<_> = groups["configurationgroup"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| text(&row["name"]))
        .collect();
    let all = world.admin.ok("listConfigurations", &[]).await;
    let rows = all["configuration"].as_array().expect("rows");
    for row in rows {
        assert!(names.contains(&text(&row["group"])), "{row}");
    }
    let access = world.admin.ok("listConfigurationGroups", &[("group", "Access")]).await;
    let parts = &access["configurationgroup"][0]["subgroup"];
    assert_eq!(
        (access["count"].as_i64(), parts[0]["name"].as_str(), parts[2]["name"].as_str()),
        (Some(1), Some("Account"), Some("Project"))
    );
}
