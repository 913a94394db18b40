//! Alerts: told once, kept when over, put away, and told to a webhook that may be away.

use crate::world::{Client, World, rack::machine};
use csgpu::{
    command::Webhook,
    domain::{Kind, alert as kinds, gpu::Pick, machine::DeviceRef},
    hypervisor::fake::FakeShape,
    store::{Tx, alert, gpu_claim},
};
use diesel::RunQueryDsl;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};
use uuid::Uuid;

async fn listed(client: &Client, words: &[(&str, &str)]) -> Vec<Value> {
    let found = client.ok("listAlerts", words).await;
    found["alert"].as_array().cloned().unwrap_or_default()
}

async fn write<F>(world: &World, work: F)
where
    F: Fn(&mut Tx<'_>) -> csgpu::error::Result<()> + Send + Sync + 'static,
{
    world.db().txn("test", work).await.expect("written");
}

#[actix_web::test]
async fn what_is_wrong_is_told_once_and_kept_when_it_is_over() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.devices(&rack).await[0];
    let vm = world.claim(&rack, &[Pick::Device(device)]).await.expect("free");
    write(&world, move |tx| gpu_claim::confirm(tx, vm)).await;
    let pci = DeviceRef::Pci { address: rack.fake.addresses()[0], companions: Vec::new() };
    let stranger = Uuid::new_v4();
    rack.fake.intrude(machine(stranger, vec![pci]));
    for _ in 0..3 {
        world.look(&rack).await.expect("an answer");
    }
    let all = listed(&world.admin, &[]).await;
    assert_eq!(all.len(), 1, "told once: {all:?}");
    let one = &all[0];
    let names: Vec<&str> = one.as_object().expect("an object").keys().map(String::as_str).collect();
    let want = ["id", "type", "name", "description", "sent", "resourcetype", "resourceid"];
    assert_eq!(names, want);
    assert_eq!((&one["type"], &one["name"]), (&json!(1164), &json!("ALERT.GPU.DRIFT")));
    assert_eq!(one["resourceid"], device.to_string());

    // deleted while it is so: hidden, and not told anew each round
    let id = one["id"].as_str().expect("an id");
    world.admin.ok("deleteAlerts", &[("ids", id)]).await;
    world.look(&rack).await.expect("an answer");
    assert!(listed(&world.admin, &[]).await.is_empty());
    rack.fake.lose(stranger);
    world.look(&rack).await.expect("an answer");

    // it happens again: a new alert, whose end is noted
    let pci = DeviceRef::Pci { address: rack.fake.addresses()[0], companions: Vec::new() };
    rack.fake.intrude(machine(stranger, vec![pci]));
    world.look(&rack).await.expect("an answer");
    assert!(listed(&world.admin, &[]).await[0]["resolved"].is_null());
    rack.fake.lose(stranger);
    world.look(&rack).await.expect("an answer");
    let all = listed(&world.admin, &[]).await;
    assert_eq!(all.len(), 1);
    assert!(all[0]["resolved"].is_string(), "{all:?}");
}

#[actix_web::test]
async fn two_servers_that_see_the_same_tell_it_once() {
    let world = World::new().await;
    let tell = |tx: &mut Tx<'_>| {
        let thing = Uuid::from_u128(7);
        alert::raise(tx, kinds::HOST, "away", (Kind::Host, thing))?;
        // both have looked before either has committed
        diesel::sql_query("DO SLEEP(0.05)").execute(&mut **tx)?;
        Ok(())
    };
    let (other, _) = world.another_server().await;
    let all = (0..6).map(|n| {
        let db = if n % 2 == 0 { world.db().clone() } else { other.wiring.db.clone() };
        async move { db.txn("tell", tell).await }
    });
    for done in futures(all).await {
        done.expect("told");
    }
    assert_eq!(listed(&world.admin, &[]).await.len(), 1);
}

/// All of these at once.
async fn futures<T: Send + 'static>(
    all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = all.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.expect("no panic"));
    }
    done
}

