//! What every request leaves behind: a connection given back, and an answer that no browser takes for a page.

use crate::world::{Client, World};
use std::time::{Duration, Instant};

/// What nobody has an id of.
const UNKNOWN: &str = "00000000-0000-7000-8000-00000000beef";

#[actix_web::test]
async fn s25_no_failure_keeps_a_connection_to_the_database() {
    let world = World::new().await;
    let nobody = Client::new(world.server.address, "NoSuchKey", "x");
    let busy = async || {
        let rows = world
            .texts("SELECT CAST(COUNT(*) AS CHAR) AS text FROM information_schema.processlist WHERE db = DATABASE()")
            .await;
        rows[0].parse::<u32>().expect("a number")
    };
    let words: &[(&str, &[(&str, &str)])] = &[
        ("listVirtualMachines", &[("id", UNKNOWN)]),
        ("listVirtualMachines", &[("id", "nonsense")]),
        ("listVirtualMachines", &[("page", "1")]),
        (
            "deployVirtualMachine",
            &[("serviceofferingid", UNKNOWN), ("templateid", UNKNOWN), ("zoneid", UNKNOWN)],
        ),
        ("createAccount", &[("username", "x"), ("accounttype", "9")]),
        ("createGpuCard", &[("name", "x"), ("deviceid", "zz"), ("vendorid", "zz")]),
        ("deleteZone", &[("id", UNKNOWN)]),
        ("queryAsyncJobResult", &[("jobid", UNKNOWN)]),
        ("noSuchCommand", &[]),
        ("createDomain", &[("name", "twice")]),
        ("createRole", &[("name", "Root Admin"), ("type", "Admin")]),
    ];
    // the domain of the list is there: a unique key refuses it in the middle of a transaction
    world.admin.ok("createDomain", &[("name", "twice")]).await;
    for _ in 0..12 {
        let mut calls = Vec::new();
        for (command, params) in words {
            for client in [&world.admin, &nobody] {
                let (client, params) = (client.clone(), params.to_vec());
                calls.push(async move { client.post(command, &params).await.status });
            }
        }
        let mut under_way = tokio::task::JoinSet::new();
        for call in calls {
            under_way.spawn_local(call);
        }
        while let Some(status) = under_way.join_next().await {
            let status = status.expect("an answer");
            assert!(status >= 400 && status != 503, "{status}");
        }
    }
    let begun = Instant::now();
    for _ in 0..30 {
        world.admin.ok("listZones", &[]).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(busy().await <= 12 + 2, "{} connections", busy().await);
}

#[actix_web::test]
async fn s34_no_answer_is_a_page_made_of_a_users_text() {
    let world = World::new().await;
    let nasty = "<script>alert(1)</script>";
    let joe = world.user("joe").await;
    joe.ok("createSSHKeyPair", &[("name", nasty)]).await;
    let escaped = "%3Cscript%3Ealert(1)%3C/script%3E";
    let mut answers = vec![
        ("json", joe.call("listSSHKeyPairs", &[]).await),
        ("xml", joe.call("listSSHKeyPairs", &[("response", "xml")]).await),
        ("unknown command", joe.call(nasty, &[]).await),
        ("unknown id", joe.call("listVirtualMachines", &[("id", nasty)]).await),
        ("bad number", joe.call("listVirtualMachines", &[("page", nasty)]).await),
        ("posted", joe.post("listVirtualMachines", &[("id", nasty), ("response", nasty)]).await),
    ];
    let nobody = Client::new(world.server.address, "", "");
    for line in [
        format!("GET /{escaped} HTTP/1.1\r\n"),
        format!("GET /client/{escaped} HTTP/1.1\r\n"),
        format!("GET /client/api?command={escaped} HTTP/1.1\r\n"),
        format!("GET /client/api?command=listZones&response={escaped} HTTP/1.1\r\n"),
        format!("GET /client/api?{escaped}=%zz HTTP/1.1\r\n"),
        format!("GET /client/api/{escaped}?x HTTP/1.1\r\n"),
        format!("DELETE /client/api?{escaped} HTTP/1.1\r\n"),
        format!("PATCH /client/api?{escaped} HTTP/1.1\r\n"),
        "OPTIONS /client/api HTTP/1.1\r\n".to_owned(),
        "GET / HTTP/1.1\r\n".to_owned(),
        "GET /client/ HTTP/1.1\r\n".to_owned(),
        "GET /health/live HTTP/1.1\r\n".to_owned(),
        "GET /health/ready HTTP/1.1\r\n".to_owned(),
        "GET /metrics HTTP/1.1\r\n".to_owned(),
        format!("GET /client/api?command=login&username={escaped} HTTP/1.1\r\n"),
    ] {
        answers.push(("plain", nobody.send(line, String::new()).await));
    }
    for (what, answer) in answers {
        let kind = answer.header("content-type").unwrap_or_default().to_owned();
        let shown = format!("{what} {} {kind}: {}", answer.status, answer.text());
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{shown}");
        let is_page = kind.starts_with("text/html");
        assert!(!is_page || !answer.text().contains("<script"), "{shown}");
        assert!(!kind.is_empty() || answer.body.is_empty(), "{shown}");
        let first = answer.text().trim_start().chars().next();
        match first {
            Some('{') => assert!(kind.starts_with("application/json"), "{shown}"),
            Some('<') => assert!(kind.starts_with("text/xml") || is_page, "{shown}"),
            _ => assert!(!is_page, "{shown}"),
        }
        if kind.starts_with("text/xml") {
            assert!(!answer.text().contains("<script"), "{shown}");
        }
    }
}
