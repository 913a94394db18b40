//! `csgpu usage`: the sums that the program prints are those of the allocations, whatever they are summed by and however printed.

use crate::world::{World, invariants::seal, rack::Rack};
use csgpu::{
    domain::gpu::Pick,
    hypervisor::fake::FakeShape,
    store::{Tx, gpu_claim},
};
use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

/// What is said of one owner, profile or host: its name, stretches, microseconds, MiB and seconds.
type Sums = BTreeMap<String, (String, i64, i64, i64)>;

/// What the program prints.
fn printed(world: &World, words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csgpu"));
    command.env("CSGPU_CONFIG", "/dev/null").env("CSGPU_DATABASE_URL", &world.database.url);
    let output = command.arg("usage").args(words).output().expect("a run");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {log}");
    String::from_utf8(output.stdout).expect("text")
}

/// `12.000345` -> 12000345
fn micros(text: &str) -> i64 {
    text.replace('.', "").parse().expect("a number")
}

/// The sums of GPUs as JSON says them.
fn of_json(text: &str, by: &str) -> Sums {
    let rows: Vec<Value> = serde_json::from_str(text).expect("JSON");
    let gpus = rows.iter().filter(|row| row["type"] == 101);
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| {
        assert_eq!(row["typename"], "GPU");
        let number = |key: &str| row[key].as_i64().expect(key);
        let sums = (number("stretches"), micros(&word(row, "seconds")), number("mibseconds"));
        (word(row, &format!("{by}id")), (word(row, by), sums.0, sums.1, sums.2))
    };
    gpus.map(row).collect()
}

/// The same as CSV says them; no name here has a comma.
fn of_csv(text: &str, by: &str) -> Sums {
    let mut lines = text.lines();
    let head = format!("type,typename,{by}id,{by},stretches,seconds,mibseconds");
    assert_eq!(lines.next(), Some(&*head));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [kind, _, id, name, stretches, seconds, memory] = fields[..] else { panic!("{line}") };
        let number = |text: &str| text.parse().expect("a number");
        let sums = (name.to_owned(), number(stretches), micros(seconds), number(memory));
        (kind == "101").then(|| (id.to_owned(), sums))
    };
    lines.filter_map(row).collect()
}

/// What the allocations say was held from one moment to another.
async fn held(world: &World, (by, names): (&str, &str), (from, to): (&str, &str)) -> Sums {
    let time = format!(
        "TIMESTAMPDIFF(MICROSECOND, GREATEST(a.allocated, '{from}'), LEAST(a.releasing, '{to}'))"
    );
    let query = format!(
        "SELECT CONCAT(a.{by}_id, '|', n.name, '|', COUNT(*), '|', SUM({time}), '|',
            ROUND(SUM(a.memory_mib * {time}) / 1000000)) AS text
         FROM gpu_allocation a JOIN {names} n ON n.id = a.{by}_id
         WHERE a.allocated < '{to}' AND a.releasing > '{from}' GROUP BY a.{by}_id, n.name"
    );
    let row = |text: String| {
        let fields: Vec<&str> = text.split('|').collect();
        let number = |n: usize| fields[n].parse().expect("a number");
        (fields[0].to_owned(), (fields[1].to_owned(), number(2), number(3), number(4)))
    };
    world.texts(&query).await.into_iter().map(row).collect()
}

/// An account held these devices of a host, `days` days from the first of March on, and an odd time more.
async fn hold(world: &World, account: &str, rack: &Rack, devices: &[usize], day: u32, days: u32) {
    let all = world.devices(rack).await;
    let picks: Vec<Pick> = devices.iter().map(|n| Pick::Device(all[*n])).collect();
    let vm = world.claim_for(account, rack, &picks).await.expect("free");
    let proofs: Vec<_> =
        devices.iter().map(|n| (all[*n], csgpu::domain::machine::Proof::Clean)).collect();
    let life = move |tx: &mut Tx<'_>| {
        gpu_claim::confirm(tx, vm)?;
        gpu_claim::begin_release(tx, vm)?;
        gpu_claim::finish_release(tx, vm, &proofs)
    };
    world.db().txn("life", life).await.expect("held and given back");
    let from = format!("'2026-03-{day:02} 07:00:00.25'");
    let to = format!("{from} + INTERVAL {days} DAY + INTERVAL 1234567 MICROSECOND");
    for text in [
        format!(
            "UPDATE gpu_allocation SET reserved = {from}, allocated = {from}, releasing = {to}, released = {to} WHERE vm_id = '{vm}'"
        ),
        format!("UPDATE usage_interval SET started = {from}, ended = {to} WHERE vm_id = '{vm}'"),
    ] {
        world.run(&text).await;
    }
}

#[actix_web::test]
async fn what_the_program_prints_is_what_the_allocations_say() {
    let mut world = World::new().await;
    world.server.rest();
    let (near, far) = (FakeShape::new("near").gpus(4), FakeShape::new("far").gpus(2));
    let far = far.model(0x10de, 0x20b5, "NVIDIA Corporation", "GA100 [A100 PCIe 80GB]");
    let (near, far) = (world.rack(near).await, world.rack(far).await);
    for name in ["joe", "eve"] {
        world.user(name).await;
    }
    hold(&world, "joe", &near, &[0, 1], 1, 3).await;
    hold(&world, "joe", &far, &[0], 2, 10).await;
    hold(&world, "eve", &near, &[1, 2, 3], 5, 1).await;
    hold(&world, "eve", &far, &[0, 1], 20, 5).await;
    seal(world.db());
    // all of it, one day in the middle, a time that cuts stretches at both ends
    for (from, to, [first, end]) in [
        ("2026-03-01", "2026-03-31", ["2026-03-01", "2026-04-01"]),
        ("2026-03-03", "2026-03-03", ["2026-03-03", "2026-03-04"]),
        (
            "2026-03-02 08:00:00",
            "2026-03-21 06:30:00",
            ["2026-03-02 08:00:00", "2026-03-21 06:30:00"],
        ),
    ] {
        for (by, names) in [("account", "account"), ("profile", "vgpu_profile"), ("host", "host")] {
            let want = held(&world, (by, names), (first, end)).await;
            let words = ["--from", from, "--to", to, "--by", by];
            let is_hers = first != "2026-03-03" || by != "account"; // eve had nothing on that day
            assert_eq!(want.len(), 1 + usize::from(is_hers), "{words:?}: {want:?}");
            let csv = of_csv(&printed(&world, &words), by);
            assert_eq!(csv, want, "{words:?}");
            let json = printed(&world, &[&words[..], &["--format", "json"]].concat());
            assert_eq!(of_json(&json, by), want, "{words:?}");
        }
    }
}

/// What is to come was not used yet, however long what is used now goes on; and no time ends before it begins.
#[actix_web::test]
async fn nothing_was_used_in_what_is_to_come() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(1)]).await;
    let size = world.size("one", 1).await;
    let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    for by in ["account", "profile", "host"] {
        let text = printed(&world, &["--from", "9000-01-01", "--to", "9000-01-31", "--by", by]);
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_csgpu"));
    command.env("CSGPU_CONFIG", "/dev/null").env("CSGPU_DATABASE_URL", &world.database.url);
    let words = ["usage", "--from", "9000-01-31", "--to", "9000-01-01"];
    let output = command.args(words).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("after its end"), "{said}");
}
