//! Random histories: many clients against several servers on one database, while hosts, servers and the database
//! fail; and a judge that decides about what was recorded.
//!
//! A seed determines what each client and the troubles do; `CSGPU_HISTORY_SEED` sets it, `CSGPU_HISTORY_OPERATIONS`
//! the length of the run (`scripts/soak`). The record of the last run is in `target/tmp/history-*.jsonl`.

mod actor;
mod arena;
mod books;
mod database;
mod judge;
mod ledger;
mod record;
mod trouble;
mod warden;

use crate::{
    gpu_claim::join_all,
    world::{galera::Galera, invariants, private::Private, server::env},
};
use actor::Actor;
use arena::{Arena, Fleet};
use database::Database;
use record::{Entry, Op, Outcome};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};
use trouble::Troubles;

/// How a history is made.
struct Plan {
    name: &'static str,
    database: Database,
    fleet: Fleet,
    servers: usize,
    clients: usize,
    operations: u64,
}

fn number(name: &str) -> Option<u64> {
    env(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// As many as asked, or a few.
fn operations() -> u64 {
    number("CSGPU_HISTORY_OPERATIONS").unwrap_or(2_000)
}

/// The seed of this run: a new one each time, unless it was given.
fn seed() -> u64 {
    number("CSGPU_HISTORY_SEED").unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn whatever_happens_to_three_servers_no_gpu_has_two_owners() {
    let database = Database::One(Private::start("history-servers"));
    let (fleet, operations) = (Fleet::Fake, operations());
    play(Plan { name: "servers", database, fleet, servers: 3, clients: 24, operations }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn whatever_happens_to_a_database_cluster_no_gpu_has_two_owners() {
    let database = Database::Cluster(Galera::start("history-cluster"));
    let (fleet, operations) = (Fleet::Fake, operations() / 10);
    play(Plan { name: "cluster", database, fleet, servers: 3, clients: 24, operations }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_on_libvirts_test_driver_no_gpu_has_two_owners() {
    let database = Database::One(Private::start("history-driver"));
    let (fleet, operations) = (Fleet::TestDriver, operations() / 50);
    play(Plan { name: "driver", database, fleet, servers: 1, clients: 6, operations }).await;
}

/// Says what the database was doing when a history failed.
struct LastWords<'a>(&'a Arena);

impl Drop for LastWords<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let database = AssertUnwindSafe(&self.0.database);
            let said = catch_unwind(|| (database.doings(), database.differences()));
            eprintln!("the database: {:#?}", said.unwrap_or_default());
        }
    }
}

/// Plays a history and judges it.
async fn play(plan: Plan) {
    let seed = seed();
    eprintln!("history {}: CSGPU_HISTORY_SEED={seed}", plan.name);
    let arena = Arena::new(plan.database, plan.fleet, plan.servers).await;
    let _said = LastWords(&arena);
    let begun = Instant::now();
    let (history, troubles, tended, seen) = act(&arena, plan.clients, plan.operations, seed).await;
    let took = begun.elapsed().as_secs_f64();
    let mut wrong = seen;
    wrong.extend(judge::judge(&history, &troubles.halts));
    wrong.extend(arena.fakes.violations());
    wrong.extend(books::check(&arena));
    summary(&arena, &history, &troubles, took);
    eprintln!("{tended:?}");
    let file = format!("{}/history-{}.jsonl", env!("CARGO_TARGET_TMPDIR"), plan.name);
    record::write(&history, Path::new(&file)).expect("a file");
    if !wrong.is_empty() {
        wrong.truncate(40);
        panic!("seed {seed}, recorded in {file}: {wrong:#?}");
    }
    if plan.operations >= LONG && plan.fleet == Fleet::Fake {
        let missing = absent(&history, &troubles, &tended);
        assert!(missing.is_empty(), "seed {seed}: never happened: {missing:?}");
    }
    remove_everything(&arena).await;
}

/// From so many operations on everything must have happened.
const LONG: u64 = 50_000;

/// What a history shall be made of and did not happen in this one.
fn absent(
    history: &[Entry],
    troubles: &Troubles,
    tended: &BTreeMap<&'static str, usize>,
) -> Vec<String> {
    let is_done = |op: &Op| {
        history
            .iter()
            .any(|it| it.op == *op && matches!(it.outcome, Outcome::Done | Outcome::Seen(..)))
    };
    let ops = Op::ALL.iter().filter(|op| !is_done(op)).map(|op| format!("{op:?}"));
    let bad = trouble::KINDS.iter().filter(|kind| !troubles.counts.contains_key(**kind));
    let tended = warden::COMMANDS.iter().filter(|command| !tended.contains_key(**command));
    let mut missing: Vec<String> = ops.collect();
    missing.extend(bad.chain(tended).map(|name| (*name).to_owned()));
    if troubles.lies.values().all(|(_, seen)| *seen == 0) {
        missing.push("a look that was wrong and looked at".to_owned());
    }
    missing
}

/// Clients and troubles side by side, then peace; what was done, and what was seen to be wrong meanwhile.
async fn act(
    arena: &Arena,
    clients: usize,
    operations: u64,
    seed: u64,
) -> (Vec<Entry>, Troubles, BTreeMap<&'static str, usize>, Vec<String>) {
    let clients = (0..clients).map(|number| Actor::new(arena, number, seed));
    let work = join_all(clients.map(|actor| actor.work(operations)));
    let trouble = trouble::make(arena, seed, operations);
    let watch = watch(arena, operations);
    let tend = warden::tend(arena, seed, operations);
    let (mut actors, troubles, seen, tended) = tokio::join!(work, trouble, watch, tend);
    let differences = tokio::task::block_in_place(|| arena.database.differences());
    assert!(differences.is_empty(), "the nodes of the database differ: {differences:#?}");
    for actor in &mut actors {
        actor.rest().await;
    }
    invariants::settle(&arena.database.url(0), Duration::from_secs(60)).await;
    let mut history = Vec::new();
    for actor in actors {
        history.extend(actor.report().await);
    }
    (history, troubles, tended, seen)
}

/// No limit of GPUs is changed in a history, so nobody is ever above it.
const LIMIT: &[(&str, &str)] = &[(
    "an account has more GPUs than it may",
    "SELECT CONCAT(owner_id, ' has ', used, ' of ', max) AS what FROM resource_count
     WHERE kind = 16 AND max >= 0 AND used > max",
)];

/// Looks at the books all the time: what must hold at every moment is asked for at many.
async fn watch(arena: &Arena, operations: u64) -> Vec<String> {
    let url = arena.database.url(0);
    let mut wrong = Vec::new();
    while arena.done.load(Relaxed) < operations {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let found = tokio::task::block_in_place(|| invariants::broken_now(&url, LIMIT));
        // the database is killed now and then
        wrong.extend(found.unwrap_or_default());
    }
    wrong
}

/// The administrator removes every instance: then no GPU is held and no domain is left.
async fn remove_everything(arena: &Arena) {
    let admin = arena.admin.at(arena.addresses()[0]);
    let words = [("listall", "true"), ("pagesize", "500"), ("page", "1")];
    let all = actor::seen(&admin, "listVirtualMachines", &words).await;
    for vm in all["virtualmachine"].as_array().into_iter().flatten() {
        let id = vm["id"].as_str().expect("an id");
        let words = [("id", id), ("expunge", "true")];
        let job = admin.call_async("destroyVirtualMachine", &words).await;
        assert_eq!(job["jobstatus"], 1, "{vm}: {job}");
    }
    invariants::settle(&arena.database.url(0), Duration::from_secs(60)).await;
    let held: Vec<_> =
        books::holdings(arena).into_iter().filter(|row| row.released.is_none()).collect();
    assert!(held.is_empty(), "still held: {held:#?}");
    books::check_usage(arena);
    for host in arena.fakes.hosts() {
        let left = host.domain_ids();
        let left: Vec<String> = left.iter().map(|id| books::story(arena, &host, *id)).collect();
        assert!(left.is_empty(), "domains are left on {}: {left:#?}", host.name());
    }
}

/// What happened, in numbers.
fn summary(arena: &Arena, history: &[Entry], troubles: &Troubles, took: f64) {
    let done = arena.done.load(Relaxed);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in history {
        let word = match &entry.outcome {
            Outcome::Done => "done",
            Outcome::Seen(..) => "seen",
            Outcome::Failed(_) => "failed",
            Outcome::Refused(_) => "refused",
            Outcome::Lost(_) => "lost",
        };
        *counts.entry(format!("{:?} {word}", entry.op)).or_default() += 1;
    }
    let Troubles { counts: bad, lies, .. } = troubles;
    eprintln!(
        "{done} operations in {took:.0} s: {counts:?}, {bad:?}, shown wrongly and looked at: {lies:?}"
    );
}
