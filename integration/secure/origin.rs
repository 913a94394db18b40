//! Where a call comes from: from the socket, unless a proxy that was named says otherwise.

use crate::world::{Answer, Client, World, client::query, places::text};

const FAR: &str = "203.0.113.7";

/// A call with these headers.
async fn with(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let words = query(&client.signed("listUsers", &[]));
    let lines: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    client.send(format!("GET /client/api?{words} HTTP/1.1\r\n{lines}"), String::new()).await
}

/// A user who may call from afar only.
async fn far_user(world: &World) -> Client {
    let joe = world.user("joe").await;
    let account = text(&joe.ok("listAccounts", &[]).await["account"][0]["id"]);
    let list = [
        ("name", "api.allowed.source.cidr.list"),
        ("value", "203.0.113.0/24,2001:db8::/32"),
        ("accountid", account.as_str()),
    ];
    world.admin.ok("updateConfiguration", &list).await;
    joe
}

async fn set(world: &World, name: &str, value: &str) {
    world.admin.ok("updateConfiguration", &[("name", name), ("value", value)]).await;
}

const HEADERS: [&str; 6] = [
    "X-Forwarded-For",
    "HTTP_CLIENT_IP",
    "HTTP_X_FORWARDED_FOR",
    "X-Real-IP",
    "Remote_Addr",
    "True-Client-IP",
];

#[actix_web::test]
async fn s23_no_header_opens_a_list_unless_proxies_are_believed_and_named() {
    let world = World::new().await;
    let joe = far_user(&world).await;
    let settings: [&[(&str, &str)]; 5] = [
        &[],
        &[("proxy.cidr", "127.0.0.0/8")],
        &[("proxy.cidr", ""), ("proxy.header.verify", "true")],
        &[("proxy.cidr", "10.0.0.0/8,::1")],
        &[("proxy.cidr", "0.0.0.0/0"), ("proxy.header.verify", "false")],
    ];
    for change in settings {
        for (name, value) in change {
            set(&world, name, value).await;
        }
        for header in HEADERS {
            let answer = with(&joe, &[(header, FAR)]).await;
            assert_eq!(answer.status, 401, "{change:?} {header}: {}", answer.text());
        }
        let answer = with(&joe, &[("Forwarded", "for=203.0.113.7")]).await;
        assert_eq!(answer.status, 401, "{change:?}");
    }
}

#[actix_web::test]
async fn s23_a_named_proxy_is_believed_in_what_it_wrote_itself() {
    let world = World::new().await;
    let joe = far_user(&world).await;
    set(&world, "proxy.cidr", "127.0.0.1/32, 10.0.0.0/24").await;
    set(&world, "proxy.header.verify", "true").await;
    for (headers, status) in [
        (&[("X-Forwarded-For", FAR)] as &[(&str, &str)], 200),
        (&[("x-forwarded-for", "2001:db8::7")], 200),
        (&[], 401),
        // who calls wrote the first one, the proxy the last
        (&[("X-Forwarded-For", "203.0.113.7, 198.51.100.9")], 401),
        (&[("X-Forwarded-For", "198.51.100.9, 203.0.113.7")], 200),
        (&[("X-Forwarded-For", FAR), ("X-Forwarded-For", "198.51.100.9")], 401),
        // a chain of named proxies is followed, and no further
        (&[("X-Forwarded-For", "203.0.113.7, 10.0.0.5")], 200),
        (&[("X-Forwarded-For", "203.0.113.7, 10.0.1.5")], 401),
        // a second header does not count beside the first
        (&[("X-Forwarded-For", "198.51.100.9"), ("HTTP_CLIENT_IP", FAR)], 401),
        (&[("X-Real-IP", FAR)], 401),
        // nor does what is no address
        (&[("X-Forwarded-For", "203.0.113.7:80")], 401),
        (&[("X-Forwarded-For", "203.0.113.7, unknown")], 401),
        (&[("X-Forwarded-For", "")], 401),
    ] {
        let answer = with(&joe, headers).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
    }
    set(&world, "proxy.header.names", "X-Real-IP").await;
    assert_eq!(with(&joe, &[("X-Real-IP", FAR)]).await.status, 200);
    assert_eq!(with(&joe, &[("X-Forwarded-For", FAR)]).await.status, 401);
}

#[actix_web::test]
async fn s23_a_log_in_through_a_named_proxy_is_noted_with_the_callers_address() {
    let world = World::new().await;
    far_user(&world).await;
    set(&world, "proxy.cidr", "127.0.0.1").await;
    set(&world, "proxy.header.verify", "true").await;
    let words = ["command=login", "username=joe", "password=a+long+password", "response=json"];
    let log_in = async |from: &str| {
        let head = format!(
            "POST /client/api HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Forwarded-For: {from}\r\n"
        );
        Client::new(world.server.address, "", "").send(head, words.join("&")).await.status
    };
    assert_eq!(log_in("203.0.113.7, 198.51.100.9").await, 531);
    assert_eq!(log_in("198.51.100.9, 203.0.113.7").await, 200);
    let told = world.texts("SELECT description AS text FROM event WHERE kind = 'USER.LOGIN'").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains(FAR) && !told[0].contains("198.51"), "{told:?}");
}
