//! Jobs under leases: who lost one changes nothing any more.

use crate::world::{World, site::instance};
use csgpu::{
    domain::{Id, id},
    hypervisor::fake::FakeShape,
};
use std::time::Duration;

#[actix_web::test]
async fn a_server_that_lost_a_job_to_another_one_writes_nothing_more() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("one", 1).await;
    // the first one copies the template, so the second one writes once, at its end
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let fake = &site.racks[0].fake;
    fake.hang();
    let calls = fake.calls();
    let started = world.admin.ok("deployVirtualMachine", &site.deploy(&size)).await;
    let (job, vm) = (started["jobid"].as_str().expect("a job"), &started["id"]);
    let books = format!(
        "SELECT CONCAT_WS(' ', vm.state, a.state, j.state) AS text FROM vm JOIN gpu_allocation a ON a.vm_id = vm.id
         JOIN job j ON j.subject_id = vm.id WHERE vm.id = '{}'",
        vm.as_str().expect("an instance")
    );
    for _ in 0..200 {
        if world.texts(&books).await == ["Starting Reserved Running"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lease = |owner: Id<id::Server>, when: &str| {
        format!(
            "UPDATE job SET lease_owner = '{owner}', attempt = attempt + 1,
             lease_until = UTC_TIMESTAMP(6) {when} INTERVAL 1 HOUR WHERE id = '{job}'"
        )
    };
    let other = Id::mint();
    world.run(&lease(other, "+")).await;
    fake.resume();
    for _ in 0..200 {
        if fake.running().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(fake.running().len(), 2, "{:?}", &fake.history()[calls as usize..]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.texts(&books).await, ["Starting Reserved Running"]);
    // the same server, one claim later, is another holder: it puts back what the first one did
    world.run(&lease(other, "-")).await;
    assert_eq!(world.admin.finished(job).await["jobstatus"], 2);
    assert_eq!(fake.running().len(), 1);
    world.settle().await;
}
