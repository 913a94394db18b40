//! Limits: exact along account and domains, from the reservation to the release, in CloudStack's words.

use crate::gpu_claim::join_all;
use crate::world::{
    Client, World,
    places::text,
    site::{Site, instance, state},
};
use csgpu::{hypervisor::fake::FakeShape, store::seed::ROOT_DOMAIN};

use serde_json::Value;

/// A zone with hosts of eight GPUs each.
async fn site(world: &World, hosts: usize) -> Site {
    world.site((1..=hosts).map(|n| FakeShape::new(format!("h{n}")).gpus(8))).await
}

/// The words of a deploy in the network that everyone may use.
fn deploy<'a>(site: &'a Site, size: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    words
}

/// Sets a limit of an account of ROOT, or of a domain.
async fn limit(world: &World, account: Option<&str>, domain: &str, kind: &str, max: &str) {
    let mut words = vec![("domainid", domain), ("resourcetype", kind), ("max", max)];
    words.extend(account.map(|name| ("account", name)));
    let set = world.admin.ok("updateResourceLimit", &words).await;
    assert_eq!(set["resourcelimit"]["max"].to_string(), max);
}

/// The client's own account as it is listed.
async fn account(client: &Client) -> Value {
    client.ok("listAccounts", &[]).await["account"][0].clone()
}

#[actix_web::test]
async fn a_user_at_the_limit_of_gpus_is_refused_in_cloudstacks_words() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 1).await, world.user("joe").await);
    let size = world.size("pair", 2).await;
    let root = ROOT_DOMAIN.to_string();
    let before = account(&joe).await;
    assert_eq!(
        (&before["gpulimit"], &before["gpumemorylimit"]),
        (&"20".into(), &"Unlimited".into())
    );
    limit(&world, Some("joe"), &root, "16", "3").await;
    let vm = instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let refused = joe.call("deployVirtualMachine", &deploy(&site, &size)).await;
    assert_eq!((refused.status, &refused.inner()["cserrorcode"]), (535, &4370.into()));
    assert_eq!(
        refused.error(),
        format!(
            "Maximum amount of resources of Type = 'gpu' for Account Name = 'joe' in Domain Id = '{root}' is exceeded: \
             Account Resource Limit = 3, Current Account Resource Amount = 2, Current Account Resource Reservation = 0, \
             Requested Resource Amount = 2."
        )
    );
    let now = account(&joe).await;
    assert_eq!(
        (&now["gpulimit"], &now["gputotal"], &now["gpuavailable"]),
        (&"3".into(), &2.into(), &"1".into())
    );
    assert_eq!(
        (&now["vmtotal"], &now["cputotal"], &now["memorytotal"]),
        (&1.into(), &2.into(), &512.into())
    );
    assert!(now["gpumemorytotal"].as_i64().is_some());
    let words = [("id", vm["id"].as_str().expect("an id")), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
    let after = account(&joe).await;
    assert_eq!(
        (&after["gputotal"], &after["vmtotal"], &after["volumetotal"]),
        (&0.into(), &0.into(), &0.into())
    );
    world.settle().await;
}

#[actix_web::test]
async fn a_refusal_names_the_limit_that_is_in_the_way_and_not_one_that_is_just_reached() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 1).await, world.user("joe").await);
    let size = world.size("one", 1).await;
    let root = ROOT_DOMAIN.to_string();
    limit(&world, Some("joe"), &root, "0", "2").await;
    limit(&world, Some("joe"), &root, "16", "1").await;
    instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let refused = joe.call("deployVirtualMachine", &deploy(&site, &size)).await;
    assert!(
        refused.error().contains("Type = 'gpu' for Account Name = 'joe'"),
        "{}",
        refused.text()
    );
    world.settle().await;
}

#[actix_web::test]
async fn every_resource_has_a_limit_that_can_be_listed_by_number_and_name() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let all = joe.ok("listResourceLimits", &[]).await;
    assert_eq!(all["count"], 18);
    let one = joe.ok("listResourceLimits", &[("resourcetype", "116")]).await;
    let one = &one["resourcelimit"][0];
    assert_eq!((&one["resourcetypename"], &one["max"]), (&"gpu_memory".into(), &(-1).into()));
    let one = joe.ok("listResourceLimits", &[("resourcetypename", "primary_storage")]).await;
    let one = &one["resourcelimit"][0];
    assert_eq!(
        (&one["resourcetype"], &one["max"], &one["account"]),
        (&"10".into(), &200.into(), &"joe".into())
    );
    let own = world.admin.ok("listResourceLimits", &[("resourcetype", "16")]).await;
    assert_eq!(own["resourcelimit"][0]["max"], -1, "root administrators have no limits");
    let bad = joe.call("listResourceLimits", &[("resourcetype", "17")]).await;
    assert_eq!((bad.status, bad.error()), (431, "Please specify valid resource type"));
}

