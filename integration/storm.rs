//! A thousand deploys at the limits, from three servers at once: the allowed number win, everyone else is told which
//! limit it was, and the counts are right at every moment.

use crate::gpu_claim::join_all;
use crate::world::{
    Answer, Client, World, galera::Galera, invariants::miscounted, places::text,
    server::FreshDatabase, site::Site,
};
use csgpu::{hypervisor::fake::FakeShape, store::migrate};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// Memory of one GPU in MiB.
const MEMORY: i64 = 40_960;
/// How many ask at a time.
const AT_A_TIME: usize = 48;

/// Who asks, and what each is to be told once there is no room.
struct Party {
    /// Name, client at each server, and what a refusal may say.
    members: Vec<(&'static str, Vec<Client>, Vec<String>)>,
    /// Names of those who share a limit, and how many of their deploys win.
    wins: [(&'static [&'static str], usize); 5],
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_deploys_at_the_limits_exactly_the_allowed_number_win() {
    let world = World::new().await;
    let url = world.database.url.clone();
    play(&world, &[url.clone(), url], 1000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_three_nodes_of_a_cluster_exactly_the_allowed_number_win() {
    let cluster = Galera::start_calm("storm");
    let url = cluster.url(0, "csgpu");
    migrate::prepare(&url, true).expect("a schema");
    let world = World::on(FreshDatabase { name: "storm".to_owned(), url }).await;
    play(&world, &[cluster.url(1, "csgpu"), cluster.url(2, "csgpu")], 240).await;
}

async fn play(world: &World, urls: &[String], requests: usize) {
    let site = world.site((1..=4).map(|n| FakeShape::new(format!("h{n}")).gpus(8))).await;
    let size = world.size("one", 1).await;
    let mut servers = Vec::new();
    for url in urls {
        servers.push(world.server_at(url).await.0);
    }
    let party = gather(world, &servers.iter().map(|it| it.address).collect::<Vec<_>>()).await;
    let watch = Watch::begin(&world.database.url);
    let begun = Instant::now();
    let answers = storm(&site, &size, &party, requests).await;
    let took = begun.elapsed();
    world.settle().await;
    judge(world, &party, &answers).await;
    remove_everything(world).await;
    let (looks, wrong) = watch.end();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(looks > 20, "the counts were compared {looks} times only");
    let rest = "SELECT CONCAT(owner_id, ' ', kind, ' ', used) AS text FROM resource_count
        WHERE used <> 0 AND kind IN (0, 2, 8, 9, 10, 16, 116)";
    assert_eq!(world.texts(rest).await, Vec::<String>::new());
    eprintln!("{requests} deploys in {took:.1?}, the counts were compared {looks} times");
}

/// Sets a limit of an account, or of a domain.
async fn limit(world: &World, account: Option<&str>, domain: &str, kind: &str, max: String) {
    let mut words = vec![("domainid", domain), ("resourcetype", kind), ("max", &max)];
    words.extend(account.map(|name| ("account", name)));
    world.admin.ok("updateResourceLimit", &words).await;
}

/// Accounts whose own limits bind, and domains that share one.
async fn gather(world: &World, others: &[std::net::SocketAddr]) -> Party {
    let profiles = "SELECT DISTINCT profile_id AS text FROM gpu_device";
    let (profile, memory) = (world.texts(profiles).await[0].clone(), MEMORY.to_string());
    let words = [("id", profile.as_str()), ("videoram", &memory)];
    world.admin.ok("updateVgpuProfile", &words).await;
    let domain = async |name: &str, above: Option<&str>| {
        let mut words = vec![("name", name)];
        words.extend(above.map(|above| ("parentdomainid", above)));
        text(&world.admin.ok("createDomain", &words).await["domain"]["id"])
    };
    let above = domain("above", None).await;
    let one = domain("one", Some(&above)).await;
    let shared = domain("shared", None).await;
    let (left, right) = (domain("left", Some(&shared)).await, domain("right", Some(&shared)).await);
    let rooms = domain("rooms", None).await;
    let room = domain("room", Some(&rooms)).await;
    let own = |kind: &str, name: &str, max: i64, one_more: i64| {
        vec![format!(
            "Maximum amount of resources of Type = '{kind}' for Account Name = '{name}' in Domain Id = '{one}' is \
             exceeded: Account Resource Limit = {max}, Current Account Resource Amount = {max}, Current Account \
             Resource Reservation = 0, Requested Resource Amount = {one_more}."
        )]
    };
    // a domain has the limit of the one above it too, and is named first
    let of_domains = |kind: &str, domains: [&str; 2], max: usize| {
        let words = domains.map(|domain| {
            format!(
                "Maximum domain resource limits of Type '{kind}' for Domain Id = {domain} is exceeded: Domain Resource \
                 Limit = {max}, Current Domain Resource Amount = {max}, Current Resource Reservation = 0, Requested \
                 Resource Amount = 1."
            )
        });
        words.to_vec()
    };
    let mut members = Vec::new();
    for (name, home, words) in [
        ("ann", &one, own("gpu", "ann", 5, 1)),
        ("bob", &one, own("gpu_memory", "bob", 4 * MEMORY, MEMORY)),
        ("cat", &one, own("user_vm", "cat", 3, 1)),
        ("dan", &left, of_domains("gpu", [&left, &shared], 6)),
        ("eve", &right, of_domains("gpu", [&right, &shared], 6)),
        ("fay", &room, of_domains("user_vm", [&room, &rooms], 4)),
    ] {
        let client = world.member(name, "0", Some(home)).await;
        let mut clients = vec![client.clone()];
        clients.extend(others.iter().map(|address| client.at(*address)));
        members.push((name, clients, words));
    }
    limit(world, Some("ann"), &one, "16", 5.to_string()).await;
    limit(world, Some("bob"), &one, "116", (4 * MEMORY).to_string()).await;
    limit(world, Some("cat"), &one, "0", 3.to_string()).await;
    limit(world, None, &shared, "16", 6.to_string()).await;
    limit(world, None, &rooms, "0", 4.to_string()).await;
    let wins: [(&[&str], usize); 5] =
        [(&["ann"], 5), (&["bob"], 4), (&["cat"], 3), (&["dan", "eve"], 6), (&["fay"], 4)];
    Party { members, wins }
}

/// Everyone asks everyone's server, so many at a time; who asked, and what was answered.
async fn storm(
    site: &Site,
    size: &str,
    party: &Party,
    requests: usize,
) -> Vec<(&'static str, Option<Answer>)> {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    let next = AtomicUsize::new(0);
    let ask = async || {
        let mut answers = Vec::new();
        loop {
            let n = next.fetch_add(1, Relaxed);
            if n >= requests {
                return answers;
            }
            let (name, clients, _) = &party.members[n % party.members.len()];
            let client = &clients[n / party.members.len() % clients.len()];
            answers.push((*name, patiently(client, &words).await));
        }
    };
    join_all((0..AT_A_TIME).map(|_| ask())).await.into_iter().flatten().collect()
}

/// A client tries again when it is told to; without an answer it knows nothing.
async fn patiently(client: &Client, words: &[(&str, &str)]) -> Option<Answer> {
    for _ in 0..50 {
        let answer = client.try_call("deployVirtualMachine", words).await.ok()?;
        if answer.status != 503 && !answer.error().ends_with("try again") {
            return Some(answer);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}

/// In the books are exactly as many as may be, and those who were refused were told why.
async fn judge(world: &World, party: &Party, answers: &[(&'static str, Option<Answer>)]) {
    let rows = "SELECT a.name AS text FROM vm JOIN account a ON a.id = vm.account_id WHERE vm.state = 'Running'";
    let books = world.texts(rows).await;
    let mut won: BTreeMap<&str, usize> = BTreeMap::new();
    let unheard = answers.iter().filter(|(_, answer)| answer.is_none()).count();
    for (name, answer) in answers {
        let Some(answer) = answer else { continue };
        if answer.status == 200 {
            *won.entry(name).or_default() += 1;
            continue;
        }
        assert_eq!(answer.status, 535, "{name}: {}", answer.text());
        let member = party.members.iter().find(|member| member.0 == *name).expect("a member");
        assert!(member.2.iter().any(|words| words == answer.error()), "{}", answer.text());
    }
    for (names, allowed) in party.wins {
        let found: usize = names.iter().filter_map(|name| won.get(name)).sum();
        assert!(found == allowed || (found < allowed && unheard > 0), "{names:?} of {won:?}");
        let there = books.iter().filter(|name| names.contains(&name.as_str())).count();
        assert_eq!(there, allowed, "{names:?} of {books:?}");
    }
}

async fn remove_everything(world: &World) {
    let words = [("listall", "true"), ("pagesize", "100"), ("page", "1")];
    let all = world.admin.ok("listVirtualMachines", &words).await;
    let all: Vec<String> = all["virtualmachine"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|vm| {
            assert_eq!(vm["state"], "Running", "{vm}");
            text(&vm["id"])
        })
        .collect();
    let gone = all.iter().map(async |id| {
        let words = [("id", id.as_str()), ("expunge", "true")];
        let job = world.admin.call_async("destroyVirtualMachine", &words).await;
        assert_eq!(job["jobstatus"], 1, "{job}");
    });
    join_all(gone).await;
    world.settle().await;
}

/// Compares the counts with a recount, all the time.
struct Watch {
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<(usize, Vec<String>)>,
}

impl Watch {
    fn begin(url: &str) -> Self {
        let mut conn = migrate::connect(url).expect("the database answers");
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let (mut looks, mut wrong) = (0, Vec::new());
            while !over.load(Relaxed) && wrong.is_empty() {
                wrong.extend(miscounted(&mut conn).expect("the database answers"));
                looks += 1;
                thread::park_timeout(Duration::from_millis(2));
            }
            (looks, wrong)
        });
        Self { is_over, thread }
    }

    fn end(self) -> (usize, Vec<String>) {
        self.is_over.store(true, Relaxed);
        self.thread.join().expect("the watcher")
    }
}
