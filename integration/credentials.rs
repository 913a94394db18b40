//! Who is recognised by key and signature, in which order the checks come, and what the recognised then read.

use crate::world::{
    World,
    client::{Answer, Client, query},
};
use csgpu::{dialect::signature, store::migrate};
use diesel::connection::SimpleConnection;

const ADMIN: &str = "00000000-0000-7000-8000-00000000000a";
const USER: &str = "00000000-0000-7000-8000-00000000000b";
const DISABLED: &str = "00000000-0000-7000-8000-00000000000c";
const REFUSED: &str = "unable to verify user credentials and/or request signature";

/// A cloud with an administrator, a user and a user who is disabled, all with keys that the tests know.
struct Town(World);

impl Town {
    async fn new() -> Self {
        let world = World::new().await;
        let role = |name: &str| format!("(SELECT id FROM role WHERE name = '{name}')");
        let root = "(SELECT id FROM domain WHERE path = '/')";
        let account = |id: &str, role: String| {
            format!(
                "INSERT INTO account (id, number, domain_id, role_id, name, state)
                 VALUES ('{id}', 77, {root}, {role}, '{id}', 'Enabled');"
            )
        };
        let user = |id: &str, account: &str, state: &str, key: &str| {
            format!(
                "INSERT INTO user (id, account_id, domain_id, username, password_hash, first_name, last_name, state,
                    api_key, secret_key)
                 VALUES ('{id}', '{account}', {root}, '{id}', '', '', '', '{state}', '{key}Key', '{key} secret');"
            )
        };
        let people = [
            account(ADMIN, role("Root Admin")),
            account(USER, role("User")),
            user(ADMIN, ADMIN, "Enabled", "Admin"),
            user(USER, USER, "Enabled", "User"),
            user(DISABLED, USER, "Disabled", "Disabled"),
        ];
        let mut conn = migrate::connect(&world.database.url).expect("the database is there");
        conn.batch_execute(&people.concat()).expect("the people fit into the schema");
        Self(world)
    }

    fn client(&self, api_key: &str, secret: &str) -> Client {
        Client::new(self.0.server.address, api_key, secret)
    }

    fn admin(&self) -> Client {
        self.client("AdminKey", "Admin secret")
    }
}

fn code_and_text(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.error())
}

#[tokio::test]
async fn only_the_enabled_with_the_right_secret_are_recognised() {
    let town = Town::new().await;
    assert_eq!(town.admin().ok("listGpuCards", &[]).await, serde_json::json!({}));
    let strangers = [
        ("AdminKey", "another secret"),
        ("adminkey", "Admin secret"),
        ("NobodysKey", "Admin secret"),
        ("DisabledKey", "Disabled secret"),
    ];
    for (key, secret) in strangers {
        let answer = town.client(key, secret).call("listGpuCards", &[]).await;
        assert_eq!(code_and_text(&answer), (401, REFUSED), "{key}");
        assert!(answer.text().starts_with(r#"{"listgpucardsresponse":"#), "{}", answer.text());
    }
}

#[tokio::test]
async fn the_role_is_checked_before_the_signature_and_names_only_ones_own_user() {
    let town = Town::new().await;
    let text = |user: &str| {
        format!(
            "The API [createGpuCard] does not exist or is not available for the account for user id [{user}]."
        )
    };
    let own = town.client("UserKey", "User secret").call("createGpuCard", &[]).await;
    assert_eq!(code_and_text(&own), (432, text(USER).as_str()));
    assert!(own.text().starts_with(r#"{"errorresponse":"#), "{}", own.text());
    let guessed = town.client("UserKey", "another secret").call("createGpuCard", &[]).await;
    assert_eq!(
        code_and_text(&guessed),
        (432, text("00000000-0000-0000-0000-000000000000").as_str())
    );
}

#[tokio::test]
async fn a_signature_counts_until_it_expires() {
    let town = Town::new().await;
    let call = async |end: &str| {
        let params = [("signatureVersion", "3"), ("expires", end)];
        town.admin().call("listGpuCards", &params).await.status
    };
    assert_eq!(call("2999-01-02T03:04:05Z").await, 200);
    assert_eq!(call("2999-01-02T03:04:05+0530").await, 200);
    assert_eq!(call("2020-01-02T03:04:05Z").await, 401);
    assert_eq!(call("tomorrow").await, 401);
}

#[tokio::test]
async fn signatures_are_taken_as_clients_in_use_make_them() {
    let town = Town::new().await;
    let name = "a~b [c] + ü*";
    assert_eq!(town.admin().call("listGpuCards", &[("keyword", name)]).await.status, 200);
    assert_eq!(town.admin().post("listGpuCards", &[("keyword", name)]).await.status, 200);
    // Marvin sorts by the lower-cased name: the signature over these is the strict one over lower-case names
    let of = |names: [&str; 3]| {
        let values = ["listGpuCards", "AdminKey", "x"];
        names.into_iter().zip(values).map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>()
    };
    let mut params = of(["command", "apiKey", "Zed"]);
    params.push((
        "signature".to_owned(),
        signature::sign(&of(["command", "apikey", "zed"]), "Admin secret"),
    ));
    let head = format!("GET /client/api?{} HTTP/1.1\r\n", query(&params));
    assert_eq!(town.admin().send(head, String::new()).await.status, 200);
}

#[tokio::test]
async fn the_recognised_read_which_version_answers() {
    let town = Town::new().await;
    let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let empty = town.admin().call("listGpuCards", &[("response", "xml")]).await;
    assert_eq!(
        empty.text(),
        format!(
            r#"{head}<listgpucardsresponse cloud-stack-version="4.22.0.0"></listgpucardsresponse>"#
        )
    );
    let failed = town.admin().call("createGpuCard", &[("response", "xml")]).await;
    let root =
        r#"<creategpucardresponse cloud-stack-version="4.22.0.0"><errorcode>431</errorcode>"#;
    assert!(failed.text().starts_with(&format!("{head}{root}")), "{}", failed.text());
    assert!(failed.header("x-description").is_some_and(|text| failed.text().contains(text)));
}

#[tokio::test]
async fn what_a_value_may_not_hold_is_refused_in_the_recorded_words() {
    let town = Town::new().await;
    let tab = town.admin().call("listGpuCards", &[("keyword", "a\tb")]).await;
    let text =
        "Received value containing illegal ASCII non-printable characters for parameter keyword";
    assert_eq!(code_and_text(&tab), (431, text));
    assert_eq!(town.admin().call("listGpuCards", &[("keyword", "a\r\nb")]).await.status, 200);
    let map = town.admin().call("listGpuCards", &[("details[0]", "x")]).await;
    assert_eq!(map.status, 430, "{}", map.text());
}

#[tokio::test]
async fn success_says_that_it_depends_on_what_the_client_accepts() {
    let town = Town::new().await;
    let answer = town.admin().call("listGpuCards", &[]).await;
    assert_eq!(answer.header("vary"), Some("Accept-Encoding, User-Agent"));
    assert_eq!(answer.header("x-description"), None);
    let ready = town.admin().send("GET /health/ready HTTP/1.1\r\n".to_owned(), String::new()).await;
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
}
