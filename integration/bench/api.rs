//! What requests cost: a page of GPU devices beside a server that sends the same bytes and does nothing.

use super::{
    cloud::{self, Cloud},
    load::{Line, Load, hammer},
    report::{AIM, CLOUDSTACK, Figure},
};
use crate::world::{
    Client,
    api_zone::ApiZone,
    client,
    many::{self, Owner},
    places::text,
};
use actix_web::{App, HttpResponse, HttpServer, web};
use csgpu::store::migrate;
use diesel::{
    MysqlConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Devices in the books.
const DEVICES: usize = 100_000;
/// Instances in the books, each with a GPU, and how many accounts have them.
const INSTANCES: usize = 100_000;
const ACCOUNTS: usize = 20;
/// Clients at a time.
const CLIENTS: usize = 4;
/// How long each server is asked.
const TIME: Duration = Duration::from_secs(5);
/// How long the service may take to write the history of what was put into its books.
const SETTLE: Duration = Duration::from_secs(300);

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cloud = Cloud::new(&runtime);
    cloud::fill(&cloud.url, DEVICES);
    // a page in the middle: the first is the cheapest
    let page = (DEVICES / 500 / 2).to_string();
    let path = cloud.path("listGpuDevices", &[("page", &page), ("pagesize", "500")]);
    let mut line = Line::open(cloud.server.address);
    let body = line.get(&path);
    let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let inner = &answer["listgpudevicesresponse"];
    assert_eq!(inner["count"], DEVICES, "the whole inventory is counted");
    assert_eq!(inner["gpudevice"].as_array().map_or(0, Vec::len), 500);
    // the server works by itself too: the least of several tries is the request's own
    let tries = (0..5).map(|_| {
        let before = cloud.statements();
        line.get(&path);
        (cloud.statements() - before) as f64
    });
    let queries = tries.fold(f64::INFINITY, f64::min);

    let ours = hammer(cloud.server.address, &path, CLIENTS, TIME);
    let bare = hammer(bare(&runtime, ours.body.clone()), &path, CLIENTS, TIME);
    assert_eq!(ours.body.len(), bare.body.len());
    let mut figures = vec![
        Figure::new("list_gpu_devices", ours.per_second, "1/s")
            .beside("bare_actix", bare.per_second),
        Figure::new("list_gpu_devices_p50", ours.p50, "ms").beside("bare_actix", bare.p50),
        Figure::new("list_gpu_devices_p99", ours.p99, "ms").beside("bare_actix", bare.p99),
        Figure::new("list_gpu_devices_bytes", ours.body.len() as f64, "B"),
        Figure::new("list_gpu_devices_queries", queries, "statements").beside(AIM, 4.0),
        Figure::new("list_gpu_devices_row", 1e6 / ours.per_second / 500.0, "us/row")
            .beside(CLOUDSTACK, 1e6 / 12.0 / 96.0),
    ];
    drop(cloud);
    figures.extend(instances(&runtime));
    figures.extend(super::life::admission(&runtime));
    figures
}

/// Pages of instances, as the root admin and a user list them.
fn instances(runtime: &Runtime) -> Vec<Figure> {
    let cloud = Cloud::new(runtime);
    let user = runtime.block_on(fill(&cloud));
    // pages in the middle of what each sees
    let at = (INSTANCES / 500 / 2).to_string();
    let words = [("listall", "true"), ("page", &*at), ("pagesize", "500")];
    let admin = cloud.path("listVirtualMachines", &words);
    let at = (INSTANCES / ACCOUNTS / 500 / 2).to_string();
    let words = user.signed("listVirtualMachines", &[("page", &at), ("pagesize", "500")]);
    let user = format!("/client/api?{}", client::query(&words));
    let (all, bare_all, _) = page(runtime, &cloud, &admin, INSTANCES);
    let (own, bare_own, queries) = page(runtime, &cloud, &user, INSTANCES / ACCOUNTS);
    vec![
        Figure::new("list_vms_admin", all.per_second, "1/s").beside("bare_actix", bare_all),
        Figure::new("list_vms_admin_p99", all.p99, "ms"),
        Figure::new("list_vms_user", own.per_second, "1/s").beside("bare_actix", bare_own),
        Figure::new("list_vms_user_p99", own.p99, "ms"),
        Figure::new("list_vms_user_queries", queries, "statements").beside(AIM, 8.0),
    ]
}