#[actix_web::test]
async fn alerts_are_listed_put_away_and_removed_by_id_type_and_time() {
    let world = World::new().await;
    let admin = &world.admin;
    let types = admin.ok("listAlertTypes", &[]).await;
    assert_eq!(types["count"], 12);
    assert_eq!(types["alerttype"][4], json!({"alerttypeid": 7, "name": "ALERT.COMPUTE.HOST"}));
    for n in ["1", "2", "3"] {
        let words = [("type", "9001"), ("name", "COOLING"), ("description", n)];
        let job = admin.call_async("generateAlert", &words).await;
        assert_eq!(job["jobresult"], json!({"success": true}), "{job}");
    }
    let words = [("type", "7"), ("name", "alert.compute.host"), ("description", "by hand")];
    assert_eq!(admin.call_async("generateAlert", &words).await["jobstatus"], 1);
    let words = [("type", "7"), ("name", "COOLING"), ("description", "x")];
    let refused = admin.call("generateAlert", &words).await;
    let want = "There is a default alert having type 7 and name ALERT.COMPUTE.HOST";
    assert_eq!((refused.status, refused.error()), (431, want));

    let said = |all: &[Value]| -> Vec<String> {
        all.iter().map(|one| one["description"].as_str().expect("a text").to_owned()).collect()
    };
    let all = listed(admin, &[]).await;
    assert_eq!(said(&all), ["by hand", "3", "2", "1"], "the newest first");
    assert!(all[0]["sent"].as_str().is_some_and(|text| text.ends_with("+0000")));
    assert_eq!(listed(admin, &[("type", "9001")]).await.len(), 3);
    assert_eq!(listed(admin, &[("type", "no number")]).await.len(), 0);
    assert_eq!(listed(admin, &[("name", "COOLING")]).await.len(), 3);
    assert_eq!(said(&listed(admin, &[("keyword", "y han")]).await), ["by hand"]);
    let page = admin.ok("listAlerts", &[("page", "2"), ("pagesize", "3")]).await;
    assert_eq!((&page["count"], &page["alert"][0]["description"]), (&json!(4), &json!("1")));
    let id = |n: usize| all[n]["id"].as_str().expect("an id");
    assert_eq!(said(&listed(admin, &[("id", id(2))]).await), ["2"]);

    for command in ["archiveAlerts", "deleteAlerts"] {
        let refused = admin.call(command, &[]).await;
        let want = "either ids, type or enddate must be specified";
        assert_eq!((refused.status, refused.error()), (431, want), "{command}");
        let words = [("type", "7"), ("startdate", "2020-01-01")];
        let want = "enddate must be specified with startdate parameter";
        assert_eq!(admin.call(command, &words).await.error(), want, "{command}");
    }
    let both = format!("{},{}", id(1), id(2));
    assert_eq!(admin.ok("archiveAlerts", &[("ids", &both)]).await, json!({"success": true}));
    assert_eq!(said(&listed(admin, &[]).await), ["by hand", "1"]);
    admin.ok("deleteAlerts", &[("type", "9001"), ("enddate", "2020-01-01")]).await;
    assert_eq!(said(&listed(admin, &[]).await), ["by hand", "1"], "none is that old");
    admin.ok("deleteAlerts", &[("type", "9001")]).await;
    assert_eq!(said(&listed(admin, &[]).await), ["by hand"]);
    assert_eq!(world.texts("SELECT id AS text FROM alert").await.len(), 1, "archived ones too");
    let duke = world.member("duke", "3", None).await;
    assert_eq!(listed(&duke, &[]).await.len(), 1);
    let joe = world.user("joe").await;
    assert_eq!(joe.call("listAlerts", &[]).await.status, 432);
}

#[actix_web::test]
async fn old_alerts_that_are_over_are_removed_only_where_that_is_asked_for() {
    let mut world = World::new().await;
    world.server.rest();
    let ago = |days: u32| format!("UTC_TIMESTAMP(6) - INTERVAL {days} DAY");
    for (text, created, resolved, open, shelf) in [
        ("still so", 30, None, "1", "Listed"),
        ("over", 30, Some(10), "NULL", "Listed"),
        ("over and put away", 30, Some(10), "NULL", "Archived"),
        ("just over", 30, Some(2), "NULL", "Listed"),
        ("by hand", 10, None, "NULL", "Listed"),
    ] {
        let resolved = resolved.map_or("NULL".to_owned(), ago);
        world
            .run(&format!(
                "INSERT INTO alert (id, kind, description, resource_id, created, resolved, open, shelf, told)
                 VALUES (UUID(), 'A', '{text}', UUID(), {}, {resolved}, {open}, '{shelf}', 2)",
                ago(created)
            ))
            .await;
    }
    let left = async || {
        csgpu::jobs::expire(&world.server.wiring).await.expect("the database answers");
        world.texts("SELECT description AS text FROM alert ORDER BY description").await
    };
    assert_eq!(left().await.len(), 5, "nobody asked for it");
    let words = [("name", "alert.purge.delay"), ("value", "5")];
    world.admin.ok("updateConfiguration", &words).await;
    assert_eq!(left().await, ["just over", "still so"]);
}

