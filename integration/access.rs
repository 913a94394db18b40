//! From where accounts may call: keys, sessions and logging in alike.

use crate::world::{Answer, Browser, Client, World, places::text};

const UNKNOWN: &str = "unable to verify user credentials and/or request signature";
const LIST: &str = "api.allowed.source.cidr.list";

fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.error()), (401, UNKNOWN), "{}", answer.text());
    assert!(answer.inner().get("cserrorcode").is_none(), "{}", answer.text());
}

async fn set(world: &World, name: &str, value: &str, account: Option<&str>) -> Answer {
    let mut words = vec![("name", name), ("value", value)];
    words.extend(account.map(|account| ("accountid", account)));
    world.admin.call("updateConfiguration", &words).await
}

async fn must_set(world: &World, name: &str, value: &str, account: Option<&str>) {
    let answer = set(world, name, value, account).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn account(client: &Client) -> String {
    text(&client.ok("listAccounts", &[]).await["account"][0]["id"])
}

#[actix_web::test]
async fn an_account_calls_only_from_where_it_may() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let id = account(&joe).await;
    let mut browser = Browser::new(world.server.address);
    browser.enter("/", "joe", "a long password").await;
    let other = browser.clone();
    must_set(&world, LIST, "10.0.0.0/8,::/0", Some(&id)).await;
    refused(&joe.call("listUsers", &[]).await);
    // not even what the role may
    refused(&joe.call("createAccount", &[]).await);
    eve.ok("listUsers", &[]).await;
    // the session is over, not only refused
    refused(&browser.call("listUsers", &[]).await);
    for (password, name) in [("a long password", "joe"), ("wrong", "joe"), ("wrong", "nobody")] {
        let answer = browser.log_in("/", name, password).await;
        let words = format!(
            "Failed to authenticate user {name} in domain 1; please provide valid credentials"
        );
        assert_eq!((answer.status, answer.error()), (531, &*words));
    }
    let words = [("name", LIST), ("accountid", id.as_str())];
    let shown = world.admin.ok("listConfigurations", &words).await;
    assert_eq!(shown["configuration"][0]["value"], "10.0.0.0/8,::/0");
    must_set(&world, LIST, " 10.0.0.0/8 , 127.0.0.1 ", Some(&id)).await;
    joe.ok("listUsers", &[]).await;
    refused(&other.call("listUsers", &[]).await);
    browser.enter("/", "joe", "a long password").await;
    assert_eq!(browser.call("listUsers", &[]).await.status, 200);
    world.admin.ok("resetConfiguration", &words).await;
    joe.ok("listUsers", &[]).await;
}

#[actix_web::test]
async fn the_list_of_all_binds_who_has_none_of_its_own() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let (mut server, _) = world.another_server().await;
    server.rest();
    let there = joe.at(server.address);
    there.ok("listUsers", &[]).await;
    let admin =
        text(&world.admin.ok("listAccounts", &[("name", "admin")]).await["account"][0]["id"]);
    must_set(&world, LIST, "127.0.0.0/8", Some(&admin)).await;
    must_set(&world, LIST, "192.0.2.0/24", None).await;
    refused(&joe.call("listUsers", &[]).await);
    refused(&there.call("listUsers", &[]).await);
    let own = account_of(&world, "joe").await;
    must_set(&world, LIST, "127.0.0.1/32", Some(&own)).await;
    there.ok("listUsers", &[]).await;
    world.admin.ok("resetConfiguration", &[("name", LIST), ("accountid", &own)]).await;
    refused(&there.call("listUsers", &[]).await);
    must_set(&world, "api.source.cidr.checks.enabled", "false", None).await;
    there.ok("listUsers", &[]).await;
    must_set(&world, "api.source.cidr.checks.enabled", "true", None).await;
    refused(&there.call("listUsers", &[]).await);
    let before = server.wiring.db.statements();
    refused(&there.call("listUsers", &[]).await);
    assert!(server.wiring.db.statements() - before <= 1);
    world.admin.ok("resetConfiguration", &[("name", LIST)]).await;
    there.ok("listUsers", &[]).await;
    server.crash();
}

async fn account_of(world: &World, name: &str) -> String {
    let words = [("name", name), ("listall", "true")];
    text(&world.admin.ok("listAccounts", &words).await["account"][0]["id"])
}

#[actix_web::test]
async fn a_list_that_cannot_be_read_is_refused_and_lets_nobody_in() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let id = account(&joe).await;
    for list in ["", " , ", "10.0.0.0/33", "10.0.0.0/8;::/0", "anywhere", "10.0.0.0/8,x", "::/129"]
    {
        for of in [None, Some(id.as_str())] {
            let answer = set(&world, LIST, list, of).await;
            assert_eq!(answer.status, 431, "{list:?}: {}", answer.text());
        }
    }
    for list in ["10.0.0.0/33", "x"] {
        assert_eq!(set(&world, "proxy.cidr", list, None).await.status, 431);
    }
    assert_eq!(set(&world, "proxy.cidr", "", None).await.status, 200);
    joe.ok("listUsers", &[]).await;
    let garbage = format!(
        "INSERT INTO scoped_setting (scope, scope_id, name, value) VALUES ('account', '{id}', '{LIST}', 'anywhere')"
    );
    world.run(&garbage).await;
    refused(&joe.call("listUsers", &[]).await);
}
