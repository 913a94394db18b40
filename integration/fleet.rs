//! The hosts in memory: what a deploy reads of them, and that nobody is told something that is over.

use crate::world::{Server, World, site::instance};
use csgpu::{domain::placement::Mix, hypervisor::fake::FakeShape, store::gpu_claim};
use std::time::Duration;

/// Hosts that are up and have devices, but no pool, so that nothing is placed there; they changed long ago.
async fn crowd(world: &World, zone: &str, hosts: u32) {
    let digits = "(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
    let numbers = format!(
        "(SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n AS n FROM {digits} a, {digits} b, {digits} c, {digits} d) x"
    );
    world
        .run(&format!(
            "INSERT INTO host (id, zone_id, pod_id, cluster_id, name, hypervisor, uri, identity, ip_address, state, \
             resource_state, version, arch, cpus, mhz, sockets, memory, domain_type, iommu, changed) \
             SELECT CONCAT('0192f000-0006-7000-8000-', LPAD(x.n, 12, '0')), '{zone}', h.pod_id, h.cluster_id, \
             CONCAT('crowd-', x.n), h.hypervisor, CONCAT('none://', x.n), CONCAT('crowd-', x.n), '10.9.9.9', 'Up', \
             'Enabled', '1', h.arch, 64, 2000, 2, 549755813888, 'kvm', 1, '2026-01-01' \
             FROM {numbers} JOIN (SELECT * FROM host WHERE zone_id = '{zone}' LIMIT 1) h WHERE x.n < {hosts}"
        ))
        .await;
    world
        .run(
            "INSERT INTO gpu_device (id, host_id, card_id, profile_id, address, device_type, carrier, numa_node, managed, \
             health, is_ready) SELECT UUID(), h.id, d.card_id, d.profile_id, '0000:10:00.0', 'PCI', '0000:10:00.0', 0, \
             'Managed', 'Ok', 1 FROM host h JOIN (SELECT * FROM gpu_device LIMIT 1) d WHERE h.name LIKE 'crowd-%'",
        )
        .await;
}

