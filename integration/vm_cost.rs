//! What instances cost: statements of a deploy and of a list, whatever the size.

use crate::world::{World, site::instance};
use csgpu::hypervisor::fake::FakeShape;

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
