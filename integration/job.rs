//! Jobs under leases: who lost one changes nothing any more.

use crate::world::{
    World,
    site::{Site, instance},
};
use csgpu::{
    domain::{Id, id},
    hypervisor::fake::FakeShape,
};
use std::time::Duration;

/// A site of two GPUs whose first instance has one: it copied the template, so the second one writes once, at its end.
async fn with_one() -> (World, Site, String) {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("one", 1).await;
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    (world, site, size)
}

#[actix_web::test]
async fn a_server_that_lost_a_job_to_another_one_writes_nothing_more() {
    let (world, site, size) = with_one().await;
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

#[actix_web::test]
async fn a_lease_that_ran_out_while_it_was_written_is_not_worked_under() {
    let (world, site, size) = with_one().await;
    let (_other, _) = world.another_server().await;
    // as when a node of a database cluster dies: the answer takes longer than the lease
    let slow = "CREATE TRIGGER slow BEFORE UPDATE ON job FOR EACH ROW
        IF OLD.state = 'Queued' AND NEW.state = 'Running' THEN DO SLEEP(2.2); END IF";
    world.run(slow).await;
    let fake = &site.racks[0].fake;
    let calls = fake.calls();
    fake.hang();
    let started = world.admin.ok("deployVirtualMachine", &site.deploy(&size)).await;
    for _ in 0..500 {
        if !world.texts("SELECT state AS text FROM vm WHERE state = 'Error'").await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fake.resume();
    let job = world.admin.finished(started["jobid"].as_str().expect("a job")).await;
    assert_eq!(job["jobstatus"], 2, "{job}");
    world.settle().await;
    let asked = &fake.history()[calls as usize..];
    assert!(!asked.contains(&"ensure_defined"), "two servers worked on it: {asked:?}");
    assert_eq!(fake.domain_ids().len(), 1);
}

#[actix_web::test]
async fn what_the_database_is_in_the_way_of_is_put_back_when_it_is_not() {
    let (world, site, size) = with_one().await;
    let away = "CREATE TRIGGER away BEFORE UPDATE ON vm FOR EACH ROW
        IF NEW.state = 'Error' THEN SIGNAL SQLSTATE 'HY000' SET MESSAGE_TEXT = 'MySQL server has gone away'; END IF";
    world.run(away).await;
    site.racks[0].fake.fail_at(1);
    let started = world.admin.ok("deployVirtualMachine", &site.deploy(&size)).await;
    let again = "SELECT id AS text FROM job WHERE state = 'Undoing' AND attempt > 1";
    for _ in 0..500 {
        if !world.texts(again).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.texts(again).await.len(), 1, "another claim goes on with it");
    assert!(world.texts("SELECT why AS text FROM host_debt").await.is_empty(), "no host owes it");
    world.run("DROP TRIGGER away").await;
    let job = world.admin.finished(started["jobid"].as_str().expect("a job")).await;
    assert_eq!(job["jobstatus"], 2, "{job}");
    assert!(!job.to_string().contains("clean-up"), "{job}");
    world.settle().await;
    assert_eq!(world.texts("SELECT state AS text FROM vm ORDER BY id").await, ["Running", "Error"]);
}

#[actix_web::test]
async fn a_job_can_be_asked_for_until_a_day_after_its_end() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("one", 1).await;
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let made = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
        jobs.push(made["jobid"].as_str().expect("a job").to_owned());
    }
    let age = |job: &str, minutes: u32| {
        format!(
            "UPDATE job SET finished = UTC_TIMESTAMP(6) - INTERVAL {minutes} MINUTE WHERE id = '{job}'"
        )
    };
    let asked = async |job: &str| {
        let answer = world.admin.call("queryAsyncJobResult", &[("jobid", job)]).await;
        (answer.status, answer.json["queryasyncjobresultresponse"]["jobstatus"].clone())
    };
    world.run(&age(&jobs[0], 1441)).await;
    world.run(&age(&jobs[1], 1439)).await;
    csgpu::jobs::expire(&world.server.wiring).await.expect("the database answers");
    assert_eq!(asked(&jobs[0]).await, (431, serde_json::Value::Null));
    assert_eq!(asked(&jobs[1]).await, (200, 1.into()));
    // what a host owes is found by its job
    let owed = format!(
        "INSERT INTO host_debt (id, host_id, kind, plan, why) VALUES ('{0}', '{0}', 'undo', '{0}', 'x')",
        jobs[1]
    );
    world.run(&owed).await;
    let words = [("name", "job.expire.minutes"), ("value", "60")];
    world.admin.ok("updateConfiguration", &words).await;
    csgpu::jobs::expire(&world.server.wiring).await.expect("the database answers");
    assert_eq!(asked(&jobs[1]).await, (200, 1.into()));
    world.run("UPDATE host_debt SET paid = UTC_TIMESTAMP(6)").await;
    csgpu::jobs::expire(&world.server.wiring).await.expect("the database answers");
    assert_eq!(asked(&jobs[1]).await.0, 431);
    world.settle().await;
}

