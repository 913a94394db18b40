//! How often accounts may call: counted, told, reset; in force at once, at every server.

use crate::world::{Browser, Client, World, places::text};

/// Changes a setting.
async fn set(world: &World, name: &str, value: &str) {
    world.admin.ok("updateConfiguration", &[("name", name), ("value", value)]).await;
}

/// Lets accounts call so often in so many seconds.
async fn throttle(world: &World, most: &str, seconds: &str) {
    set(world, "api.throttling.max", most).await;
    set(world, "api.throttling.interval", seconds).await;
    set(world, "api.throttling.enabled", "true").await;
}

/// The milliseconds of a refusal, whose words are the real server's.
fn refused(answer: &crate::world::Answer) -> u64 {
    let text = answer.error();
    let start = "The given user has reached his/her account api limit, please retry after [";
    let rest = text.strip_prefix(start).and_then(|rest| rest.strip_suffix("] ms."));
    let rest = rest.unwrap_or_else(|| panic!("{}", answer.text()));
    let body = format!(
        r#"{{"listzonesresponse":{{"uuidList":[],"errorcode":429,"cserrorcode":9999,"errortext":"{text}"}}}}"#
    );
    assert_eq!((answer.status, answer.text()), (429, body));
    assert_eq!(answer.header("x-description"), Some(text));
    assert_eq!(answer.header("retry-after"), None);
    rest.parse().expect("milliseconds")
}

#[actix_web::test]
async fn an_account_that_calls_too_often_is_told_when_to_come_again() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    throttle(&world, "3", "3600").await;
    for _ in 0..3 {
        joe.ok("listZones", &[]).await;
    }
    let rest = refused(&joe.call("listZones", &[]).await);
    assert!((3_500_000..=3_600_000).contains(&rest), "{rest}");
    refused(&joe.post("listZones", &[]).await);
    // all users and ways of an account are counted together; logging in is not a call
    let mut browser = Browser::new(world.server.address);
    browser.enter("/", "joe", "a long password").await;
    refused(&browser.call("listZones", &[]).await);
    // other accounts have their own count, root administrators none
    eve.ok("listZones", &[]).await;
    for _ in 0..10 {
        world.admin.ok("listZones", &[]).await;
    }
    let account = text(&eve.ok("listAccounts", &[]).await["account"][0]["id"]);
    world.admin.ok("resetApiLimit", &[("account", &account)]).await;
    refused(&joe.call("listZones", &[]).await);
    world.admin.ok("resetApiLimit", &[]).await;
    joe.ok("listZones", &[]).await;
    assert_eq!(browser.call("listZones", &[]).await.status, 200);
    set(&world, "api.throttling.max", "2").await;
    refused(&joe.call("listZones", &[]).await);
    world.admin.ok("resetConfiguration", &[("name", "api.throttling.enabled")]).await;
    for _ in 0..30 {
        joe.ok("listZones", &[]).await;
    }
}

#[actix_web::test]
async fn a_window_that_is_over_is_followed_by_a_new_one() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    throttle(&world, "1", "1").await;
    for _ in 0..3 {
        joe.ok("listZones", &[]).await;
        let rest = refused(&joe.call("listZones", &[]).await);
        assert!(rest <= 1000, "{rest}");
        tokio::time::sleep(std::time::Duration::from_millis(rest + 50)).await;
    }
}

#[actix_web::test]
async fn nobody_uses_up_the_calls_of_an_account_whose_secret_is_not_known() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    throttle(&world, "3", "3600").await;
    let thief = Client::new(joe.address(), joe.api_key(), "not the secret");
    for _ in 0..10 {
        assert_eq!(thief.call("listZones", &[]).await.status, 401);
        assert_eq!(joe.call("createAccount", &[]).await.status, 432);
        assert_eq!(joe.call("noSuchCommand", &[]).await.status, 401);
    }
    let left = joe.ok("getApiLimit", &[]).await;
    assert_eq!(
        (&left["apilimit"]["apiIssued"], &left["apilimit"]["apiAllowed"]),
        (&1.into(), &2.into())
    );
}

#[actix_web::test]
async fn what_is_left_is_told_while_calls_are_counted() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let off = "This api is only available when api.throttling.enabled = true.";
    for (client, command) in
        [(&joe, "getApiLimit"), (&world.admin, "getApiLimit"), (&world.admin, "resetApiLimit")]
    {
        let answer = client.call(command, &[]).await;
        assert_eq!((answer.status, answer.error()), (432, off));
        assert_eq!(answer.inner()["cserrorcode"], 9999);
        assert!(answer.json.get("errorresponse").is_some(), "{}", answer.text());
    }
    let capability = async || world.admin.ok("listCapabilities", &[]).await["capability"].clone();
    assert!(capability().await.get("apilimitmax").is_none());
    throttle(&world, "5", "60").await;
    let told = capability().await;
    assert_eq!((&told["apilimitmax"], &told["apilimitinterval"]), (&5.into(), &60.into()));
    joe.ok("listZones", &[]).await;
    let left = joe.ok("getApiLimit", &[]).await["apilimit"].clone();
    let account = joe.ok("listAccounts", &[]).await["account"][0]["id"].clone();
    assert_eq!((&left["accountid"], &left["account"]), (&account, &"joe".into()));
    assert_eq!((&left["apiIssued"], &left["apiAllowed"]), (&2.into(), &3.into()));
    assert!((50_000..=60_000).contains(&left["expireAfter"].as_i64().expect("ms")), "{left}");
    let own = world.admin.ok("getApiLimit", &[]).await["apilimit"].clone();
    assert_eq!((&own["apiIssued"], &own["expireAfter"]), (&0.into(), &60_000.into()));
    let answer = joe.call("resetApiLimit", &[]).await;
    assert_eq!(answer.status, 432, "{}", answer.text());
}

#[actix_web::test]
async fn each_server_counts_for_itself_by_the_settings_of_the_cloud() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let (mut other, _) = world.another_server().await;
    other.rest();
    let there = joe.at(other.address);
    there.ok("listZones", &[]).await;
    throttle(&world, "2", "3600").await;
    for client in [&joe, &there] {
        client.ok("listZones", &[]).await;
        client.ok("listZones", &[]).await;
        refused(&client.call("listZones", &[]).await);
    }
    // being counted costs no statement: the revision of the settings comes with the caller's row
    let before = other.wiring.db.statements();
    refused(&there.call("listZones", &[]).await);
    assert!(other.wiring.db.statements() - before <= 1);
    other.crash();
}

#[actix_web::test]
async fn rates_that_are_none_are_refused() {
    let world = World::new().await;
    for (name, value) in [
        ("api.throttling.max", "0"),
        ("api.throttling.max", "-1"),
        ("api.throttling.interval", "0"),
        ("api.throttling.interval", "soon"),
        ("api.throttling.cachesize", "0"),
        ("api.throttling.enabled", "yes"),
    ] {
        let answer =
            world.admin.call("updateConfiguration", &[("name", name), ("value", value)]).await;
        assert_eq!(answer.status, 431, "{name} {value}: {}", answer.text());
    }
}
