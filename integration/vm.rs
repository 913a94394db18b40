//! Instances: their life, what is refused, who sees them.

use crate::world::{World, client::Answer, site::instance};
use csgpu::hypervisor::fake::FakeShape;

#[actix_web::test]
async fn an_instance_lives_and_leaves_nothing_behind() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    let mut words = site.deploy(&size);
    words.extend([("name", "web"), ("displayname", "<b>The & Web</b>")]);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    assert_eq!((vm["state"].as_str(), vm["gpucount"].as_i64()), (Some("Running"), Some(2)));
    assert_eq!(vm["vgpu"], "passthrough");
    assert_eq!(vm["nic"][0]["networkname"], "inside");
    assert_eq!(world.held().await, "Allocated Allocated");
    let id = vm["id"].as_str().unwrap();
    let fake = &site.racks[0].fake;
    assert_eq!(fake.domain_ids().len(), 1);

    let stopped = instance(&world.admin.call_async("stopVirtualMachine", &[("id", id)]).await);
    assert_eq!(stopped["state"], "Stopped");
    assert!(stopped.get("hostid").is_none(), "{stopped}");
    assert_eq!(world.held().await, "Allocated Allocated");
    let started = instance(&world.admin.call_async("startVirtualMachine", &[("id", id)]).await);
    assert_eq!(started["state"], "Running");

    let words = [("id", id), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
    assert_eq!(world.held().await, "");
    assert_eq!(fake.domain_ids().len(), 0);
    assert_eq!(fake.proven().len(), 2);
    let gone = world.admin.ok("listVirtualMachines", &[("id", id)]).await;
    assert_eq!(gone, serde_json::json!({}), "as recorded: known, and in no list");
    let gone = world.admin.call("startVirtualMachine", &[("id", id)]).await;
    assert_eq!(gone.status, 431, "{}", gone.text());
    world.settle().await;
}

#[actix_web::test]
async fn eight_deploys_at_once_for_four_pairs_give_exactly_four() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4), FakeShape::new("h2").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    let words = site.deploy(&size);
    let calls: Vec<_> = (0..8).map(|_| world.admin.call("deployVirtualMachine", &words)).collect();
    let answers = futures(calls).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (4, 4), "{:?}", lost.first().map(|a| a.text()));
    for answer in &lost {
        assert_eq!((answer.status, answer.inner()["cserrorcode"].as_i64()), (533, Some(4335)));
        assert!(answer.error().contains("2 hosts: 2 too few free GPUs"), "{}", answer.error());
    }
    for answer in &won {
        let job = world.admin.finished(answer.inner()["jobid"].as_str().unwrap()).await;
        assert_eq!(instance(&job)["state"], "Running");
    }
    assert_eq!(world.held().await.split(' ').count(), 8);
    world.settle().await;
}

#[actix_web::test]
async fn a_user_learns_what_would_fit_and_an_administrator_why_not() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("three", 3).await;
    let user = world.user("joe").await;
    let mut words = site.deploy(&size);
    words[3].1 = &site.bridge;
    let refused = user.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 533);
    let text = "no host can give 3 x NVIDIA A100 SXM4 80GB passthrough, 2 CPUs of 1000 MHz and 512 MiB of memory now; what would fit: 2 x NVIDIA A100 SXM4 80GB passthrough";
    assert_eq!(refused.error(), text);
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    assert!(refused.error().contains("1 host: 1 too few GPUs"), "{}", refused.error());
    assert_eq!(world.held().await, "");
    assert_eq!(world.texts("SELECT id AS text FROM vm").await.len(), 0);
}