/// The statements of a deploy at a server that does nothing else, and the rows of hosts it read; of one that gets what it
/// prefers and of one that does not.
async fn cost(world: &World, hosts: u32) -> [(u64, u64); 2] {
    let site = world.site([1, 2].map(|n| FakeShape::new(format!("h{n}-{hosts}")).gpus(8))).await;
    crowd(world, &site.zone, hosts).await;
    let size = world.size(&format!("pair-{hosts}"), 2).await;
    let none = world.size(&format!("none-{hosts}"), 0).await;
    let query = "SELECT DISTINCT profile_id AS text FROM gpu_device WHERE device_type = 'PCI'";
    let profile = &world.texts(query).await[0];
    let name = format!("many or one {hosts}");
    let many_or_one = [
        ("name", name.as_str()),
        ("gpualternatives[0].vgpuprofileid", profile),
        ("gpualternatives[0].gpucount", "16"),
        ("gpualternatives[1].vgpuprofileid", profile),
    ];
    let made = world.admin.ok("createGpuOffering", &many_or_one).await;
    let offering = made["gpuoffering"]["id"].as_str().expect("an id").to_owned();
    let (mut quiet, client) = world.another_server().await;
    quiet.rest();
    let fleet = quiet.wiring.fleets.of(site.zone.parse().expect("a zone"), Mix::default());
    let preferred = site.deploy(&size);
    let mut second = site.deploy(&none);
    second.push(("gpuofferingid", &offering));
    let mut last = [(0, 0); 2];
    for _ in 0..3 {
        for (last, words) in last.iter_mut().zip([&preferred, &second]) {
            let before = (quiet.wiring.db.statements(), fleet.rows());
            let answer = client.call("deployVirtualMachine", words).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            *last = (quiet.wiring.db.statements() - before.0, fleet.rows() - before.1);
            // the next look reaches back less than this, or ten seconds
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
    last
}

#[actix_web::test]
async fn a_deploy_costs_the_same_among_two_hosts_and_among_ten_thousand() {
    let world = World::new().await;
    let few = cost(&world, 0).await;
    let many = cost(&world, 9_998).await;
    eprintln!("statements and rows of hosts: {few:?} among 2 hosts, {many:?} among 10,000");
    let statements = few.iter().zip(&many).map(|(few, many)| few.0.max(many.0));
    assert!(statements.zip([18, 20]).all(|(cost, most)| cost <= most), "{few:?} {many:?}");
    assert!(many.iter().all(|it| it.1 <= 8), "what changed is read, not the zone: {many:?}");
    world.settle().await;
}

async fn maintain(world: &World, host: &str, is_on: bool) {
    let command = if is_on { "prepareHostForMaintenance" } else { "cancelHostMaintenance" };
    world.admin.call_async(command, &[("id", host)]).await;
}

/// Where a server places an instance of this size, or what it says instead.
async fn deploy(world: &World, server: &Server, words: &[(&str, &str)]) -> Result<String, String> {
    let client = world.admin.at(server.address);
    let answer = client.call("deployVirtualMachine", words).await;
    if answer.status != 200 {
        return Err(answer.error().to_owned());
    }
    let job = answer.inner()["jobid"].as_str().expect("a job").to_owned();
    let vm = instance(&client.finished(&job).await);
    Ok(vm["hostid"].as_str().expect("a host").to_owned())
}

#[actix_web::test]
async fn what_another_server_changed_is_seen_by_the_next_deploy() {
    let world = World::new().await;
    let site = world.site([1, 2].map(|n| FakeShape::new(format!("h{n}")).gpus(2))).await;
    let size = world.size("pair", 2).await;
    let (other, _) = world.another_server().await;
    let words = site.deploy(&size);
    let [first, second] = [0, 1].map(|n| site.racks[n].id.to_string());
    // the other server looks for the first time, and remembers
    let used = deploy(&world, &other, &words).await.expect("room");
    let free = if used == first { second } else { first };
    maintain(&world, &free, true).await;
    let refused = deploy(&world, &other, &words).await.expect_err("no host is left");
    assert!(refused.contains("in maintenance"), "{refused}");
    maintain(&world, &free, false).await;
    assert_eq!(deploy(&world, &other, &words).await.as_deref(), Ok(free.as_str()));
    let refused = deploy(&world, &other, &words).await.expect_err("everything is held");
    assert!(refused.contains("2 hosts"), "{refused}");
    // what the first server frees is free at once
    for vm in world.texts("SELECT id AS text FROM vm WHERE removed IS NULL").await {
        let gone = [("id", vm.as_str()), ("expunge", "true")];
        world.admin.call_async("destroyVirtualMachine", &gone).await;
        deploy(&world, &other, &words).await.expect("room");
    }
    world.settle().await;
}

#[actix_web::test]
async fn a_host_is_seized_only_as_it_is_known() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let host = site.racks[0].id;
    let query = format!("SELECT CAST(generation AS CHAR) AS text FROM host WHERE id = '{host}'");
    let now: i64 = world.texts(&query).await[0].parse().expect("a number");
    let world = &world;
    let seize = |generation: i64| async move {
        let work = move |tx: &mut csgpu::store::Tx<'_>| {
            Ok(gpu_claim::seize(tx, host, generation)?.is_some())
        };
        world.db().txn("seize", work).await.expect("an answer")
    };
    assert!(!seize(now - 1).await && !seize(now + 1).await);
    assert!(seize(now).await && !seize(now).await);
    for (column, value, usual) in
        [("resource_state", "Maintenance", "Enabled"), ("state", "Down", "Up")]
    {
        world.run(&format!("UPDATE host SET {column} = '{value}' WHERE id = '{host}'")).await;
        assert!(!seize(now + 1).await, "{column}");
        world.run(&format!("UPDATE host SET {column} = '{usual}' WHERE id = '{host}'")).await;
    }
    assert!(seize(now + 1).await);
}

#[actix_web::test]
async fn a_transaction_that_is_rolled_back_teaches_nothing() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("pair", 2).await;
    let joe = world.user("joe").await;
    let limit = [("account", "joe"), ("domainid", "ROOT"), ("resourcetype", "16"), ("max", "1")];
    let domain = csgpu::store::seed::ROOT_DOMAIN.to_string();
    let limit = limit.map(|(name, value)| (name, if value == "ROOT" { &domain } else { value }));
    world.admin.ok("updateResourceLimit", &limit).await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    for _ in 0..3 {
        let refused = joe.call("deployVirtualMachine", &words).await;
        assert_eq!(refused.status, 535, "{}", refused.text());
    }
    // the host was seized each time and is as free as before
    deploy(&world, &world.server, &words).await.expect("room");
    world.settle().await;
}
