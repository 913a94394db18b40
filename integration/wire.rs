//! The wire as a client sees it before any command runs: addresses, methods, limits, headers, and who is refused how.
//!
//! None of these requests may reach the database, so the server under test has one that does not exist.

use crate::world::client::{Answer, Client, query};
use csgpu::{
    command::{Kernel, Nudge, Registry, Settings, Throttle, Wiring},
    commands::ROOMS,
    domain::Id,
    http::Server,
    hypervisor::{Hosts, fake::FakeConnector},
    store::Db,
};
use std::{net::SocketAddr, sync::Arc};

const REFUSED: &str = "unable to verify user credentials and/or request signature";

/// A client of a server that nobody can log in to.
fn stranger() -> Client {
    let wiring = Wiring {
        db: Db::open("mysql://nobody@127.0.0.1:1/none", 2),
        hosts: Arc::new(Hosts::new(Arc::new(FakeConnector::default()))),
        settings: Arc::new(Settings::default()),
        registry: Registry::new(ROOMS),
        fleets: Arc::default(),
        throttle: Throttle::default(),
        nudge: Nudge::default(),
        server: Id::mint(),
    };
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let Ok(server) = Server::bind(&[local], Kernel::new(Arc::new(wiring))) else {
        panic!("no free port")
    };
    let address = server.addresses()[0];
    tokio::spawn(server.run());
    Client::new(address, "", "")
}

async fn get(client: &Client, path: &str) -> Answer {
    client.send(format!("GET {path} HTTP/1.1\r\n"), String::new()).await
}

fn refusal(wrapper: &str) -> String {
    format!(r#"{{"{wrapper}":{{"uuidList":[],"errorcode":401,"errortext":"{REFUSED}"}}}}"#)
}

#[tokio::test]
async fn requests_without_a_command_are_refused_under_the_recorded_wrapper() {
    let client = stranger();
    let nothing = get(&client, "/client/api").await;
    assert_eq!(nothing.status, 401);
    assert_eq!(nothing.header("content-type"), Some("text/xml;charset=utf-8"));
    let inner = format!("<errorcode>401</errorcode><errortext>{REFUSED}</errortext>");
    let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    assert_eq!(nothing.text(), format!("{head}<errorresponse>{inner}</errorresponse>"));
    assert_eq!(get(&client, "/client/api?response=json").await.text(), refusal("null"));
    // the name of this parameter is exact
    assert_eq!(
        get(&client, "/client/api?Command=listGpuCards&response=json").await.text(),
        refusal("null")
    );
}

#[tokio::test]
async fn an_unknown_command_has_no_wrapper_of_its_own() {
    let client = stranger();
    for command in ["nothingLikeThis", "listgpucards", "listIdps", ""] {
        let answer = client.call(command, &[("apikey", "k"), ("signature", "s")]).await;
        assert_eq!((answer.status, answer.text()), (401, refusal("errorresponse")), "{command}");
    }
}

#[tokio::test]
async fn a_call_that_cannot_be_valid_is_refused_without_a_look_at_the_database() {
    let client = stranger();
    let calls: [&[(&str, &str)]; 6] = [
        &[],
        &[("apiKey", "k")],
        &[("signature", "s")],
        &[("apiKey", "schlüssel"), ("signature", "s")],
        &[("apiKey", "k"), ("signature", "s"), ("signatureVersion", "3")],
        &[
            ("apiKey", "k"),
            ("signature", "s"),
            ("signatureversion", "3"),
            ("expires", "2020-01-02T03:04:05Z"),
        ],
    ];
    for params in calls {
        for answer in
            [client.call("listGpuCards", params).await, client.post("listGpuCards", params).await]
        {
            assert_eq!(
                (answer.status, answer.text()),
                (401, refusal("listgpucardsresponse")),
                "{params:?}"
            );
            assert_eq!(answer.header("x-description"), None);
            assert_eq!(answer.header("vary"), None);
        }
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_not_ready() {
    let client = stranger();
    let keys = [("apiKey", "k"), ("signature", "s")];
    let (answer, ready) =
        tokio::join!(client.call("listGpuCards", &keys), get(&client, "/health/ready"));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("x-description"), Some(answer.error()));
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert_eq!(get(&client, "/health/live").await.status, 200);
}

#[tokio::test]
async fn addresses_lead_where_they_should() {
    let client = stranger();
    let places = [
        ("/", 200),
        ("/client", 200),
        ("/client/", 200),
        ("/client/api", 401),
        ("/client/api/", 401),
        ("/client/api/a/b", 401),
        ("/client/apiX", 404),
        ("/elsewhere", 404),
    ];
    for (path, status) in places {
        assert_eq!(get(&client, path).await.status, status, "{path}");
    }
    let methods = [
        ("PUT", 405),
        ("DELETE", 405),
        ("PATCH", 501),
        ("OPTIONS", 200),
        ("HEAD", 401),
        ("SING", 501),
    ];
    for (method, status) in methods {
        let answer = client.send(format!("{method} /client/api HTTP/1.1\r\n"), String::new()).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{method}");
    }
}

#[tokio::test]
async fn headers_are_the_recorded_ones() {
    let answer = get(&stranger(), "/client/api?response=json").await;
    let all = |name: &str| -> Vec<&str> {
        answer
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    };
    assert_eq!(all("content-type"), ["application/json;charset=utf-8"]);
    assert_eq!(all("x-content-type-options"), ["nosniff"]);
    assert_eq!(all("x-xss-protection"), ["1;mode=block"]);
    let policies = [
        "1",
        "default-src=none",
        "script-src=self",
        "connect-src=self",
        "img-src=self",
        "style-src=self",
    ];
    assert_eq!(all("content-security-policy"), policies);
    assert_eq!(all("server"), [""; 0]);
}

#[tokio::test]
async fn limits_are_those_clients_need() {
    let client = stranger();
    let user_data = |size: usize| "x".repeat(size);
    assert_eq!(client.call("listGpuCards", &[("userdata", &user_data(60_000))]).await.status, 401);
    assert_eq!(
        client.post("listGpuCards", &[("userdata", &user_data(1_000_000))]).await.status,
        401
    );
    let large = client.post("listGpuCards", &[("userdata", &user_data(1 << 20))]).await;
    assert_eq!(large.status, 400);
    assert!(large.text().contains("Unable to parse form content"), "{}", large.text());
    for path in ["/client/api?a=%zz", "/client/api?a=%2"] {
        let answer = get(&client, path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().contains("Unable to parse URI query"), "{}", answer.text());
    }
}

#[tokio::test]
async fn only_forms_are_read_from_a_body() {
    let client = stranger();
    let body = query(&client.signed("listGpuCards", &[]));
    let post = async |kind: &str| {
        let head = format!("POST /client/api HTTP/1.1\r\nContent-Type: {kind}\r\n");
        client.send(head, body.clone()).await.text()
    };
    assert_eq!(
        post("application/x-www-form-urlencoded; charset=utf-8").await,
        refusal("listgpucardsresponse")
    );
    assert!(post("text/plain").await.contains("<errorresponse>"));
}
