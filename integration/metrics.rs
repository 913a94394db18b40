//! What monitoring reads: each number is what a recount says, and a scrape costs the same whatever there is.

use crate::world::{
    World,
    invariants::seal,
    private::Private,
    site::{Site, instance},
};
use csgpu::{
    domain::{gpu::Pick, identity::shown_path, machine::Proof, resource::Resource},
    http,
    hypervisor::fake::FakeShape,
    store::{Tx, gpu_claim, migrate},
};
use diesel::connection::SimpleConnection;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

/// The samples by name and labels, as they are written.
type Samples = BTreeMap<String, f64>;

fn samples(text: &str) -> Samples {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        (name.to_owned(), value)
    };
    let all: Vec<(String, f64)> = lines.map(sample).collect();
    let count = all.len();
    let all: Samples = all.into_iter().collect();
    assert_eq!(all.len(), count, "a sample is there twice");
    all
}

async fn scrape(world: &World) -> Samples {
    samples(&world.server.kernel.metrics().await)
}

/// All samples of this family, without its name.
fn family<'a>(all: &'a Samples, name: &str) -> BTreeMap<&'a str, f64> {
    let of = all.iter().filter_map(|(key, value)| {
        let rest = key.strip_prefix(name)?;
        (rest.is_empty() || rest.starts_with('{')).then_some((rest, *value))
    });
    of.collect()
}

/// What a query counts, by the labels it makes.
async fn counted(world: &World, query: &str) -> BTreeMap<String, f64> {
    let rows = world.texts(&format!("SELECT CONCAT(l, ' ', n) AS text FROM ({query}) x")).await;
    let row = |row: String| {
        let (labels, count) = row.rsplit_once(' ').expect("labels and a count");
        (labels.to_owned(), count.parse().expect("a number"))
    };
    rows.into_iter().map(row).collect()
}

fn same(found: &BTreeMap<&str, f64>, want: &BTreeMap<String, f64>) {
    let want: BTreeMap<&str, f64> = want.iter().map(|(key, n)| (key.as_str(), *n)).collect();
    assert_eq!(found, &want);
    assert!(!want.is_empty(), "nothing was counted");
}

#[actix_web::test]
async fn every_number_is_what_a_recount_says() {
    let world = World::new().await;
    let site: Site = world.site([FakeShape::new("h").gpus(8), FakeShape::new("g").gpus(4)]).await;
    let (joe, size) = (world.user("joe").await, world.size("pair", 2).await);
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    instance(&joe.call_async("deployVirtualMachine", &words).await);
    let all = scrape(&world).await;
    // devices, as listGpuDevices shows them
    let listed = world.admin.ok("listGpuDevices", &[("listall", "true")]).await;
    let mut want: BTreeMap<String, f64> = BTreeMap::new();
    for device in listed["gpudevice"].as_array().expect("devices") {
        let word = |key: &str| device[key].as_str().expect(key).to_owned();
        let labels = format!(
            "{{allocation=\"{}\",health=\"{}\",managed=\"{}\",type=\"{}\"}}",
            word("allocationstate"),
            word("health"),
            word("managedstate"),
            word("gpudevicetype")
        );
        *want.entry(labels).or_default() += 1.0;
    }
    same(&family(&all, "csgpu_gpu_devices"), &want);
    // what fits, as listGpuCapacity shows it
    let left = world.admin.ok("listGpuCapacity", &[]).await;
    let left = &left["gpucapacity"][0];
    let free = family(&all, "csgpu_gpu_free");
    assert_eq!(
        free.values().copied().collect::<Vec<_>>(),
        [left["gpufree"].as_f64().unwrap()],
        "{left}"
    );
    let fit = family(&all, "csgpu_gpu_instances_fit");
    let shapes = left["gpushapes"].as_array().expect("shapes");
    assert_eq!(shapes.len(), 4, "{left}");
    for shape in shapes {
        let label = format!("gpus=\"{}\"", shape["gpucount"]);
        let found = fit.iter().find(|(key, _)| key.contains(&label)).map(|(_, n)| *n);
        assert_eq!(found, shape["instances"].as_f64(), "{fit:?} {left}");
    }
    let hosts = "SELECT CONCAT('{state=\"', state, '\",resource_state=\"', resource_state, '\"}') AS l, COUNT(*) AS n
        FROM host WHERE alive = 1 GROUP BY state, resource_state";
    same(&family(&all, "csgpu_hosts"), &counted(&world, hosts).await);
    let vms = "SELECT CONCAT('{state=\"', state, '\"}') AS l, COUNT(*) AS n FROM vm WHERE removed IS NULL GROUP BY state";
    same(&family(&all, "csgpu_instances"), &counted(&world, vms).await);
    for (name, want) in
        [("csgpu_drift", 0.0), ("csgpu_gpu_releasing", 0.0), ("csgpu_database_up", 1.0)]
    {
        assert_eq!(all[name], want, "{name}");
    }
    assert_eq!(all["csgpu_build_info{version=\"0.1.0\"}"], 1.0);
    assert_eq!(all["csgpu_database_connections_max"], 12.0);
    assert!(all["csgpu_database_connections_open"] >= all["csgpu_database_connections_busy"]);
}

