//! Placement on hosts of libvirt's test driver, by what the driver tells of their NUMA nodes.

use crate::world::{Client, Server, api_zone::ApiZone, pace, places::text, server};
use csgpu::{
    command::secret,
    hypervisor::libvirt::{LibvirtConnector, LibvirtSettings},
    store::{Db, seed},
};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};

/// A server with one simulated host, and its administrator.
async fn cloud(database: &server::FreshDatabase) -> (Server, Client, ApiZone) {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(&database.name);
    std::fs::create_dir_all(&dir).expect("a directory");
    let keys = secret::key_pair().expect("randomness");
    let given = keys.clone();
    let seeded = Db::open(&database.url, 2)
        .txn("seed", move |tx| seed::everything(tx, "!", (&given.0, &given.1)))
        .await;
    seeded.expect("a seed");
    let connector = LibvirtConnector::new(LibvirtSettings {
        keys: dir.join("ssh"),
        scratch: dir.join("run"),
        simulators: Some(dir.join("hosts")),
        hook: None,
    });
    let connector = Arc::new(connector.expect("a connector"));
    let server = Server::start(&database.url, connector, &dir, pace()).await;
    let admin = Client::new(server.address, &keys.0, &keys.1);
    let url = |n| format!("http://sim/nvidia-{n}");
    let zone = ApiZone::build(&admin, &dir.join("images"), "z", "Simulator", 1, url).await;
    (server, admin, zone)
}

/// What is asked for: so many CPUs and MiB of memory, with one GPU, on one node.
async fn words(
    admin: &Client,
    zone: &ApiZone,
    (cpus, memory, policy): (&str, &str, &str),
) -> Vec<(&'static str, String)> {
    let name = format!("{cpus} {memory} {policy}");
    let size =
        [("name", name.as_str()), ("cpunumber", cpus), ("cpuspeed", "100"), ("memory", memory)];
    let size = text(&admin.ok("createServiceOffering", &size).await["serviceoffering"]["id"]);
    let devices = admin.ok("listGpuDevices", &[("pagesize", "1"), ("page", "1")]).await;
    let card = text(&devices["gpudevice"][0]["gpucardid"]);
    let gpu = [
        ("name", name.as_str()),
        ("gpualternatives[0].gpucardid", card.as_str()),
        ("gpualternatives[0].gpucount", "1"),
        ("numapolicy", policy),
    ];
    let gpu = text(&admin.ok("createGpuOffering", &gpu).await["gpuoffering"]["id"]);
    let mut words = zone.deploy[..3].to_vec();
    words.extend([("serviceofferingid", size), ("gpuofferingid", gpu)]);
    words
}

async fn ask(admin: &Client, command: &str, words: &[(&str, String)]) -> Value {
    let words: Vec<(&str, &str)> =
        words.iter().map(|(key, value)| (*key, value.as_str())).collect();
    match command {
        "explainPlacement" => admin.ok(command, &words).await["placement"].clone(),
        _ => admin.call_async(command, &words).await,
    }
}

#[actix_web::test]
async fn the_rooms_of_nodes_that_the_driver_tells_are_kept_to() {
    let database = server::fresh_database();
    let (mut server, admin, zone) = cloud(&database).await;
    let host = admin.ok("listHosts", &[("id", &zone.hosts[0])]).await["host"][0].clone();
    let nodes = "0: 64 CPUs, 524288 MiB of memory; 1: 64 CPUs, 524288 MiB of memory";
    assert_eq!(host["details"]["numanodes"], nodes, "{host}");
    // half of the host is on each node
    for (size, fits) in [
        (("64", "524288", "required"), true),
        (("65", "1024", "required"), false),
        (("1", "524289", "required"), false),
        (("65", "524289", "preferred"), true),
    ] {
        let told = ask(&admin, "explainPlacement", &words(&admin, &zone, size).await).await;
        assert_eq!(told["fits"], json!(fits), "{size:?}: {told}");
    }
    let heavy = words(&admin, &zone, ("2", "307200", "required")).await;
    for node in ["0", "1"] {
        let job = ask(&admin, "deployVirtualMachine", &heavy).await;
        assert_eq!(job["jobstatus"], 1, "{job}");
        let vm = text(&job["jobresult"]["virtualmachine"]["id"]);
        let held = admin.ok("listGpuDevices", &[("virtualmachineid", vm.as_str())]).await;
        assert_eq!(held["gpudevice"][0]["numanode"], json!(node), "{held}");
    }
    let told = ask(&admin, "explainPlacement", &heavy).await;
    let why = "too little memory free on the NUMA nodes of free GPUs";
    assert_eq!(told["reasons"], json!([{"hosts": 1, "reason": why}]), "{told}");
    let nearest = text(&told["nearest"][1]);
    assert!(nearest.ends_with(" with at most 2 CPUs and 217088 MiB of memory"), "{told}");
    server.crash();
}
