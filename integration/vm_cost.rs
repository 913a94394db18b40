//! What instances cost: statements of a deploy and of a list, whatever the size.

use crate::world::{
    Client, World,
    many::{self, Owner},
    site::{Site, instance},
};
use csgpu::{hypervisor::fake::FakeShape, store::migrate};
use diesel::connection::SimpleConnection;
use serde_json::Value;

#[actix_web::test]
async fn a_deploy_takes_twenty_statements_at_most() {
    let world = World::new().await;
    let site = world.site((1..=4).map(|n| FakeShape::new(format!("h{n}")).gpus(8))).await;
    let key = world.admin.ok("createSSHKeyPair", &[("name", "k")]).await;
    assert!(key["keypair"]["privatekey"].as_str().unwrap().contains("OPENSSH PRIVATE KEY"));
    let size = world.size("pair", 2).await;
    let (mut quiet, client) = world.another_server().await;
    quiet.rest();
    let mut words = site.deploy(&size);
    let mut cost = Vec::new();
    for _ in 0..2 {
        let before = quiet.wiring.db.statements();
        let answer = client.call("deployVirtualMachine", &words).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        cost.push(quiet.wiring.db.statements() - before);
        words.extend([
            ("keypair", "k"),
            ("userdata", "I2Nsb3VkLWNvbmZpZw=="),
            ("details[0].a", "b"),
        ]);
    }
    eprintln!("statements of an admission: {cost:?}");
    assert!(cost.iter().all(|cost| *cost <= 20), "{cost:?}");
    world.settle().await;
}

