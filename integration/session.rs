//! Logging in as the web UI does: cookies, the session's key, and when a session is over.

use crate::world::{Browser, World};
use csgpu::store::migrate;
use diesel::{RunQueryDsl, sql_query};

const WRONG: &str = "please provide valid credentials";

async fn world_with_joe() -> World {
    let world = World::new().await;
    world.user("joe").await;
    world
}

async fn joe(world: &World) -> Browser {
    let mut browser = Browser::new(world.server.address);
    browser.enter("/", "joe", "a long password").await;
    browser
}

#[actix_web::test]
async fn a_login_answers_as_recorded() {
    let world = world_with_joe().await;
    let mut browser = Browser::new(world.server.address);
    let answer = browser.log_in("/", "joe", "a long password").await;
    let fields = answer.inner().as_object().expect("fields");
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let expected = "username userid domainid timeout account firstname lastname type registered \
                    sessionkey is2faenabled is2faverified issuerfor2fa";
    assert_eq!(names.join(" "), expected);
    assert_eq!((&fields["timeout"], &fields["type"]), (&1800.into(), &"0".into()));
    assert_eq!(
        (&fields["registered"], &fields["is2faenabled"]),
        (&"false".into(), &"false".into())
    );
    let key = fields["sessionkey"].as_str().expect("a key");
    assert_eq!(key.len(), 27);
    let cookies: Vec<&str> =
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, v)| &**v).collect();
    assert!(
        cookies[0].starts_with("JSESSIONID=node0") && cookies[0].ends_with(".node0; Path=/client")
    );
    assert_eq!(cookies[1], format!("sessionkey={key};HttpOnly;SameSite=Lax"));
    assert_eq!(answer.header("expires"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_eq!(answer.header("vary"), Some("Accept-Encoding, User-Agent"));
    let own = browser.call("listUsers", &[]).await;
    assert_eq!((own.status, &own.inner()["user"][0]["username"]), (200, &"joe".into()));
}

#[actix_web::test]
async fn whoever_is_refused_learns_nothing_of_who_exists() {
    let world = world_with_joe().await;
    let mut browser = Browser::new(world.server.address);
    for (name, password) in [("joe", "wrong"), ("nobody", "wrong"), ("joe", ""), ("system", "!")] {
        let answer = browser.log_in("/", name, password).await;
        let text = format!("Failed to authenticate user {name} in domain 1; {WRONG}");
        let body = format!(
            r#"{{"loginresponse":{{"uuidList":[],"errorcode":531,"errortext":"{text}"}}}}"#
        );
        assert_eq!((answer.status, answer.text()), (531, body));
        assert_eq!(answer.header("x-description"), None);
    }
    let answer = browser.log_in("nowhere", "joe", "a long password").await;
    assert_eq!(answer.error(), "Unable to find the domain from the path /nowhere/");
    assert_eq!(browser.call("listUsers", &[]).await.status, 401);
}

#[actix_web::test]
async fn a_login_page_gets_its_answers_without_credentials() {
    let world = World::new().await;
    let browser = Browser::new(world.server.address);
    for command in ["listGuiThemes", "listOauthProvider", "forgotPassword", "FORGOTPASSWORD"] {
        assert_eq!(browser.call(command, &[]).await.status, 200, "{command}");
    }
    assert_eq!(browser.call("listIdps", &[]).await.status, 401);
    let answer = browser.call("logout", &[]).await;
    let body = r#"{"logoutresponse":{"uuidList":[],"errorcode":431,"cserrorcode":9999,"errortext":"Session not found for the logout process."}}"#;
    assert_eq!((answer.status, answer.text().as_str()), (431, body));
    let answer = browser.call("login", &[("username", "admin"), ("password", "x")]).await;
    let sentence = "Please use HTTP POST to authenticate using this API";
    assert_eq!((answer.status, answer.text().as_str()), (405, sentence));
    let answer = browser.form(&[("command", "login"), ("response", "json")]).await;
    assert_eq!((answer.status, answer.text().as_str()), (531, "null"));
}

#[actix_web::test]
async fn a_request_without_the_right_key_ends_the_session() {
    let world = world_with_joe().await;
    let sent_wrongly: [fn(&mut Browser); 4] = [
        |browser| browser.key = "wrong".to_owned(),
        |browser| browser.key.clear(),
        |browser| browser.cookies.retain(|(name, _)| name != "sessionkey"),
        |browser| {
            browser.cookies.retain(|(name, _)| name != "sessionkey");
            browser.cookies.push(("sessionkey".to_owned(), "wrong".to_owned()));
        },
    ];
    for spoil in sent_wrongly {
        let good = joe(&world).await;
        let mut bad = good.clone();
        spoil(&mut bad);
        let answer = bad.call("listUsers", &[]).await;
        assert_eq!((answer.status, answer.error()), (401, "unable to verify user credentials"));
        let answer = good.call("listUsers", &[]).await;
        assert_eq!(answer.error(), "unable to verify user credentials and/or request signature");
    }
}

#[actix_web::test]
async fn a_session_is_told_of_commands_it_cannot_call() {
    let world = world_with_joe().await;
    let joe = joe(&world).await;
    for command in ["createAccount", "noSuchCommand"] {
        let answer = joe.call(command, &[]).await;
        let start =
            format!("The API [{command}] does not exist or is not available for the account");
        assert!(answer.status == 432 && answer.error().starts_with(&start), "{}", answer.text());
        assert!(answer.json.get("errorresponse").is_some());
    }
    assert_eq!(joe.get(&[("response", "json"), ("sessionkey", &joe.key)]).await.status, 432);
    let answer = joe.call("listLdapConfigurations", &[]).await;
    assert_eq!(answer.text(), r#"{"ldapconfigurationresponse":{}}"#);
    let apis = joe.call("listApis", &[]).await;
    assert!(apis.inner()["count"].as_i64() > Some(10));
}

#[actix_web::test]
async fn logging_out_and_in_again_ends_the_session_before() {
    let world = world_with_joe().await;
    let first = joe(&world).await;
    let mut second = first.clone();
    second.enter("", "joe", "a long password").await;
    assert_eq!(first.call("listUsers", &[]).await.status, 401);
    let answer = second.get(&[("command", "LogOut"), ("response", "json")]).await;
    assert_eq!(answer.text(), r#"{"logoutresponse":{"description":"success"}}"#);
    let gone = answer.headers.iter().filter(|(name, _)| name == "set-cookie").count();
    assert_eq!(gone, second.cookies.len());
    assert_eq!(second.call("listUsers", &[]).await.status, 401);
}

#[actix_web::test]
async fn a_session_goes_on_at_another_server_and_costs_one_statement() {
    let world = world_with_joe().await;
    let browser = joe(&world).await;
    let (mut other, _) = world.another_server().await;
    other.rest();
    let there = browser.at(other.address);
    assert_eq!(there.call("listZones", &[]).await.status, 200);
    let before = other.wiring.db.statements();
    assert_eq!(there.call("listHypervisors", &[]).await.status, 200);
    assert!(other.wiring.db.statements() - before <= 2);
    other.crash();
}

#[actix_web::test]
async fn an_idle_session_is_over() {
    let world = world_with_joe().await;
    let browser = joe(&world).await;
    let mut conn = migrate::connect(&world.database.url).expect("the database");
    let mut idle = |seconds: u32| {
        let text =
            format!("UPDATE session SET last_used = UTC_TIMESTAMP(6) - INTERVAL {seconds} SECOND");
        sql_query(text).execute(&mut conn).expect("a session");
    };
    idle(1700);
    assert_eq!(browser.call("listUsers", &[]).await.status, 200);
    idle(1790);
    // used a moment ago, so the hand of the clock went back
    assert_eq!(browser.call("listUsers", &[]).await.status, 200);
    idle(1801);
    assert_eq!(browser.call("listUsers", &[]).await.status, 401);
}
