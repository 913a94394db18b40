//! Who is recognised: sessions, keys, signatures, and what a caller says of itself.

use crate::world::{
    Browser, Client, World,
    client::{Answer, query},
};
use csgpu::dialect::signature;

const PASSWORD: &str = "a long password";

async fn admin_keys(world: &World) -> (String, String) {
    let rows = world
        .texts("SELECT CONCAT(api_key, ' ', secret_key) AS text FROM user WHERE username = 'admin'")
        .await;
    let (key, secret) = rows[0].split_once(' ').expect("two keys");
    (key.to_owned(), secret.to_owned())
}

/// A request of these parameters as they are.
async fn plain(world: &World, params: &[(&str, &str)]) -> Answer {
    let pairs: Vec<_> = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let head = format!("GET /client/api?{} HTTP/1.1\r\n", query(&pairs));
    Client::new(world.server.address, "", "").send(head, String::new()).await
}

#[actix_web::test]
async fn s20_answers_of_users_who_ask_at_once_do_not_mix() {
    let world = World::new().await;
    let mut names = Vec::new();
    for number in 0..4 {
        let name = format!("user{number}");
        names.push((world.user(&name).await, name));
    }
    let asked = names.into_iter().map(|(client, name)| {
        tokio::spawn(async move {
            for _ in 0..40 {
                let own = client.ok("listUsers", &[("listall", "true")]).await;
                assert_eq!(
                    (&own["count"], &own["user"][0]["username"]),
                    (&1.into(), &name.as_str().into())
                );
            }
        })
    });
    for task in asked.collect::<Vec<_>>() {
        task.await.expect("only one's own");
    }
}