#[actix_web::test]
async fn what_goes_wrong_is_counted_with_its_age() {
    let mut world = World::new().await;
    world.server.rest();
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let device = world.devices(&rack).await[0];
    let vm = world.claim(&rack, &[Pick::Device(device)]).await.expect("free");
    let release = move |tx: &mut Tx<'_>| gpu_claim::begin_release(tx, vm);
    world.db().txn("release", release).await.expect("on its way back");
    for text in [
        "UPDATE gpu_allocation SET releasing = UTC_TIMESTAMP(6) - INTERVAL 90 SECOND",
        "INSERT INTO gpu_drift (id, host_id, device_id, kind, expected, seen, since) SELECT UUID(), host_id, id, 'Gone',
            'x', 'y', UTC_TIMESTAMP(6) FROM gpu_device",
        "UPDATE gpu_drift SET accepted = 'y' LIMIT 1",
        "INSERT INTO job (id, command, plan, user_id, account_id, domain_id, state, created) SELECT UUID(), 'x', '{}', id, account_id,
            domain_id, 'Queued', UTC_TIMESTAMP(6) - INTERVAL 1 HOUR FROM user LIMIT 1",
        "UPDATE resource_count SET max = 10, used = 9 WHERE kind = 16 AND owner = 'Account'",
    ] {
        world.run(text).await;
    }
    let all = scrape(&world).await;
    let near = |name: &str, want: f64| {
        assert!((want..want + 60.0).contains(&all[name]), "{name} is {}", all[name]);
    };
    assert_eq!((all["csgpu_drift"], all["csgpu_gpu_releasing"]), (1.0, 1.0));
    near("csgpu_gpu_releasing_oldest_seconds", 90.0);
    assert_eq!(all["csgpu_jobs{state=\"Queued\"}"], 1.0);
    near("csgpu_jobs_oldest_seconds{state=\"Queued\"}", 3600.0);
    let limits = family(&all, "csgpu_limit_used_ratio");
    let gpus = "{scope=\"account\",owner=\"admin\",domain=\"ROOT\",resource=\"gpu\"}";
    assert_eq!(limits.get(gpus), Some(&0.9), "{limits:?}");
    // as it was, for the laws
    for text in [
        "DELETE FROM job",
        "DELETE FROM gpu_drift",
        "UPDATE resource_count SET max = -1, used = 0 WHERE kind = 16 AND owner = 'Account'",
    ] {
        world.run(text).await;
    }
}

