//! Every job of an instance, cut at every host call: a call that fails, an answer that is lost, a server that is killed
//! right after a call. Whatever happens, nothing is held twice, nothing leaks, every job ends.

use crate::world::{
    World,
    cloud::{Cloud, state},
};
use csgpu::hypervisor::fake::FakeShape;

/// Where an instance is before its job.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    Running,
    Stopped,
    Destroyed,
}

/// A job of an instance: command, where it starts, more parameters.
type Job = (&'static str, Before, &'static [(&'static str, &'static str)]);

const JOBS: &[Job] = &[
    ("deployVirtualMachine", Before::Nothing, &[]),
    ("startVirtualMachine", Before::Stopped, &[]),
    ("stopVirtualMachine", Before::Running, &[]),
    ("stopVirtualMachine", Before::Running, &[("forced", "true")]),
    ("rebootVirtualMachine", Before::Running, &[]),
    ("destroyVirtualMachine", Before::Running, &[("expunge", "true")]),
    ("destroyVirtualMachine", Before::Stopped, &[]),
    ("expungeVirtualMachine", Before::Destroyed, &[]),
];

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Fails,
    AnswerLost,
    ServerKilled,
}

/// More host calls than any job makes.
const MOST_CALLS: u64 = 40;

async fn prepare(world: &World, cloud: &Cloud, before: Before) -> Option<String> {
    let vm = match before {
        Before::Nothing => return None,
        _ => cloud.running(&world.admin).await,
    };
    let steps: &[&str] = match before {
        Before::Stopped => &["stopVirtualMachine"],
        Before::Destroyed => &["destroyVirtualMachine"],
        _ => &[],
    };
    for command in steps {
        let job = world.admin.call_async(command, &[("id", &vm), ("forced", "true")]).await;
        assert_eq!(job["jobstatus"], 1, "{command}: {job}");
    }
    Some(vm)
}

/// Removes the instance, whatever became of it; then every device must be free again.
async fn tidy_up(world: &World, cloud: &Cloud, vm: &str) {
    if state(&world.admin, vm).await.is_some() {
        let job = world
            .admin
            .call_async("destroyVirtualMachine", &[("id", vm), ("expunge", "true")])
            .await;
        assert_eq!(job["jobstatus"], 1, "{job}");
    }
    world.settle().await;
    let held = world.texts("SELECT device_id AS text FROM gpu_allocation WHERE active = 1").await;
    assert!(held.is_empty(), "still held: {held:?}");
    assert!(cloud.fake.domain_ids().is_empty(), "a domain is left on the host");
    let quarantined =
        world.texts("SELECT id AS text FROM gpu_device WHERE alive = 1 AND health <> 'Ok'").await;
    assert!(quarantined.is_empty(), "not free: {quarantined:?}");
}

/// Kills the server as soon as the host hangs, and starts another one. True when the fault was met.
async fn kill_when_hung(world: &mut World, cloud: &Cloud, job: &str) -> bool {
    loop {
        if cloud.fake.is_hung() {
            break;
        }
        let state = world.admin.ok("queryAsyncJobResult", &[("jobid", job)]).await;
        if state["jobstatus"] != 0 {
            return false;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    world.server.crash();
    cloud.fake.resume();
    let (server, client) = world.another_server().await;
    world.server = server;
    world.admin = client;
    true
}

async fn sweep(fault: Fault, jobs: &[Job]) {
    let mut world = World::new().await;
    let cloud = world.cloud(FakeShape::new("h").gpus(4), 2).await;
    for (command, before, more) in jobs {
        let mut met = 0;
        for n in 1..=MOST_CALLS {
            let subject = prepare(&world, &cloud, *before).await;
            let calls = cloud.fake.calls();
            match fault {
                Fault::Fails => cloud.fake.fail_at(n),
                Fault::AnswerLost => cloud.fake.fail_after(n),
                Fault::ServerKilled => cloud.fake.hang_after(n),
            }
            let deploy = cloud.deploy();
            let mut params: Vec<(&str, &str)> = match &subject {
                None => deploy.to_vec(),
                Some(vm) => vec![("id", vm)],
            };
            params.extend(*more);
            let started = world.admin.ok(command, &params).await;
            let vm = subject
                .clone()
                .or_else(|| started["id"].as_str().map(str::to_owned))
                .expect("an instance");
            let job = started["jobid"].as_str().expect("a job").to_owned();
            let is_met = match fault {
                Fault::ServerKilled => kill_when_hung(&mut world, &cloud, &job).await,
                _ => {
                    world.admin.finished(&job).await;
                    cloud.fake.calls() >= calls + n
                }
            };
            cloud.fake.heal();
            world.admin.finished(&job).await;
            world.pay(&cloud.host).await;
            eprintln!("{fault:?} at call {n} of {command} {more:?}");
            world.settle().await;
            tidy_up(&world, &cloud, &vm).await;
            if !is_met {
                break;
            }
            met = n;
        }
        assert!(met > 0, "{command} makes no host call that could fail");
        assert!(met < MOST_CALLS, "{command} makes more calls than were tried");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_call_that_fails_leaves_nothing_behind() {
    sweep(Fault::Fails, JOBS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_leaves_nothing_behind() {
    sweep(Fault::AnswerLost, JOBS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_after_any_host_call_leaves_nothing_behind() {
    sweep(Fault::ServerKilled, JOBS).await;
}
