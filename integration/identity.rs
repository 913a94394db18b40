//! Domains, accounts, users and keys: who may see and touch whom.

use crate::world::World;
use csgpu::hypervisor::fake::FakeShape;

fn id(value: &serde_json::Value) -> &str {
    value["id"].as_str().expect("an id")
}

#[actix_web::test]
async fn a_user_sees_only_the_own_account_and_users() {
    let world = World::new().await;
    let (joe, _eve) = (world.user("joe").await, world.user("eve").await);
    let seen = joe.ok("listAccounts", &[("listall", "true")]).await;
    assert_eq!((&seen["count"], &seen["account"][0]["name"]), (&1.into(), &"joe".into()));
    let all = world.admin.ok("listAccounts", &[("listall", "true")]).await;
    assert_eq!(all["count"], 4);
    let eve = world.admin.ok("listUsers", &[("username", "eve"), ("listall", "true")]).await;
    let eve = id(&eve["user"][0]).to_owned();
    for command in ["getUserKeys", "registerUserKeys", "listUsers"] {
        let unknown = "00000000-0000-7000-8000-00000000abcd";
        let (foreign, absent) =
            (joe.call(command, &[("id", &eve)]).await, joe.call(command, &[("id", unknown)]).await);
        assert_eq!((foreign.status, absent.status), (431, 431), "{command}");
        assert_eq!(
            foreign.error().replace(&eve, "X"),
            absent.error().replace(unknown, "X"),
            "{command}"
        );
    }
}

#[actix_web::test]
async fn old_keys_stop_working_when_new_ones_are_made() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let own = joe.ok("listUsers", &[]).await;
    let keys = joe.ok("registerUserKeys", &[("id", id(&own["user"][0]))]).await;
    assert_eq!(keys["userkeys"]["secretkey"].as_str().map(str::len), Some(86));
    assert_eq!(joe.call("listUsers", &[]).await.status, 401);
}

#[actix_web::test]
async fn a_user_may_not_call_what_its_role_does_not_allow() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let own = joe.ok("listUsers", &[]).await;
    let answer = joe.call("createAccount", &[]).await;
    let expected = format!(
        "The API [createAccount] does not exist or is not available for the account for user id [{}].",
        id(&own["user"][0])
    );
    assert_eq!((answer.status, answer.error()), (432, expected.as_str()));
    let apis = joe.ok("listApis", &[]).await;
    let names: Vec<_> =
        apis["api"].as_array().unwrap().iter().map(|api| api["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"queryAsyncJobResult") && !names.contains(&"createAccount"));
}

#[actix_web::test]
async fn a_domain_admin_reaches_the_own_tree_and_nothing_above() {
    let world = World::new().await;
    let mine = world.admin.ok("createDomain", &[("name", "mine")]).await;
    let mine = id(&mine["domain"]).to_owned();
    let boss = world.member("boss", "2", Some(&mine)).await;
    let below = boss.ok("createDomain", &[("name", "below")]).await;
    assert_eq!(below["domain"]["path"], "ROOT/mine/below");
    let admin_user = world.admin.ok("listUsers", &[]).await;
    let refused = boss.call("getUserKeys", &[("id", id(&admin_user["user"][0]))]).await;
    assert_eq!(refused.status, 431);
    let listed = boss.ok("listDomains", &[]).await;
    assert_eq!(listed["count"], 2);
    let person = |kind| {
        [
            ("username", "p"),
            ("password", "p"),
            ("firstname", "p"),
            ("lastname", "p"),
            ("email", "p@example.org"),
            ("accounttype", kind),
        ]
    };
    assert_eq!(boss.call("createAccount", &person("1")).await.status, 531);
    boss.ok("createAccount", &person("0")).await;
    let twice = boss.call("createAccount", &person("0")).await;
    assert_eq!((twice.status, twice.error()), (431, "The specified account: p already exists"));
}

#[actix_web::test]
async fn a_domain_with_something_in_it_stays() {
    let world = World::new().await;
    let made = world.admin.ok("createDomain", &[("name", "d")]).await;
    let domain = id(&made["domain"]).to_owned();
    world.member("joe", "0", Some(&domain)).await;
    let kept = world.admin.call_async("deleteDomain", &[("id", &domain)]).await;
    assert_eq!((&kept["jobstatus"], &kept["jobresultcode"]), (&2.into(), &536.into()));
    let joe = world.admin.ok("listAccounts", &[("domainid", &domain)]).await;
    let gone = world.admin.call_async("deleteAccount", &[("id", id(&joe["account"][0]))]).await;
    assert_eq!(gone["jobresult"], serde_json::json!({"success": true}));
    let gone = world.admin.call_async("deleteDomain", &[("id", &domain)]).await;
    assert_eq!(gone["jobstatus"], 1);
    assert_eq!(world.admin.call("listDomains", &[("id", &domain)]).await.status, 431);
}

#[actix_web::test]
async fn an_account_goes_with_everything_it_owns() {
    let world = World::new().await;
    let made = world.admin.ok("createDomain", &[("name", "d")]).await;
    let domain = id(&made["domain"]).to_owned();
    let below = [("name", "below"), ("parentdomainid", domain.as_str())];
    let made = world.admin.ok("createDomain", &below).await;
    let joe = world.member("joe", "0", Some(&domain)).await;
    let eve = world.member("eve", "0", Some(id(&made["domain"]))).await;
    let site = world.site([FakeShape::new("h").gpus(2)]).await;
    let size = world.size("one", 1).await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    for client in [&joe, &eve] {
        let made = client.call_async("deployVirtualMachine", &words).await;
        assert_eq!(made["jobstatus"], 1, "{made}");
        client.ok("createSSHKeyPair", &[("name", "key")]).await;
    }
    assert_eq!(world.held().await, "Allocated Allocated");
    let listed = world.admin.ok("listAccounts", &[("domainid", &domain)]).await;
    let started = world.admin.ok("deleteAccount", &[("id", id(&listed["account"][0]))]).await;
    assert_eq!(joe.call("listZones", &[]).await.status, 401);
    let job = started["jobid"].as_str().expect("a job");
    let ended = world.admin.finished(job).await;
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    assert_eq!(world.held().await, "Allocated");
    let params = [("id", domain.as_str()), ("cleanup", "true")];
    let ended = world.admin.call_async("deleteDomain", &params).await;
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    assert_eq!((world.held().await.as_str(), site.racks[0].fake.domain_ids().len()), ("", 0));
    assert_eq!(world.admin.call("listDomains", &[("id", &domain)]).await.status, 431);
    assert!(world.texts("SELECT name AS text FROM ssh_key_pair").await.is_empty());
}
