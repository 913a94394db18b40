//! What requests cost: a page of GPU devices beside a server that sends the same bytes and does nothing.

use super::{
    cloud::{self, Cloud},
    load::{Line, hammer},
    report::{AIM, CLOUDSTACK, Figure},
};
use actix_web::{App, HttpResponse, HttpServer, web};
use std::{net::SocketAddr, time::Duration};

/// Devices in the books.
const DEVICES: usize = 100_000;
/// Clients at a time.
const CLIENTS: usize = 4;
/// How long each server is asked.
const TIME: Duration = Duration::from_secs(5);

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
    figures.extend(super::life::admission(&runtime));
    figures
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
