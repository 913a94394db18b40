//! Changing users, accounts and domains: what it takes, and that it holds at once for keys and sessions.

use crate::world::{Browser, World};
use serde_json::Value;

const PASSWORD: &str = "a long password";

/// A command that shuts somebody out with its words, and one that lets back in with its id.
type Way<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str, &'a str);

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

async fn user(world: &World, name: &str) -> Value {
    let found = world.admin.ok("listUsers", &[("username", name), ("listall", "true")]).await;
    found["user"][0].clone()
}

async fn browser(world: &World, name: &str) -> Browser {
    let mut browser = Browser::new(world.server.address);
    browser.enter("/", name, PASSWORD).await;
    browser
}

#[actix_web::test]
async fn who_is_locked_or_disabled_is_out_at_once_and_stays_out() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let found = user(&world, "joe").await;
    let (id, account) = (text(&found, "id").to_owned(), text(&found, "accountid").to_owned());
    let name = [("account", "joe"), ("domainid", text(&found, "domainid"))];
    let ways: [Way<'_>; 4] = [
        ("lockUser", vec![("id", &id)], "enableUser", &id),
        ("disableUser", vec![("id", &id)], "enableUser", &id),
        ("lockAccount", name.to_vec(), "enableAccount", &account),
        ("disableAccount", vec![("id", &account), ("lock", "false")], "enableAccount", &account),
    ];
    for (out, params, back, again) in ways {
        let session = browser(&world, "joe").await;
        world.admin.ok(out, &params).await;
        assert_eq!(joe.call("listUsers", &[]).await.status, 401, "{out}");
        assert_eq!(session.call("listUsers", &[]).await.status, 401, "{out}");
        let refused = Browser::new(world.server.address).log_in("/", "joe", PASSWORD).await;
        assert!(refused.error().contains("is disabled/locked"), "{}", refused.text());
        let wrong = Browser::new(world.server.address).log_in("/", "joe", "wrong").await;
        assert!(wrong.error().starts_with("Failed to authenticate"), "{}", wrong.text());
        world.admin.ok(back, &[("id", again)]).await;
        assert_eq!(joe.call("listUsers", &[]).await.status, 200, "{back}");
        assert_eq!(
            session.call("listUsers", &[]).await.status,
            401,
            "{back}: an old session lives"
        );
    }
}

#[actix_web::test]
async fn a_password_is_changed_by_who_knows_it_and_ends_every_session() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let id = text(&user(&world, "joe").await, "id").to_owned();
    let session = browser(&world, "joe").await;
    let change = |current: Option<&'static str>| {
        let mut params = vec![("id", id.clone()), ("password", "another password".to_owned())];
        params.extend(current.map(|current| ("currentpassword", current.to_owned())));
        params
    };
    for (current, complaint) in [
        (None, "To set a new password the current password must be provided."),
        (Some("wrong"), "Current password is incorrect."),
    ] {
        let params = change(current);
        let params: Vec<_> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let refused = joe.post("updateUser", &params).await;
        assert_eq!((refused.status, refused.error()), (431, complaint));
    }
    assert_eq!(session.call("listUsers", &[]).await.status, 200);
    let params = change(Some(PASSWORD));
    let params: Vec<_> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let changed = joe.post("updateUser", &params).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert!(!changed.text().contains("another password"));
    assert_eq!(session.call("listUsers", &[]).await.status, 401);
    let mut again = Browser::new(world.server.address);
    assert_eq!(again.log_in("/", "joe", PASSWORD).await.status, 531);
    again.enter("/", "joe", "another password").await;
    let events = world.admin.call("listEvents", &[("listall", "true")]).await;
    assert!(!events.text().contains("another password"));
}