/// Something that listens, answers with these statuses one after the other (the last one again), and says what it was sent.
fn listener(statuses: &'static [u16]) -> (String, mpsc::Receiver<Value>, Arc<Mutex<usize>>) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/hook?token=secret", socket.local_addr().expect("an address"));
    let (tell, told) = mpsc::channel();
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in socket.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            let body = loop {
                let n = stream.read(&mut buffer).unwrap_or(0);
                text.extend_from_slice(&buffer[..n]);
                let all = String::from_utf8_lossy(&text).into_owned();
                let body = all.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
                match body.map(|body| serde_json::from_str::<Value>(&body)) {
                    Some(Ok(value)) => break value,
                    _ if n == 0 => break Value::Null,
                    _ => {}
                }
            };
            let n = {
                let mut count = count.lock().expect("a count");
                *count += 1;
                *count
            };
            let status = statuses.get(n - 1).or(statuses.last()).copied().unwrap_or(200);
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            if status < 300 && tell.send(body).is_err() {
                return;
            }
        }
    });
    (url, told, asked)
}

async fn next(told: &mpsc::Receiver<Value>) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(value) = told.try_recv() {
            return value;
        }
        assert!(Instant::now() < end, "nothing was told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn a_webhook_is_told_the_beginning_and_the_end_by_one_of_the_servers() {
    let mut world = World::new().await;
    let (url, told, asked) = listener(&[200]);
    // what is older than the webhook's first day is not told
    let thing = (Kind::Host, Uuid::from_u128(1));
    write(&world, move |tx| alert::raise(tx, kinds::HOST, "long ago", thing)).await;
    world.run("UPDATE alert SET created = created - INTERVAL 2 DAY").await;
    world.restart_with(|settings| settings.alert_webhook = Some(Webhook::new(&url))).await;
    let (dir, fakes) = (world.dir.clone(), Arc::new(world.fakes.clone()));
    let _other = crate::world::Server::start_with(
        &world.database.url,
        fakes,
        &dir,
        crate::world::pace(),
        |settings| settings.alert_webhook = Some(Webhook::new(&url)),
    )
    .await;
    let thing = (Kind::Host, Uuid::from_u128(2));
    write(&world, move |tx| alert::raise(tx, kinds::HOST, "host h1 is Down", thing)).await;
    let first = next(&told).await;
    assert_eq!((&first["name"], &first["type"]), (&json!("ALERT.COMPUTE.HOST"), &json!(7)));
    assert_eq!((&first["state"], &first["resolved"]), (&json!("raised"), &Value::Null));
    assert_eq!(first["description"], "host h1 is Down");
    assert_eq!((&first["resourcetype"], &first["resourceid"]), (&json!("Host"), &json!(thing.1)));
    write(&world, move |tx| alert::resolve(tx, kinds::HOST, thing.1)).await;
    let last = next(&told).await;
    assert_eq!((&last["id"], &last["state"]), (&first["id"], &json!("resolved")));
    tokio::time::sleep(Duration::from_millis(4500)).await;
    assert_eq!(*asked.lock().expect("a count"), 2, "once each, by one server");
    assert!(!format!("{:?}", world.server.wiring.settings).contains("secret"));
}

#[actix_web::test]
async fn a_webhook_that_is_away_is_tried_again_and_holds_nobody_up() {
    let mut world = World::new().await;
    let (url, told, asked) = listener(&[500, 503, 200]);
    world.restart_with(|settings| settings.alert_webhook = Some(Webhook::new(&url))).await;
    let thing = (Kind::Host, Uuid::from_u128(2));
    write(&world, move |tx| alert::raise(tx, kinds::HOST, "down", thing)).await;
    let has = async |what: &str, descriptions: &[&str]| {
        let end = Instant::now() + Duration::from_secs(20);
        let query = format!("SELECT description AS text FROM alert WHERE {what} ORDER BY id");
        while world.texts(&query).await != descriptions {
            assert!(Instant::now() < end, "never {what}: {descriptions:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    has("told_tries = 1", &["down"]).await;
    // jobs go on meanwhile, and the next round tries what is new, not the first one again at once
    let words = [("type", "9001"), ("name", "COOLING"), ("description", "x")];
    assert_eq!(world.admin.call_async("generateAlert", &words).await["jobstatus"], 1);
    has("told_tries = 1", &["down", "x"]).await;
    world.run("UPDATE alert SET told_next = NULL").await;
    assert_eq!(next(&told).await["description"], "down");
    assert_eq!(next(&told).await["description"], "x");
    has("told = 1", &["down", "x"]).await;
    assert_eq!(*asked.lock().expect("a count"), 4, "each failed once and was taken once");
    // it is given up in the end
    world.run("UPDATE alert SET told = 0, told_tries = 12, told_next = NULL").await;
    has("told = 2", &["down", "x"]).await;
    assert!(told.try_recv().is_err());
}