#[actix_web::test]
async fn limits_near_their_end_are_those_that_a_recount_finds() {
    let world = World::new().await;
    let home = world.domain("home", None).await;
    world.member("joe", "0", Some(&home)).await;
    world.run("CREATE TABLE was AS SELECT * FROM resource_count").await;
    // of some three quarters, of some more than all
    world.run("UPDATE resource_count SET max = 40, used = 30 + MOD(kind, 13) WHERE max >= 0").await;
    let all = scrape(&world).await;
    let rows = "SELECT CONCAT('account|', a.name, '|', d.path, '|', c.kind, '|', c.used) AS text FROM resource_count c
            JOIN account a ON a.id = c.owner_id JOIN domain d ON d.id = a.domain_id WHERE c.max = 40
        UNION ALL SELECT CONCAT('domain|', d.name, '|', d.path, '|', c.kind, '|', c.used) FROM resource_count c
            JOIN domain d ON d.id = c.owner_id WHERE c.max = 40";
    let mut want: BTreeMap<String, f64> = BTreeMap::new();
    for row in world.texts(rows).await {
        let words: Vec<&str> = row.split('|').collect();
        let [scope, owner, path, kind, used] = words[..] else { panic!("{row}") };
        let resource = Resource::of_number(kind.parse().expect("a number")).expect("a resource");
        let (path, used) = (shown_path(path), used.parse::<f64>().expect("a number"));
        if used >= 36.0 {
            let name = resource.name();
            let labels = format!(
                "{{scope=\"{scope}\",owner=\"{owner}\",domain=\"{path}\",resource=\"{name}\"}}"
            );
            want.insert(labels, used / 40.0);
        }
    }
    assert!(want.keys().any(|labels| labels.contains("domain=\"ROOT/home\"")), "{want:?}");
    assert!(["account", "domain"].iter().all(|of| want.keys().any(|it| it.contains(of))));
    same(&family(&all, "csgpu_limit_used_ratio"), &want);
    world.run("DELETE FROM resource_count").await;
    world.run("INSERT INTO resource_count SELECT * FROM was").await;
    world.run("DROP TABLE was").await;
}

/// The age of the oldest step that is not sealed, by its server's answer and by a recount of every step.
async fn unsealed(world: &World) -> (f64, f64) {
    let found = scrape(world).await["csgpu_gpu_unsealed_oldest_seconds"];
    let query = "SELECT '' AS l, COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, t, UTC_TIMESTAMP(6)) / 1E6), 0) AS n FROM (
            SELECT id, 1 AS stage, reserved AS t FROM gpu_allocation UNION ALL SELECT id, 2, allocated FROM gpu_allocation
            UNION ALL SELECT id, 3, releasing FROM gpu_allocation UNION ALL SELECT id, 4, released FROM gpu_allocation) s
        WHERE t IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gpu_history h WHERE h.allocation_id = s.id AND h.stage = s.stage)";
    (found, counted(world, query).await[""])
}

#[actix_web::test]
async fn the_age_of_what_is_not_sealed_is_that_of_the_oldest_step() {
    let mut world = World::new().await;
    world.server.rest();
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let device = world.devices(&rack).await[0];
    assert_eq!(unsealed(&world).await, (0.0, 0.0));
    let vm = world.claim(&rack, &[Pick::Device(device)]).await.expect("free");
    let proof = vec![(device, Proof::Clean)];
    // each step an hour after the one before, the first one five hours ago
    let steps: [(&str, Step); 4] = [
        ("reserved", Box::new(|_| Ok(()))),
        ("allocated", Box::new(move |tx| gpu_claim::confirm(tx, vm))),
        ("releasing", Box::new(move |tx| gpu_claim::begin_release(tx, vm))),
        ("released", Box::new(move |tx| gpu_claim::finish_release(tx, vm, &proof))),
    ];
    for (hours, (column, step)) in (2..6).rev().zip(steps) {
        world.db().txn_blocking("step", |tx| step(tx)).expect(column);
        let ago = format!("UTC_TIMESTAMP(6) - INTERVAL {hours} HOUR");
        world.run(&format!("UPDATE gpu_allocation SET {column} = {ago}")).await;
        // the ledger has the same times
        world.run("UPDATE usage_interval u JOIN gpu_allocation a ON a.device_id = u.subject_id AND u.kind = 101 \
            SET u.started = a.allocated, u.ended = a.releasing").await;
        let (found, want) = unsealed(&world).await;
        assert!(
            want > f64::from(hours) * 3600.0 - 1.0 && (found - want).abs() < 60.0,
            "{column}: {found} {want}"
        );
        if column != "releasing" {
            seal(world.db());
            assert_eq!(unsealed(&world).await, (0.0, 0.0), "{column}");
        }
    }
}