/// How a page of a list of so many is answered, how a bare server sends it, and how many statements it takes.
fn page(runtime: &Runtime, cloud: &Cloud, path: &str, count: usize) -> (Load, f64, f64) {
    let mut line = Line::open(cloud.server.address);
    let answer: serde_json::Value = serde_json::from_slice(&line.get(path)).expect("JSON");
    let inner = &answer["listvirtualmachinesresponse"];
    let listed = inner["virtualmachine"].as_array().expect("a page");
    assert_eq!((inner["count"].as_u64(), listed.len()), (Some(count as u64), 500));
    let is_whole = |row: &serde_json::Value| row["nic"][0].is_object() && row["gpucount"] == 1;
    assert!(listed.iter().all(is_whole), "{}", listed[0]);
    let tries = (0..5).map(|_| {
        let before = cloud.statements();
        line.get(path);
        (cloud.statements() - before) as f64
    });
    let queries = tries.fold(f64::INFINITY, f64::min);
    let ours = hammer(cloud.server.address, path, CLIENTS, TIME);
    let bare = hammer(bare(runtime, ours.body.clone()), path, CLIENTS, TIME);
    (ours, bare.per_second, queries)
}

/// A zone, one instance that is deployed, and the others like it; returns a client of one of their owners.
async fn fill(cloud: &Cloud) -> Client {
    let images = cloud.scratch.0.join("images");
    let zone =
        ApiZone::build(&cloud.admin, &images, "fake", "KVM", 1, |n| format!("fake://h{n}")).await;
    let job = cloud.admin.call_async("deployVirtualMachine", &zone.params()).await;
    let model = text(&job["jobresult"]["virtualmachine"]["id"]);
    let domain = cloud.admin.ok("createDomain", &[("name", "d")]).await;
    let domain = text(&domain["domain"]["id"]);
    let (mut owners, mut user) = (Vec::new(), String::new());
    for number in 0..ACCOUNTS {
        let name = format!("user-{number}");
        let person = [("username", &*name), ("password", "a long password"), ("firstname", "a")];
        let more = [("lastname", "b"), ("email", "c@example.org"), ("accounttype", "0")];
        let words = [&person[..], &more[..], &[("domainid", &*domain)]].concat();
        let made = cloud.admin.ok("createAccount", &words).await["account"].clone();
        user = text(&made["user"][0]["id"]);
        let account = text(&made["id"]);
        owners.push(Owner { account, domain: domain.clone(), user: user.clone() });
    }
    let keys = cloud.admin.ok("registerUserKeys", &[("id", &user)]).await["userkeys"].clone();
    cloud::fill(&cloud.url, INSTANCES);
    let mut conn = migrate::connect(&cloud.url).expect("the database");
    many::instances(&mut conn, &model, &owners, INSTANCES);
    // the model is not one of them; each of the others holds a device
    let rest = format!(
        "UPDATE vm SET removed = UTC_TIMESTAMP(6) WHERE id = '{model}';
         INSERT INTO gpu_allocation (id, device_id, vm_id, host_id, state, active, position, reserved, allocated, account_id, domain_id, \
            profile_id, memory_mib) \
         SELECT UUID(), d.id, v.id, d.host_id, 'Allocated', 1, 0, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), v.account_id, v.domain_id, \
            d.profile_id, 81920 \
         FROM vm v JOIN gpu_device d ON d.id = CONCAT('0192f000-0007', SUBSTRING(v.id, 14)) WHERE v.name LIKE 'many-%';
         ANALYZE TABLE vm, nic, detail, gpu_allocation"
    );
    conn.batch_execute(&rest).expect("devices that are held");
    // the service writes the history of so many allocations first, and only then is it as idle as it looks
    let end = Instant::now() + SETTLE;
    while is_due(&mut conn) {
        assert!(Instant::now() < end, "the history is not written within {SETTLE:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Client::new(cloud.server.address, &text(&keys["apikey"]), &text(&keys["secretkey"]))
}

/// Whether the history still lacks an allocation.
fn is_due(conn: &mut MysqlConnection) -> bool {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        due: i64,
    }
    let query = "SELECT EXISTS (SELECT 1 FROM gpu_allocation WHERE due = 1) AS due";
    sql_query(query).get_result::<Due>(conn).expect("what is due").due > 0
}

/// A server that sends these bytes to whoever asks; its address.
fn bare(runtime: &tokio::runtime::Runtime, body: Vec<u8>) -> SocketAddr {
    let body = web::Bytes::from(body);
    let _inside = runtime.enter();
    let server =
        HttpServer::new(move || {
            let body = body.clone();
            let send = move || {
                let body = body.clone();
                async move {
                    HttpResponse::Ok().content_type("application/json;charset=utf-8").body(body)
                }
            };
            App::new().default_service(web::to(send))
        })
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
    let address = server.addrs()[0];
    runtime.spawn(server.run());
    address
}