#[actix_web::test]
async fn jobs_that_have_not_ended_are_listed_to_those_who_may_see_them() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let (size, joe, eve) =
        (world.size("one", 1).await, world.user("joe").await, world.user("eve").await);
    let fake = &site.racks[0].fake;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    fake.hang();
    let job = joe.ok("deployVirtualMachine", &words).await["jobid"].clone();
    let job = job.as_str().expect("a job");
    let listed = async |client: &crate::world::Client, more: &[(&str, &str)]| {
        let found = client.ok("listAsyncJobs", more).await;
        let rows = found["asyncjobs"].as_array().cloned().unwrap_or_default();
        rows.iter().filter(|row| row["jobid"] == job).count()
    };
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    for _ in 0..100 {
        let running = format!("SELECT state AS text FROM job WHERE id = '{job}'");
        if world.texts(&running).await == ["Running"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let server = world.server.wiring.server.to_string();
    let other = world.another_server().await.0.wiring.server.to_string();
    for (client, words, seen) in [
        (&joe, vec![], 1),
        (&eve, vec![("listall", "true")], 0),
        (&world.admin, vec![], 0),
        (&world.admin, vec![("listall", "true")], 1),
        (&world.admin, vec![("account", "joe"), ("domainid", &*root)], 1),
        (&world.admin, vec![("account", "eve"), ("domainid", &*root)], 0),
        (&world.admin, vec![("domainid", &*root), ("keyword", "deploy")], 1),
        (&world.admin, vec![("domainid", &*root), ("keyword", "destroy")], 0),
        (&joe, vec![("startdate", "2001-01-01")], 1),
        (&joe, vec![("startdate", "2999-01-01")], 0),
        (&world.admin, vec![("listall", "true"), ("managementserverid", &*server)], 1),
        (&world.admin, vec![("listall", "true"), ("managementserverid", &*other)], 0),
    ] {
        assert_eq!(listed(client, &words).await, seen, "{words:?}");
    }
    let foreign = eve.call("queryAsyncJobResult", &[("jobid", job)]).await;
    assert_eq!(foreign.status, 431, "{}", foreign.text());
    fake.resume();
    assert_eq!(joe.finished(job).await["jobstatus"], 1);
    assert_eq!(listed(&joe, &[]).await, 0);
    world.settle().await;
}

#[actix_web::test]
async fn a_destroy_that_was_done_when_its_server_died_ends_well() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(1)]).await;
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let words = [("id", vm["id"].as_str().expect("an id")), ("expunge", "true")];
    let job = world.admin.call_async("destroyVirtualMachine", &words).await;
    let job = job["jobid"].as_str().expect("a job");
    let text = format!(
        "UPDATE job SET state = 'Running', result = NULL, finished = NULL, lease_owner = '{}',
         lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR WHERE id = '{job}'",
        Id::<id::Server>::mint()
    );
    world.run(&text).await;
    let ended = world.admin.finished(job).await;
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    world.settle().await;
}