type Step = Box<dyn Fn(&mut Tx<'_>) -> csgpu::error::Result<()>>;

#[actix_web::test]
async fn servers_alerts_and_debts_are_counted_as_they_are_listed() {
    let mut world = World::new().await;
    let (mut other, _) = world.another_server().await;
    let rack = world.bare_rack(FakeShape::new("h")).await;
    let debt = "INSERT INTO host_debt (id, host_id, kind, plan, why, paid) VALUES";
    let host = rack.id;
    for text in [
        format!("{debt} (UUID(), '{host}', 'x', '{{}}', 'w', NULL), (UUID(), '{host}', 'x', '{{}}', 'w', NULL)"),
        format!("{debt} (UUID(), '{host}', 'x', '{{}}', 'w', UTC_TIMESTAMP(6))"),
        "INSERT INTO alert (id, kind, description, resolved, shelf) VALUES (UUID(), 'A', 'open', NULL, 'Listed'), \
            (UUID(), 'A', 'put away', NULL, 'Archived'), (UUID(), 'A', 'over', UTC_TIMESTAMP(6), 'Listed'), \
            (UUID(), 'A', 'deleted', NULL, 'Deleted')".to_owned(),
        "INSERT INTO server (id, name, version, started, heartbeat) VALUES \
            (UUID(), 'new', '9', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)), \
            (UUID(), 'dead', '9', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE)".to_owned(),
    ] {
        world.run(&text).await;
    }
    let all = scrape(&world).await;
    let servers = "SELECT CONCAT('{version=\"', version, '\"}') AS l, COUNT(*) AS n FROM server WHERE name <> 'dead' GROUP BY version";
    let want = counted(&world, servers).await;
    assert_eq!(want.values().copied().collect::<Vec<_>>(), [2.0, 1.0], "{want:?}");
    same(&family(&all, "csgpu_servers"), &want);
    assert_eq!((all["csgpu_host_debts"], all["csgpu_alerts_open"]), (2.0, 2.0));
    world.run("DELETE FROM host_debt").await;
    world.run("UPDATE alert SET resolved = UTC_TIMESTAMP(6)").await;
    let all = scrape(&world).await;
    assert_eq!((all["csgpu_host_debts"], all["csgpu_alerts_open"]), (0.0, 0.0));
    other.rest();
    world.server.rest();
    world.run("UPDATE server SET heartbeat = heartbeat - INTERVAL 5 MINUTE").await;
    assert!(family(&scrape(&world).await, "csgpu_servers").is_empty());
}

#[actix_web::test]
async fn a_scrape_costs_the_same_whatever_there_is() {
    let mut world = World::new().await;
    let mut costs = Vec::new();
    for hosts in [1, 8] {
        for n in 0..hosts {
            let host = world.rack(FakeShape::new(format!("h{hosts}-{n}")).gpus(4)).await;
            world.run(&format!("UPDATE host SET zone_id = (SELECT z FROM (SELECT MIN(zone_id) AS z FROM host) x) WHERE id = '{}'", host.id)).await;
        }
        world.run("INSERT IGNORE INTO zone (id, name, dns1, internal_dns1, guest_cidr, network_type, allocation_state)
            SELECT MIN(zone_id), 'z', '8.8.8.8', '8.8.8.8', '10.1.0.0/16', 'Advanced', 'Enabled' FROM host").await;
        world.server.rest();
        scrape(&world).await; // the hosts are known then
        let before = world.db().statements();
        scrape(&world).await;
        costs.push(world.db().statements() - before);
    }
    // eight for the books, the zones, two for the zone, the names of the profiles
    assert_eq!(costs, [12, 12]);
}

#[actix_web::test]
async fn answers_are_counted_by_command_status_and_time() {
    let world = World::new().await;
    for _ in 0..3 {
        world.admin.ok("listZones", &[]).await;
    }
    world.admin.call("listZones", &[("page", "x")]).await;
    world.admin.call("noSuchCommand", &[]).await;
    let all = scrape(&world).await;
    assert_eq!(all["csgpu_requests_total{command=\"listZones\",status=\"200\"}"], 3.0);
    assert_eq!(all["csgpu_requests_total{command=\"listZones\",status=\"431\"}"], 1.0);
    assert_eq!(all["csgpu_requests_total{command=\"unknown\",status=\"401\"}"], 1.0);
    assert_eq!(all["csgpu_request_seconds_count{command=\"listZones\"}"], 4.0);
    let bucket = |le: &str| {
        all[&format!("csgpu_request_seconds_bucket{{command=\"listZones\",le=\"{le}\"}}")]
    };
    assert!(bucket("0.001") <= bucket("0.5") && bucket("10") <= bucket("+Inf"));
    assert_eq!(bucket("+Inf"), 4.0);
    let seconds = all["csgpu_request_seconds_sum{command=\"listZones\"}"];
    assert!(seconds > 0.0 && seconds < 60.0, "{seconds}");
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a listener");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn metrics_are_only_where_they_were_asked_for() {
    let world = World::new().await;
    let own = http::Server::bind_metrics(
        &[SocketAddr::from(([127, 0, 0, 1], 0))],
        world.server.kernel.clone(),
    );
    let own = own.expect("a free port");
    let (address, stop) = (own.addresses()[0], own.stop());
    tokio::spawn(own.run());
    let api = world.server.address;
    let (there, not_there, no_api, ready) = tokio::task::spawn_blocking(move || {
        (
            get(address, "/metrics"),
            get(api, "/metrics"),
            get(address, "/client/api"),
            get(address, "/health/ready"),
        )
    })
    .await
    .expect("asked");
    assert!(
        there.starts_with("HTTP/1.1 200") && there.contains("text/plain; version=0.0.4"),
        "{there}"
    );
    assert!(there.contains("csgpu_database_up 1\n"), "{there}");
    assert!(not_there.starts_with("HTTP/1.1 404") && no_api.starts_with("HTTP/1.1 404"));
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    stop.at_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_database_only_reads_is_not_ready_and_says_so() {
    let private = Private::start("ready");
    let root = private.url("mysql");
    let mut conn = migrate::connect(&root).expect("the database");
    conn.batch_execute("CREATE DATABASE ready").expect("a database");
    migrate::prepare(&private.url("ready"), true).expect("a schema");
    conn.batch_execute(
        "CREATE USER plain@localhost IDENTIFIED BY 'plain'; GRANT ALL ON ready.* TO plain@localhost",
    )
    .expect("a user without rights over the server");
    let plain = private.url("ready").replacen("root@", "plain:plain@", 1);
    let dir = private.dir().to_path_buf();
    let fakes = std::sync::Arc::new(csgpu::hypervisor::fake::FakeConnector::default());
    let server = crate::world::Server::start(&plain, fakes, &dir, crate::world::pace()).await;
    assert_eq!(server.kernel.ready().await, Ok(()));
    conn.batch_execute("SET GLOBAL read_only = 1").expect("read only");
    let (part, why) = server.kernel.ready().await.expect_err("it cannot write");
    assert_eq!(part, "writing to the database", "{why}");
    assert!(why.contains("read"), "{why}");
    let all = samples(&server.kernel.metrics().await);
    assert_eq!(all["csgpu_database_up"], 1.0, "what there is can be read");
    conn.batch_execute("SET GLOBAL read_only = 0").expect("as it was");
    assert_eq!(server.kernel.ready().await, Ok(()));
    drop(conn);
    drop(private);
    let (part, _) = server.kernel.ready().await.expect_err("there is no database");
    assert_eq!(part, "database");
    let all = samples(&server.kernel.metrics().await);
    assert_eq!(all["csgpu_database_up"], 0.0);
    assert!(all.contains_key("csgpu_build_info{version=\"0.1.0\"}"));
}