#[actix_web::test]
async fn s22_a_session_is_new_with_each_log_in_and_over_with_the_log_out() {
    let world = World::new().await;
    world.user("joe").await;
    // who plants a cookie does not know the session that is begun with it
    let mut browser = Browser::new(world.server.address);
    let planted = "node0planted0000000000000000000000";
    browser.cookies.push(("JSESSIONID".to_owned(), format!("{planted}.node0")));
    browser.enter("/", "joe", PASSWORD).await;
    let named = |browser: &Browser, name: &str| {
        let found = browser.cookies.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let first = named(&browser, "JSESSIONID");
    assert!(!first.contains(planted) && first.len() > 40, "{first}");
    assert_eq!(browser.call("listUsers", &[]).await.status, 200);
    let mut thief = browser.clone();
    thief.cookies.retain(|(name, _)| name != "JSESSIONID");
    thief.cookies.push(("JSESSIONID".to_owned(), format!("{planted}.node0")));
    assert_eq!(thief.call("listUsers", &[]).await.status, 401);
    // a page elsewhere sends the cookies and does not know the key, in a query or in a form
    let key = browser.key.clone();
    for words in [
        vec![("command", "listUsers"), ("response", "json")],
        vec![("command", "listUsers"), ("response", "json"), ("sessionkey", "")],
    ] {
        let mut victim = Browser::new(world.server.address);
        victim.enter("/", "joe", PASSWORD).await;
        assert_eq!(victim.get(&words).await.status, 401);
        assert_eq!(victim.form(&words).await.status, 401);
    }
    // what another session's key is worth
    let mut other = Browser::new(world.server.address);
    other.enter("/", "joe", PASSWORD).await;
    other.key = key;
    assert_eq!(other.call("listUsers", &[]).await.status, 401);
    let held = browser.clone();
    browser.get(&[("command", "logout"), ("response", "json")]).await;
    assert_eq!(held.call("listUsers", &[]).await.status, 401);
    let kept =
        world.texts("SELECT CAST(COUNT(*) AS CHAR) AS text FROM session WHERE id = ''").await;
    assert_eq!(kept, ["0"]);
    // the cookies are kept from scripts and from other sites, and the table holds neither cookie nor key
    let answer = browser.log_in("/", "joe", PASSWORD).await;
    let cookie = answer.header("set-cookie").map(str::to_owned).unwrap_or_default();
    assert!(!cookie.is_empty());
    let cookies: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    let key = cookies.iter().find(|(_, value)| value.starts_with("sessionkey=")).expect("a key");
    assert!(key.1.contains("HttpOnly") && key.1.contains("SameSite=Lax"), "{key:?}");
    for secret in [named(&browser, "JSESSIONID"), browser.key.clone()] {
        let secret = secret.trim_end_matches(".node0");
        let rows = world.texts("SELECT CONCAT_WS(' ', id, key_hash) AS text FROM session").await;
        assert!(rows.iter().all(|row| !row.contains(secret)));
    }
}

#[actix_web::test]
async fn s22_a_new_password_or_a_lock_ends_every_session() {
    let world = World::new().await;
    world.user("joe").await;
    let users = world.admin.ok("listUsers", &[("username", "joe"), ("listall", "true")]).await;
    let id = users["user"][0]["id"].as_str().expect("an id").to_owned();
    let enter = async |password: &str| {
        let mut browser = Browser::new(world.server.address);
        browser.enter("/", "joe", password).await;
        browser
    };
    let before = enter(PASSWORD).await;
    world.admin.ok("updateUser", &[("id", &id), ("password", "another password")]).await;
    assert_eq!(before.call("listUsers", &[]).await.status, 401);
    let before = enter("another password").await;
    world.admin.ok("lockUser", &[("id", &id)]).await;
    assert_eq!(before.call("listUsers", &[]).await.status, 401);
}

#[actix_web::test]
async fn s23_a_caller_does_not_say_where_it_calls_from() {
    let world = World::new().await;
    world.user("joe").await;
    let body = query(&[
        ("command".to_owned(), "login".to_owned()),
        ("username".to_owned(), "joe".to_owned()),
        ("password".to_owned(), PASSWORD.to_owned()),
        ("response".to_owned(), "json".to_owned()),
    ]);
    for header in [
        "X-Forwarded-For",
        "Forwarded",
        "HTTP_CLIENT_IP",
        "HTTP_X_FORWARDED_FOR",
        "Remote_Addr",
        "X-Real-IP",
    ] {
        let value = if header == "Forwarded" { "for=203.0.113.77" } else { "203.0.113.77" };
        let head = format!(
            "POST /client/api HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n{header}: {value}\r\n"
        );
        let answer = Client::new(world.server.address, "", "").send(head, body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let told = world.texts("SELECT description AS text FROM event WHERE kind = 'USER.LOGIN'").await;
    assert_eq!(told.len(), 6);
    assert!(
        told.iter().all(|text| text.contains("127.0.0.1") && !text.contains("203.0.113")),
        "{told:?}"
    );
}

#[actix_web::test]
async fn s28_what_is_empty_opens_nothing() {
    let world = World::new().await;
    world.user("joe").await;
    let (key, secret) = admin_keys(&world).await;
    // users without keys, with empty ones, and with a hash that is none
    for (name, api, own, hash) in
        [("a", "NULL", "NULL", "''"), ("b", "''", "''", "'!'"), ("c", "'Known'", "''", "''")]
    {
        world
            .run(&format!(
                "INSERT INTO user (id, account_id, domain_id, username, password_hash, first_name, last_name, state, api_key, secret_key)
                 SELECT UUID(), account_id, domain_id, '{name}', {hash}, '', '', 'Enabled', {api}, {own} FROM user WHERE username = 'joe'"
            ))
            .await;
    }
    let by_nothing = signature::sign(&[("command".to_owned(), "listUsers".to_owned())], "");
    let tried: &[&[(&str, &str)]] = &[
        &[],
        &[("apikey", "")],
        &[("apikey", ""), ("signature", "")],
        &[("apikey", ""), ("signature", &by_nothing)],
        &[("apikey", &key)],
        &[("apikey", &key), ("signature", "")],
        &[("apikey", &key), ("signature", &by_nothing)],
        &[("apikey", "Known"), ("signature", "")],
        &[("signature", &by_nothing)],
        &[("sessionkey", "")],
        &[("apikey", "%"), ("signature", "%")],
    ];
    for more in tried {
        let mut params = vec![("command", "listUsers"), ("response", "json")];
        params.extend(*more);
        let answer = plain(&world, &params).await;
        assert_eq!(answer.status, 401, "{more:?}: {}", answer.text());
    }
    // a signature that an empty secret makes, whole
    for api in ["", "Known"] {
        let client = Client::new(world.server.address, "x", "");
        let mut params = client.signed("listUsers", &[("apikey", api)]);
        params.retain(|(name, _)| name != "apiKey" && name != "signature");
        params.push(("signature".to_owned(), signature::sign(&params, "")));
        let head = format!("GET /client/api?{} HTTP/1.1\r\n", query(&params));
        assert_eq!(client.send(head, String::new()).await.status, 401, "key {api:?}");
    }
    assert!(!signature::verify(&[("signature".to_owned(), signature::sign(&[], &secret))], ""));
    for (name, password) in [
        ("joe", ""),
        ("joe", " "),
        ("a", ""),
        ("b", ""),
        ("b", "!"),
        ("c", ""),
        ("", ""),
        ("system", ""),
    ] {
        let mut browser = Browser::new(world.server.address);
        let answer = browser.log_in("/", name, password).await;
        assert_eq!(answer.status, 531, "{name} {password:?}: {}", answer.text());
        assert_eq!(browser.call("listUsers", &[]).await.status, 401);
    }
    // nor is anything empty taken as a new password
    let users = world.admin.ok("listUsers", &[("username", "joe"), ("listall", "true")]).await;
    let id = users["user"][0]["id"].as_str().expect("an id");
    for password in ["", " ", "\n"] {
        let answer = world.admin.post("updateUser", &[("id", id), ("password", password)]).await;
        assert_eq!(answer.status, 431, "{password:?}: {}", answer.text());
        let words = [
            ("account", "joe"),
            ("email", "x@example.org"),
            ("firstname", "x"),
            ("lastname", "x"),
            ("username", "empty"),
            ("password", password),
        ];
        let answer = world.admin.post("createUser", &words).await;
        assert_eq!(answer.status, 431, "{password:?}: {}", answer.text());
    }
}

#[actix_web::test]
async fn s32_a_signature_with_an_end_is_worth_nothing_after_it() {
    let world = World::new().await;
    let (key, secret) = admin_keys(&world).await;
    let at = |seconds: i64| {
        let time = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
        time.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
    };
    let signed = |expires: Option<&str>| {
        let mut params = vec![
            ("command".to_owned(), "listUsers".to_owned()),
            ("response".to_owned(), "json".to_owned()),
            ("apiKey".to_owned(), key.clone()),
            ("signatureVersion".to_owned(), "3".to_owned()),
        ];
        params.extend(expires.map(|text| ("expires".to_owned(), text.to_owned())));
        params.push(("signature".to_owned(), signature::sign(&params, &secret)));
        params
    };
    let send = async |params: &[(String, String)]| {
        let head = format!("GET /client/api?{} HTTP/1.1\r\n", query(params));
        Client::new(world.server.address, "", "").send(head, String::new()).await.status
    };
    // the same bytes again, while they last and after
    let short = signed(Some(&at(2)));
    assert_eq!(send(&short).await, 200);
    assert_eq!(send(&signed(Some(&at(-1)))).await, 401);
    assert_eq!(send(&signed(Some(&at(-86_400)))).await, 401);
    assert_eq!(send(&signed(None)).await, 401);
    for odd in ["", "never", "9999", "2999-13-45T00:00:00Z"] {
        assert_eq!(send(&signed(Some(odd))).await, 401, "{odd}");
    }
    // the end, and that there is one, are signed with the rest
    let mut later = short.clone();
    later.iter_mut().filter(|(name, _)| name == "expires").for_each(|(_, value)| *value = at(9999));
    assert_eq!(send(&later).await, 401);
    let mut endless = short.clone();
    endless.retain(|(name, _)| name != "expires" && name != "signatureVersion");
    assert_eq!(send(&endless).await, 401);
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    assert_eq!(send(&short).await, 401, "the same request after its end");
}