#[actix_web::test]
async fn a_domains_limit_binds_the_accounts_of_all_domains_below() {
    let world = World::new().await;
    let site = site(&world, 1).await;
    let size = world.size("none", 0).await;
    let above = text(&world.admin.ok("createDomain", &[("name", "above")]).await["domain"]["id"]);
    let words = [("name", "below"), ("parentdomainid", above.as_str())];
    let below = text(&world.admin.ok("createDomain", &words).await["domain"]["id"]);
    limit(&world, None, &above, "0", "1").await;
    let joe = world.member("joe", "0", Some(&below)).await;
    let eve = world.member("eve", "0", Some(&above)).await;
    instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let refused = eve.call("deployVirtualMachine", &deploy(&site, &size)).await;
    assert_eq!(refused.status, 535, "{}", refused.text());
    assert_eq!(
        refused.error(),
        format!(
            "Maximum domain resource limits of Type 'user_vm' for Domain Id = {above} is exceeded: Domain Resource Limit = 1, \
             Current Domain Resource Amount = 1, Current Resource Reservation = 0, Requested Resource Amount = 1."
        )
    );
    let listed = world.admin.ok("listDomains", &[("id", &below)]).await;
    let listed = &listed["domain"][0];
    assert_eq!((&listed["vmlimit"], &listed["vmtotal"]), (&"1".into(), &1.into()));
    let root = world.admin.ok("listDomains", &[("id", &ROOT_DOMAIN.to_string())]).await;
    let root = &root["domain"][0];
    assert_eq!((&root["vmlimit"], &root["vmtotal"]), (&"Unlimited".into(), &1.into()));
    let words = [("domainid", below.as_str()), ("resourcetype", "0"), ("max", "2")];
    let more = world.admin.call("updateResourceLimit", &words).await;
    assert_eq!(more.status, 431, "a domain may not have more than the one above it");
    world.settle().await;
}

#[actix_web::test]
async fn devices_that_a_stop_gave_back_count_again_with_the_next_start() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let (site, joe) = (site(&world, 1).await, world.user("joe").await);
    let size = world.size("pair", 2).await;
    let vm = instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let id = [("id", vm["id"].as_str().expect("an id"))];
    instance(&joe.call_async("stopVirtualMachine", &id).await);
    let stopped = account(&joe).await;
    assert_eq!((&stopped["gputotal"], &stopped["vmtotal"]), (&0.into(), &1.into()));
    limit(&world, Some("joe"), &ROOT_DOMAIN.to_string(), "16", "1").await;
    let refused = joe.call("startVirtualMachine", &id).await;
    assert_eq!(refused.status, 535, "{}", refused.text());
    assert_eq!(state(&joe, id[0].1).await.as_deref(), Some("Stopped"));
    limit(&world, Some("joe"), &ROOT_DOMAIN.to_string(), "16", "2").await;
    instance(&joe.call_async("startVirtualMachine", &id).await);
    assert_eq!(account(&joe).await["gputotal"], 2);
    world.settle().await;
}