#[actix_web::test]
async fn a_user_changes_itself_and_nobody_else() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (own, other) = (user(&world, "joe").await, user(&world, "eve").await);
    let (own, other) = (text(&own, "id"), text(&other, "id"));
    let changed = joe.ok("updateUser", &[("id", own), ("firstname", "Josephine")]).await;
    assert_eq!(changed["user"]["firstname"], "Josephine");
    assert_eq!(joe.call("updateUser", &[("id", other), ("email", "x@y.z")]).await.status, 431);
    let taken = joe.call("updateUser", &[("id", own), ("username", "eve")]).await;
    assert_eq!(taken.status, 431);
    let half = joe.call("updateUser", &[("id", own), ("userapikey", "k")]).await;
    assert_eq!(
        (half.status, half.error()),
        (431, "Please provide an userApiKey/userSecretKey pair")
    );
    for command in ["lockUser", "disableUser", "enableUser", "deleteUser", "getUser"] {
        assert_eq!(eve.call(command, &[("id", own)]).await.status, 432, "{command}");
    }
    let admin = user(&world, "admin").await;
    let refused = world.admin.call("lockUser", &[("id", text(&admin, "id"))]).await;
    assert_eq!(refused.status, 431);
    let key = text(&user(&world, "joe").await, "apikey").to_owned();
    let found = world.admin.ok("getUser", &[("userapikey", &key)]).await;
    assert_eq!(found["user"]["username"], "joe");
}

#[actix_web::test]
async fn another_role_holds_from_the_next_request_on() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let account = text(&user(&world, "joe").await, "accountid").to_owned();
    assert_eq!(joe.call("listHosts", &[]).await.status, 432);
    let roles = world.admin.ok("listRoles", &[("name", "Root Admin")]).await;
    let role = text(&roles["role"][0], "id").to_owned();
    let params = [("id", account.as_str()), ("roleid", &role), ("newname", "jane")];
    let changed = world.admin.ok("updateAccount", &params).await;
    assert_eq!(
        (&changed["account"]["name"], &changed["account"]["roletype"]),
        (&"jane".into(), &"Admin".into())
    );
    assert_eq!(joe.call("listHosts", &[]).await.status, 200);
    let boss = world.member("boss", "2", None).await;
    let refused = boss.call("updateAccount", &[("id", &account), ("newname", "x")]).await;
    assert_eq!(refused.status, 531);
    let own = text(&user(&world, "boss").await, "accountid").to_owned();
    let refused = boss.call("updateAccount", &[("id", &own), ("roleid", &role)]).await;
    assert_eq!(refused.status, 531, "{}", refused.text());
}

#[actix_web::test]
async fn a_renamed_domain_takes_everything_below_along() {
    let world = World::new().await;
    let made = world.admin.ok("createDomain", &[("name", "old")]).await;
    let top = text(&made["domain"], "id").to_owned();
    let below = [("name", "below"), ("parentdomainid", top.as_str())];
    let made = world.admin.ok("createDomain", &below).await;
    let below = text(&made["domain"], "id").to_owned();
    world.admin.ok("createDomain", &[("name", "older")]).await;
    let boss = world.member("boss", "2", Some(&top)).await;
    world.member("joe", "0", Some(&below)).await;
    let changed = world.admin.ok("updateDomain", &[("id", &top), ("name", "new")]).await;
    assert_eq!(changed["domain"]["path"], "ROOT/new");
    let listed = boss.ok("listDomains", &[("listall", "true")]).await;
    let paths: Vec<&str> =
        listed["domain"].as_array().unwrap().iter().map(|row| text(row, "path")).collect();
    assert_eq!(paths, ["ROOT/new", "ROOT/new/below"]);
    Browser::new(world.server.address).enter("new/below", "joe", PASSWORD).await;
    let taken = world.admin.call("updateDomain", &[("id", &top), ("name", "older")]).await;
    let text = format!(
        "Failed to update domain id={top}; domain with name older already exists in the system"
    );
    assert_eq!((taken.status, taken.error()), (431, text.as_str()));
    assert_eq!(boss.call("updateDomain", &[("id", &top), ("name", "mine")]).await.status, 531);
}