#[actix_web::test]
async fn a_page_of_instances_takes_the_same_few_statements_whatever_its_size() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let size = world.size("one", 1).await;
    let list = [("listall", "true"), ("userdata", "true"), ("page", "1"), ("pagesize", "500")];
    let (mut quiet, client) = world.another_server().await;
    quiet.rest();
    let mut costs = Vec::new();
    for _ in 0..3 {
        instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
        let before = quiet.wiring.db.statements();
        let listed = client.ok("listVirtualMachines", &list).await;
        costs.push(quiet.wiring.db.statements() - before);
        assert_eq!(listed["count"].as_u64(), Some(costs.len() as u64));
    }
    assert!(costs[0] <= 8 && costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

/// Who lists: a root admin, an admin of a domain, a user there, and another one as a member of the user's project.
struct Callers {
    boss: Client,
    joe: Client,
    eve: Client,
    project: String,
}

impl Callers {
    async fn new(world: &World) -> Self {
        let domain = world.domain("d", None).await;
        let boss = world.member("boss", "2", Some(&domain)).await;
        let joe = world.member("joe", "0", Some(&domain)).await;
        let eve = world.member("eve", "0", Some(&domain)).await;
        let made = joe.call_async("createProject", &[("name", "p")]).await;
        let project = made["jobresult"]["project"]["id"].as_str().expect("a project").to_owned();
        let add = [("projectid", &*project), ("account", "eve")];
        assert_eq!(joe.call_async("addAccountToProject", &add).await["jobstatus"], 1);
        Self { boss, joe, eve, project }
    }

    /// joe's account and that of the project.
    async fn owners(&self, world: &World) -> Vec<Owner> {
        let query = "SELECT CONCAT_WS(' ', a.id, a.domain_id, u.id) AS text FROM account a JOIN user u ON u.username = 'joe' \
            WHERE a.name = 'joe' OR a.is_project = 1 ORDER BY a.is_project";
        let owner = |text: &String| {
            let mut words = text.split(' ').map(str::to_owned);
            let mut word = || words.next().expect("three words");
            Owner { account: word(), domain: word(), user: word() }
        };
        world.texts(query).await.iter().map(owner).collect()
    }
}

/// Who asks, with which words, and how many there are.
type Case<'a> = (&'a str, Client, &'a [(&'a str, &'a str)], u64);

/// An instance with all that an answer may hold.
async fn model(world: &World, site: &Site) -> String {
    let size = world.size("one", 1).await;
    let mut words = site.deploy(&size);
    words.extend([("userdata", "I2Nsb3VkLWNvbmZpZw=="), ("details[0].a", "b")]);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    vm["id"].as_str().expect("an id").to_owned()
}

#[actix_web::test]
async fn a_page_of_500_takes_eight_statements_at_most_and_the_scope_one_of_them() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(1)]).await;
    let callers = Callers::new(&world).await;
    let owners = callers.owners(&world).await;
    assert_eq!(owners.len(), 2);
    let model = model(&world, &site).await;
    let mut conn = migrate::connect(&world.database.url).expect("the database");
    many::instances(&mut conn, &model, &owners, 1300);
    let group = "INSERT INTO affinity_group (id, account_id, domain_id, name, kind) \
            SELECT '0192f000-000a-7000-8000-000000000000', account_id, domain_id, 'g', 'host affinity' FROM vm WHERE name = 'many-0'; \
        INSERT INTO affinity_member (vm_id, group_id) \
            SELECT id, '0192f000-000a-7000-8000-000000000000' FROM vm WHERE name LIKE 'many-%'; \
        INSERT INTO tag (id, kind, resource_id, account_id, domain_id, name, value) \
            SELECT CONCAT('0192f000-000b', SUBSTRING(id, 14)), 'UserVm', id, account_id, domain_id, 'a', 'b' FROM vm \
            WHERE name LIKE 'many-%'";
    conn.batch_execute(group).expect("a group");
    let (mut quiet, admin) = world.another_server().await;
    quiet.rest();
    let mine = callers.project.as_str();
    let cases: [Case<'_>; 7] = [
        ("root admin", admin, &[("listall", "true")], 651),
        ("domain admin", callers.boss.at(quiet.address), &[("listall", "true")], 650),
        (
            "domain admin with projects",
            callers.boss.at(quiet.address),
            &[("listall", "true"), ("projectid", "-1")],
            1300,
        ),
        ("user", callers.joe.at(quiet.address), &[], 650),
        (
            "user with projects",
            callers.joe.at(quiet.address),
            &[("listall", "true"), ("projectid", "-1")],
            1300,
        ),
        ("project member", callers.eve.at(quiet.address), &[("projectid", "-1")], 650),
        ("project member by id", callers.eve.at(quiet.address), &[("projectid", mine)], 650),
    ];
    let mut bare = 0;
    for (who, client, words, count) in cases {
        let page = [("userdata", "true"), ("page", "1"), ("pagesize", "500")];
        let words = [&page[..], words].concat();
        client.ok("listVirtualMachines", &words).await; // the role's rules are read once
        let before = quiet.wiring.db.statements();
        let listed = client.ok("listVirtualMachines", &words).await;
        let cost = quiet.wiring.db.statements() - before;
        assert_eq!(listed["count"].as_u64(), Some(count), "{who}");
        let rows = listed["virtualmachine"].as_array().expect("rows");
        assert_eq!(rows.len(), 500, "{who}");
        let is_whole = |row: &Value| {
            let has = |part: &str| !row[part].as_array().expect(part).is_empty();
            has("nic")
                && has("affinitygroup")
                && row["details"]["a"] == "b"
                && row["gpucount"] == 1
                && row["userdata"].is_string()
        };
        assert!(rows[1..].iter().all(is_whole), "{who}: {}", rows[1]);
        // the root admin's list of everything has no scope to work out
        bare = if bare == 0 { cost } else { bare };
        eprintln!("statements of a page of 500, {who}: {cost}");
        assert!(cost <= 8 && cost <= bare + 1, "{who}: {cost}, without a scope {bare}");
    }
    conn.batch_execute(
        "DELETE FROM vm WHERE name LIKE 'many-%'; DELETE FROM tag; DELETE FROM nic WHERE mac LIKE '0a:%'",
    )
    .expect("gone");
}