#[actix_web::test]
async fn another_accounts_instance_is_unknown() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("one", 1).await;
    let made = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    let vm = instance(&made);
    let id = vm["id"].as_str().unwrap();
    let user = world.user("eve").await;
    for command in [
        "listVirtualMachines",
        "startVirtualMachine",
        "stopVirtualMachine",
        "rebootVirtualMachine",
        "destroyVirtualMachine",
        "expungeVirtualMachine",
        "recoverVirtualMachine",
        "updateVirtualMachine",
    ] {
        let answer = user.call(command, &[("id", id)]).await;
        assert_eq!(answer.status, 431, "{command}");
        let words = format!(
            "Invalid parameter id value={id} due to incorrect long value format, or entity does not exist"
        );
        assert!(answer.error().contains(&words), "{command}: {}", answer.error());
    }
    let answer = user.call("getVirtualMachineUserData", &[("virtualmachineid", id)]).await;
    assert_eq!(answer.status, 431);
    assert_eq!(user.ok("listVirtualMachines", &[("listall", "true")]).await, serde_json::json!({}));
    assert_eq!(user.ok("listVolumes", &[("listall", "true")]).await, serde_json::json!({}));
    // the network is the administrator's own
    assert_eq!(user.call("deployVirtualMachine", &site.deploy(&size)).await.status, 431);
    // a user's own instance shows no host
    let mut words = site.deploy(&size);
    words[3].1 = &site.bridge;
    let own = instance(&user.call_async("deployVirtualMachine", &words).await);
    for hidden in ["hostid", "hostname", "instancename", "gpucardid", "vgpuprofileid"] {
        assert!(own.get(hidden).is_none(), "{hidden}: {own}");
    }
    assert_eq!(own["gpucardname"], "NVIDIA A100 SXM4 80GB");
    assert_eq!(user.ok("listVirtualMachines", &[]).await["count"], 1);
    world.settle().await;
}

#[actix_web::test]
async fn a_reboot_changes_no_allocation() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let size = world.size("pair", 2).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let query =
        "SELECT CONCAT(id, device_id, state, allocated) AS text FROM gpu_allocation ORDER BY id";
    let before = world.texts(query).await;
    let id = [("id", vm["id"].as_str().unwrap())];
    instance(&world.admin.call_async("rebootVirtualMachine", &id).await);
    world.admin.ok("listVirtualMachines", &id).await;
    assert_eq!(world.texts(query).await, before);
    assert!(site.racks[0].fake.history().contains(&"reboot"));
    instance(&world.admin.call_async("stopVirtualMachine", &[id[0], ("forced", "true")]).await);
    let refused = world.admin.call("rebootVirtualMachine", &id).await;
    assert_eq!(refused.status, 530, "{}", refused.text());
}

#[actix_web::test]
async fn a_device_in_doubt_is_kept_from_everyone() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(1)]).await;
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let fake = &site.racks[0].fake;
    fake.doubt(fake.addresses()[0], Some("does not come back from reset"));
    let words = [("id", vm["id"].as_str().unwrap()), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
    let health = world.texts("SELECT health AS text FROM gpu_device").await;
    assert_eq!(health, ["Quarantined"]);
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&size)).await;
    assert_eq!(refused.status, 533);
    assert!(refused.error().contains("GPUs in error: Quarantined"), "{}", refused.error());
    world.settle().await;
}

#[actix_web::test]
async fn a_failed_deploy_gives_everything_back() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("pair", 2).await;
    let fake = &site.racks[0].fake;
    for n in 1..=8 {
        fake.fail_at(n);
        let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
        fake.heal();
        if job["jobstatus"] == 1 {
            assert!(n > 6, "the deploy makes more calls than {n}");
            break;
        }
        let vm = job["jobinstanceid"].as_str().unwrap();
        let listed = world.admin.ok("listVirtualMachines", &[("id", vm)]).await;
        assert_eq!(listed["virtualmachine"][0]["state"], "Error", "call {n}");
        assert_eq!(world.held().await, "", "call {n}");
        assert!(fake.domain_ids().is_empty() && fake.running().is_empty(), "call {n}");
        let own = fake.volumes().iter().filter(|v| v.volume != site.template).count();
        assert_eq!(own, 0, "call {n}: {:?}", fake.volumes());
        let words = [("id", vm), ("expunge", "true")];
        instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
        world.settle().await;
    }
}