#[actix_web::test]
async fn a_destroyed_instance_comes_back_only_where_its_owner_has_room() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 1).await, world.user("joe").await);
    let size = world.size("none", 0).await;
    let root = ROOT_DOMAIN.to_string();
    limit(&world, Some("joe"), &root, "0", "1").await;
    let vm = instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let id = [("id", vm["id"].as_str().expect("an id"))];
    instance(&joe.call_async("destroyVirtualMachine", &id).await);
    instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let refused = joe.call("recoverVirtualMachine", &id).await;
    assert_eq!(refused.status, 535, "{}", refused.text());
    limit(&world, Some("joe"), &root, "0", "2").await;
    joe.ok("recoverVirtualMachine", &id).await;
    assert_eq!(account(&joe).await["vmtotal"], 2);
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deploys_at_the_limit_by_three_servers_exactly_the_allowed_number_win() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 3).await, world.user("joe").await);
    let size = world.size("one", 1).await;
    limit(&world, Some("joe"), &ROOT_DOMAIN.to_string(), "16", "7").await;
    let (second, _) = world.another_server().await;
    let (third, _) = world.another_server().await;
    let clients = [joe.clone(), joe.at(second.address), joe.at(third.address)];
    let words = deploy(&site, &size);
    let answers =
        join_all((0..30).map(|n| clients[n % 3].call("deployVirtualMachine", &words))).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    let others: Vec<String> =
        answers.iter().filter(|a| ![200, 535].contains(&a.status)).map(|a| a.text()).collect();
    assert_eq!((count(200), count(535)), (7, 23), "{others:?}");
    world.check_invariants();
    world.settle().await;
    assert_eq!(account(&joe).await["gputotal"], 7);
}

#[actix_web::test]
async fn a_recount_mends_a_count_and_finds_the_same_where_nothing_is_wrong() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 1).await, world.user("joe").await);
    let size = world.size("pair", 2).await;
    instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let before = account(&joe).await;
    world.run("UPDATE resource_count SET used = 9 WHERE kind IN (0, 16)").await;
    let root = ROOT_DOMAIN.to_string();
    let words = [("account", "joe"), ("domainid", root.as_str())];
    let counts = world.admin.ok("updateResourceCount", &words).await;
    let rows = counts["resourcecount"].as_array().expect("rows");
    let gpus = rows.iter().find(|row| row["resourcetype"] == "16").expect("a row");
    assert_eq!((&gpus["resourcecount"], &gpus["resourcetypename"]), (&2.into(), &"gpu".into()));
    assert_eq!(account(&joe).await, before);
    for name in ["admin", "system"] {
        world.admin.ok("updateResourceCount", &[("account", name), ("domainid", &root)]).await;
    }
    world.admin.ok("updateResourceCount", &[("domainid", &root)]).await;
    world.settle().await;
}

