//! Usage: what was held is what is recorded, to the microsecond, whatever happened.

use crate::world::{
    Client, World,
    invariants::seal,
    site::{Site, instance},
};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::Value;

async fn site(world: &World) -> Site {
    world.site([FakeShape::new("h").gpus(4)]).await
}

/// The database's day.
async fn today(world: &World) -> String {
    world.texts("SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d') AS text").await.remove(0)
}

async fn records(client: &Client, day: &str, more: &[(&str, &str)]) -> Vec<Value> {
    let mut words = vec![("startdate", "2026-01-01"), ("enddate", day)];
    words.extend(more);
    let found = client.ok("listUsageRecords", &words).await;
    let rows = found["usagerecord"].as_array().cloned().unwrap_or_default();
    assert_eq!(found["count"].as_u64().unwrap_or(0), rows.len() as u64);
    rows
}

#[actix_web::test]
async fn an_instance_with_two_gpus_is_recorded_in_every_way_it_is_used() {
    let world = World::new().await;
    let (site, joe, eve) = (site(&world).await, world.user("joe").await, world.user("eve").await);
    let size = world.size("pair", 2).await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    let vm = instance(&joe.call_async("deployVirtualMachine", &words).await);
    let id = [("id", vm["id"].as_str().expect("an id"))];
    let day = today(&world).await;
    let of = |rows: &[Value], kind: i64| rows.iter().filter(|row| row["usagetype"] == kind).count();
    let rows = records(&joe, &day, &[]).await;
    let counts = [1, 2, 6, 101, 102].map(|kind| of(&rows, kind));
    assert_eq!(counts, [1, 1, 1, 2, 2], "{rows:#?}");
    assert!(records(&eve, &day, &[]).await.is_empty(), "others' usage is nobody else's");
    assert!(rows.iter().all(|row| row["account"] == "joe" && row["hostid"].is_null()));
    let admin = records(&world.admin, &day, &[("type", "101")]).await;
    assert!(admin.len() == 2 && admin.iter().all(|row| row["hostid"].is_string()), "{admin:?}");
    instance(&joe.call_async("stopVirtualMachine", &id).await);
    let stopped = records(&joe, &day, &[("type", "1")]).await;
    assert_eq!(stopped, records(&joe, &day, &[("type", "1")]).await, "it does not go on");
    let words = [("id", id[0].1), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
    let all = records(&joe, &day, &[]).await;
    assert_eq!(all, records(&joe, &day, &[]).await, "nothing goes on");
    let held: i64 = world
        .texts(
            "SELECT CAST(SUM(TIMESTAMPDIFF(MICROSECOND, allocated, releasing)) AS CHAR) AS text FROM gpu_allocation",
        )
        .await[0]
        .parse()
        .expect("a number");
    let used: i64 = all.iter().filter(|row| row["usagetype"] == 101).map(micros).sum();
    assert_eq!(used, held);
    world.settle().await;
}

#[actix_web::test]
async fn an_address_of_a_shared_network_is_recorded_from_the_deploy_to_the_expunge() {
    let world = World::new().await;
    let (site, joe) = (site(&world).await, world.user("joe").await);
    let size = world.size("none", 0).await;
    world
        .run(&format!(
            "UPDATE network SET guest_type = 'Shared', cidr = '10.9.0.0/24', gateway = '10.9.0.254', netmask = '255.255.255.0', \
                start_ip = '10.9.0.1', end_ip = '10.9.0.9' WHERE id = '{}'",
            site.bridge
        ))
        .await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    let vm = instance(&joe.call_async("deployVirtualMachine", &words).await);
    let day = today(&world).await;
    let rows = records(&joe, &day, &[("type", "3")]).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (&rows[0]["virtualmachineid"], &rows[0]["name"], &rows[0]["usageid"]),
        (&vm["id"], &vm["nic"][0]["ipaddress"], &vm["nic"][0]["id"])
    );
    // what a server that does not know of addresses never began is added with the time at which it did
    world.run("DELETE FROM usage_interval WHERE kind = 3").await;
    for _ in 0..2 {
        world.admin.ok("generateUsageRecords", &[]).await;
        let same = "SELECT n.id AS text FROM usage_interval u JOIN nic n ON n.id = u.subject_id
            WHERE u.kind = 3 AND u.open = 1 AND u.started = n.created";
        assert_eq!(world.texts(same).await, [vm["nic"][0]["id"].as_str().expect("an id")]);
    }
    let gone = [("id", vm["id"].as_str().expect("an id")), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    let rows = records(&joe, &day, &[("type", "3")]).await;
    assert_eq!(rows, records(&joe, &day, &[("type", "3")]).await, "it does not go on");
    // and what it did not end
    world.run("UPDATE usage_interval SET ended = NULL, open = 1 WHERE kind = 3").await;
    world.admin.ok("generateUsageRecords", &[]).await;
    let same = "SELECT v.id AS text FROM usage_interval u JOIN vm v ON v.id = u.vm_id
        WHERE u.kind = 3 AND u.open IS NULL AND u.ended = v.removed";
    assert_eq!(world.texts(same).await, [vm["id"].as_str().expect("an id")]);
    world.settle().await;
}

#[actix_web::test]
async fn a_clock_that_is_put_back_ends_nothing_before_it_began() {
    let world = World::new().await;
    let site = site(&world).await;
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    seal(world.db()); // nothing is due until the last of these
    // what was done an hour ahead, before the clock was put right
    for text in [
        "UPDATE gpu_allocation SET reserved = reserved + INTERVAL 1 HOUR, allocated = allocated + INTERVAL 1 HOUR",
        "UPDATE usage_interval SET started = started + INTERVAL 1 HOUR",
        "DELETE FROM gpu_history",
        "DELETE FROM gpu_history_head WHERE position > 0",
        "UPDATE gpu_allocation SET written = 0",
    ] {
        world.run(text).await;
    }
    let gone = [("id", vm["id"].as_str().expect("an id")), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    world.settle().await;
    let wrong = world
        .texts(
            "SELECT CONCAT(kind, ' ', started, ' ', ended) AS text FROM usage_interval WHERE ended < started
             UNION ALL SELECT CONCAT(reserved, ' ', allocated, ' ', releasing, ' ', released) FROM gpu_allocation
                WHERE allocated < reserved OR releasing < allocated OR released < releasing",
        )
        .await;
    assert!(wrong.is_empty(), "{wrong:?}");
    let sums = csgpu::service::usage::verify(world.db()).expect("the history");
    assert!(sums.1, "{}", sums.0);
}

/// `12.000345` -> 12000345
fn micros(row: &Value) -> i64 {
    row["seconds"].as_str().expect("seconds").replace('.', "").parse().expect("a number")
}

#[actix_web::test]
async fn a_stretch_is_cut_at_the_ends_of_days_and_its_parts_add_up() {
    let world = World::new().await;
    let admin = csgpu::store::seed::ADMIN_ACCOUNT;
    let root = csgpu::store::seed::ROOT_DOMAIN;
    world
        .run(&format!(
            "INSERT INTO usage_interval (id, kind, account_id, domain_id, subject_id, name, memory_mib, started, ended, open)
             VALUES (UUID(), 101, '{admin}', '{root}', UUID(), 'x', 1024, '2026-03-01 18:00:00', '2026-03-04 06:00:00.5', NULL)"
        ))
        .await;
    let rows = records(&world.admin, "2026-03-31", &[("type", "101")]).await;
    let hours: Vec<&str> = rows.iter().filter_map(|row| row["usage"].as_str()).collect();
    assert_eq!(hours, ["6 Hrs", "24 Hrs", "24 Hrs", "6 Hrs"]);
    assert_eq!(rows.iter().map(micros).sum::<i64>(), 60 * 3600 * 1_000_000 + 500_000);
    assert_eq!(rows[1]["startdate"], "2026-03-02T00:00:00+0000");
    let words = [("startdate", "2026-03-02"), ("enddate", "2026-03-02")];
    let one = world.admin.ok("listUsageRecords", &words).await;
    assert_eq!(one["count"], 2, "GPU and GPU memory: {one}");
    let page =
        [("page", "2"), ("pagesize", "3"), ("startdate", "2026-03-01"), ("enddate", "2026-03-31")];
    let page = world.admin.ok("listUsageRecords", &page).await;
    assert_eq!(
        (&page["count"], page["usagerecord"].as_array().map(Vec::len)),
        (&8.into(), Some(3))
    );
    world.admin.ok("generateUsageRecords", &[]).await;
    world.admin.ok("removeRawUsageRecords", &[("interval", "36500")]).await;
    assert_eq!(records(&world.admin, "2026-03-31", &[]).await.len(), 8);
    world.admin.ok("removeRawUsageRecords", &[("interval", "1")]).await;
    assert!(records(&world.admin, "2026-03-31", &[]).await.is_empty());
    let types = world.admin.ok("listUsageTypes", &[]).await;
    assert_eq!(types["usagetype"].as_array().map(Vec::len), Some(7));
}

#[actix_web::test]
async fn a_domain_administrator_reads_the_usage_of_the_own_tree_only() {
    let world = World::new().await;
    let domain = async |name: &str| {
        let made = world.admin.ok("createDomain", &[("name", name)]).await;
        made["domain"]["id"].as_str().expect("an id").to_owned()
    };
    let (home, away) = (domain("home").await, domain("away").await);
    let boss = world.member("boss", "2", Some(&home)).await;
    for (name, home) in [("near", &home), ("far", &away)] {
        world.member(name, "0", Some(home)).await;
        world
            .run(&format!(
                "INSERT INTO usage_interval (id, kind, account_id, domain_id, subject_id, name, started, ended, open)
                 SELECT UUID(), k, id, domain_id, UUID(), name, '2026-03-01', '2026-03-02', NULL FROM account
                 JOIN (SELECT 1 AS k UNION ALL SELECT 2) k WHERE name = '{name}'"
            ))
            .await;
    }
    let names = |rows: &[Value]| {
        rows.iter().map(|row| row["account"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&records(&boss, "2026-03-31", &[]).await), ["near", "near"]);
    assert_eq!(names(&records(&boss, "2026-03-31", &[("type", "1")]).await), ["near"]);
    assert_eq!(records(&world.admin, "2026-03-31", &[]).await.len(), 4);
    let far = [("domainid", &*away), ("account", "far"), ("type", "2")];
    assert_eq!(names(&records(&world.admin, "2026-03-31", &far).await), ["far"]);
    let words = [("startdate", "2026-01-01"), ("enddate", "2026-03-31"), far[0], far[1]];
    assert_ne!(boss.call("listUsageRecords", &words).await.status, 200, "another tree");
}