#[actix_web::test]
async fn a_host_lost_while_undoing_owes_and_its_devices_stay_held() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("pair", 2).await;
    let fake = &site.racks[0].fake;
    fake.down("cable pulled");
    let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    assert_eq!((job["jobstatus"].as_i64(), job["jobresultcode"].as_i64()), (Some(2), Some(534)));
    assert_eq!(world.held().await, "Releasing Releasing");
    let vm = job["jobinstanceid"].as_str().unwrap();
    let refused = world.admin.call("destroyVirtualMachine", &[("id", vm)]).await;
    assert_eq!(refused.status, 534, "{}", refused.text());
    assert_eq!(world.admin.call("deployVirtualMachine", &site.deploy(&size)).await.status, 533);
    fake.heal();
    fake.up();
    // both servers see that it is back; one of them cleans up, once
    let (other, _) = world.another_server().await;
    let proven = fake.proven().len();
    for server in [&world.server, &other] {
        csgpu::jobs::call_in(&server.wiring, site.racks[0].id).await.unwrap();
    }
    world.settle().await;
    assert_eq!(world.held().await, "");
    assert_eq!(fake.proven().len() - proven, 2, "each device is proven once");
    let which = [("jobid", job["jobid"].as_str().unwrap())];
    let after = world.admin.ok("queryAsyncJobResult", &which).await;
    assert_eq!(after["jobresult"], job["jobresult"], "what the job said stays said");
    world.admin.call_async("destroyVirtualMachine", &[("id", vm), ("expunge", "true")]).await;
    world.settle().await;
}

#[actix_web::test]
async fn a_stop_gives_devices_back_where_the_setting_says_so() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("pair", 2).await;
    let first =
        instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let first = [("id", first["id"].as_str().unwrap())];
    instance(&world.admin.call_async("stopVirtualMachine", &first).await);
    assert_eq!(world.held().await, "");
    assert_eq!(site.racks[0].fake.proven().len(), 2);
    let other =
        instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let refused = world.admin.call("startVirtualMachine", &first).await;
    assert_eq!(refused.status, 533);
    assert!(refused.error().contains("too few free GPUs"), "{}", refused.error());
    let other = [("id", other["id"].as_str().unwrap()), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &other).await);
    let again = instance(&world.admin.call_async("startVirtualMachine", &first).await);
    assert_eq!((again["state"].as_str(), again["gpucount"].as_i64()), (Some("Running"), Some(2)));
    world.settle().await;
}

#[actix_web::test]
async fn a_job_whose_end_was_not_saved_is_taken_up_by_the_same_server() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("pair", 2).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let words = [("id", vm["id"].as_str().unwrap())];
    let job = world.admin.call_async("stopVirtualMachine", &words).await;
    let job = job["jobid"].as_str().unwrap();
    // what stays when the database goes away during the last commit: a lease of a server that lives
    let server = world.server.wiring.server;
    world
        .run(&format!(
            "UPDATE job SET state = 'Running', result = NULL, finished = NULL, lease_owner = '{server}',
                lease_until = UTC_TIMESTAMP(6) + INTERVAL 1 SECOND WHERE id = '{job}'"
        ))
        .await;
    let ended = world.admin.finished(job).await;
    assert_eq!(instance(&ended)["state"], "Stopped");
    world.settle().await;
}

#[actix_web::test]
async fn a_server_that_dies_in_a_deploy_is_cleaned_up_after() {
    let mut world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("pair", 2).await;
    let fake = &site.racks[0].fake;
    for n in 1..=8 {
        fake.hang_after(n);
        let started = world.admin.ok("deployVirtualMachine", &site.deploy(&size)).await;
        let (job, vm) = (started["jobid"].as_str().unwrap(), started["id"].as_str().unwrap());
        let (job, vm) = (job.to_owned(), vm.to_owned());
        for _ in 0..200 {
            if fake.is_hung() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let hung = fake.is_hung();
        world.restart_with(|_| {}).await;
        fake.heal();
        let ended = world.admin.finished(&job).await;
        let states = world.texts(&format!("SELECT state AS text FROM vm WHERE id = '{vm}'")).await;
        if hung {
            assert_eq!(
                (ended["jobstatus"].as_i64(), states[0].as_str()),
                (Some(2), "Error"),
                "{n}"
            );
            assert_eq!(world.held().await, "", "call {n}");
            assert!(fake.running().is_empty(), "call {n}");
        }
        let words = [("id", vm.as_str()), ("expunge", "true")];
        instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
        world.settle().await;
    }
}

/// All of these at once.
pub(crate) async fn futures<F: Future<Output = Answer>>(calls: Vec<F>) -> Vec<Answer> {
    let mut calls: Vec<_> = calls.into_iter().map(Box::pin).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|cx| {
        calls.retain_mut(|call| match call.as_mut().poll(cx) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if calls.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    answers
}