#[actix_web::test]
async fn nobody_limits_root_or_those_who_run_it_or_themselves() {
    let world = World::new().await;
    let root = ROOT_DOMAIN.to_string();
    type Words = Vec<(&'static str, String)>;
    let set = |more: &[(&'static str, String)], max: &str| {
        let mut words = vec![("resourcetype", "16".to_owned()), ("max", max.to_owned())];
        words.extend(more.iter().cloned());
        words
    };
    let of = |words: &[(&'static str, String)]| -> Words { words.to_vec() };
    let home = text(&world.admin.ok("createDomain", &[("name", "home")]).await["domain"]["id"]);
    let boss = world.member("boss", "2", Some(&home)).await;
    let cases: [(&Client, Words, u16, &str); 5] = [
        (
            &world.admin,
            set(&of(&[("domainid", root.clone())]), "1"),
            531,
            "Cannot update resource limit for ROOT",
        ),
        (
            &world.admin,
            set(&of(&[("domainid", root.clone()), ("account", "admin".into())]), "1"),
            431,
            "Only -1 limit is supported for Root Admin accounts",
        ),
        (&world.admin, set(&[], "1"), 431, "AccountId or domainId have to be specified"),
        (
            &boss,
            set(&of(&[("domainid", home.clone())]), "1"),
            531,
            "Unable to update resource limit for domain",
        ),
        (
            &world.admin,
            set(&of(&[("domainid", home.clone())]), "-2"),
            431,
            "Please specify either '-1'",
        ),
    ];
    for (client, words, status, text) in cases {
        let words: Vec<_> = words.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = client.call("updateResourceLimit", &words).await;
        assert_eq!(refused.status, status, "{}", refused.text());
        assert!(refused.error().starts_with(text), "{}", refused.error());
    }
}

#[actix_web::test]
async fn a_root_administrator_has_no_limits_for_as_long_as_the_role_lasts() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let root = ROOT_DOMAIN.to_string();
    limit(&world, Some("joe"), &root, "0", "7").await;
    let id = text(&account(&joe).await["id"]);
    let roles = world.admin.ok("listRoles", &[]).await;
    let role = |name: &str| {
        let rows = roles["role"].as_array().expect("roles");
        text(&rows.iter().find(|role| role["name"] == name).expect("a role")["id"])
    };
    for (name, instances, gpus) in [("Root Admin", "Unlimited", "Unlimited"), ("User", "7", "20")] {
        world.admin.ok("updateAccount", &[("id", &id), ("roleid", &role(name))]).await;
        let now = account(&joe).await;
        assert_eq!(
            (&now["vmlimit"], &now["gpulimit"]),
            (&instances.into(), &gpus.into()),
            "{name}"
        );
    }
}

#[actix_web::test]
async fn projects_have_limits_of_their_own_and_count_for_those_who_run_them() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 1).await, world.user("joe").await);
    let (size, root) = (world.size("one", 1).await, ROOT_DOMAIN.to_string());
    for (name, value) in [("max.project.gpus", "1"), ("max.account.gpus", "7")] {
        world.admin.ok("updateConfiguration", &[("name", name), ("value", value)]).await;
    }
    limit(&world, Some("joe"), &root, "5", "1").await;
    let made = joe.call_async("createProject", &[("name", "ours")]).await;
    let ours = text(&made["jobresult"]["project"]["id"]);
    let refused = joe.call("createProject", &[("name", "another")]).await;
    assert_eq!(refused.status, 535, "{}", refused.text());
    assert!(refused.error().contains("'project' for Account Name = 'joe'"), "{}", refused.text());
    let mut words = deploy(&site, &size);
    words.push(("projectid", &ours));
    instance(&joe.call_async("deployVirtualMachine", &words).await);
    let refused = joe.call("deployVirtualMachine", &words).await;
    assert!(refused.error().contains("Account Resource Limit = 1, "), "{}", refused.text());
    let shown = joe.ok("listProjects", &[]).await["project"][0].clone();
    assert_eq!(
        (&shown["gpulimit"], &shown["gputotal"], &shown["gpuavailable"]),
        (&"1".into(), &1.into(), &"0".into())
    );
    assert_eq!((&shown["cputotal"], shown.get("projecttotal")), (&2.into(), None));
    let own = account(&joe).await;
    assert_eq!(
        (&own["gpulimit"], &own["gputotal"], &own["projecttotal"], &own["projectavailable"]),
        (&"7".into(), &0.into(), &1.into(), &"0".into())
    );
    // a project that is somebody else's counts there
    world.user("eve").await;
    for (command, more) in [("addAccountToProject", vec![]), ("updateProject", vec![])] {
        let who = ("account", "eve");
        let id = if command == "updateProject" { "id" } else { "projectid" };
        let words = [&[(id, ours.as_str()), who][..], &more].concat();
        assert_eq!(joe.call_async(command, &words).await["jobstatus"], 1, "{command}");
        world.check_invariants();
    }
    world.settle().await;
}

#[actix_web::test]
async fn a_recount_of_a_domain_mends_all_that_is_below_it() {
    let world = World::new().await;
    let site = site(&world, 1).await;
    let size = world.size("pair", 2).await;
    let above = text(&world.admin.ok("createDomain", &[("name", "above")]).await["domain"]["id"]);
    let words = [("name", "below"), ("parentdomainid", above.as_str())];
    let below = text(&world.admin.ok("createDomain", &words).await["domain"]["id"]);
    let joe = world.member("joe", "0", Some(&below)).await;
    instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let counts = "SELECT CONCAT(owner_id, ' ', kind, ' ', used) AS text FROM resource_count
        WHERE owner_id <> (SELECT id FROM domain WHERE parent_id IS NULL) AND kind IN (0, 2, 8, 9, 16)
        ORDER BY owner_id, kind";
    let before = world.texts(counts).await;
    assert!(before.iter().any(|row| row.starts_with(&above) && row.ends_with(" 16 2")));
    world.run("UPDATE resource_count SET used = used + 3 WHERE kind IN (0, 2, 8, 9, 16)").await;
    let mended = world.admin.ok("updateResourceCount", &[("domainid", &above)]).await;
    let rows = mended["resourcecount"].as_array().expect("rows");
    assert_eq!(rows.len(), 18);
    let gpus = rows.iter().find(|row| row["resourcetype"] == "16").expect("a row");
    assert_eq!(gpus["resourcecount"], 2);
    let admins = ["admin", "system"];
    for name in admins {
        let words = [("account", name), ("domainid", &*ROOT_DOMAIN.to_string())];
        world.admin.ok("updateResourceCount", &words).await;
    }
    assert_eq!(world.texts(counts).await, before);
    world.settle().await;
}
