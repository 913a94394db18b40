//! Every job of an instance and of a device, cut at every host call: a call that fails, an answer that is lost, a server that is killed
//! right after a call. Whatever happens, nothing is held twice, nothing leaks, every job ends.

use crate::world::{
    World,
    site::{Site, instance, state},
};
use csgpu::hypervisor::fake::{FakeHost, FakeShape};

/// A zone with one host, and an offering that takes two of its four GPUs.
struct Lab {
    site: Site,
    size: String,
    /// Without GPUs.
    smaller: String,
}

impl Lab {
    async fn new(world: &World) -> Self {
        let site = world.site([FakeShape::new("h").gpus(4)]).await;
        let (size, smaller) = (world.size("pair", 2).await, world.size("none", 0).await);
        Self { site, size, smaller }
    }

    fn fake(&self) -> &FakeHost {
        &self.site.racks[0].fake
    }
}

/// Where an instance is before its job.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// The job is one of a device that nobody has.
    Free,
    Nothing,
    Running,
    Stopped,
    Destroyed,
}

/// A job: command, where it starts, more parameters.
type Job = (&'static str, Before, &'static [(&'static str, &'static str)]);

const JOBS: &[Job] = &[
    ("deployVirtualMachine", Before::Nothing, &[]),
    ("startVirtualMachine", Before::Stopped, &[]),
    ("stopVirtualMachine", Before::Running, &[]),
    ("stopVirtualMachine", Before::Running, &[("forced", "true")]),
    ("scaleVirtualMachine", Before::Stopped, &[]),
    ("rebootVirtualMachine", Before::Running, &[]),
    ("destroyVirtualMachine", Before::Running, &[("expunge", "true")]),
    ("destroyVirtualMachine", Before::Stopped, &[]),
    ("expungeVirtualMachine", Before::Destroyed, &[]),
    ("resetGpuDevice", Before::Free, &[]),
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

async fn prepare(world: &World, lab: &Lab, before: Before) -> Option<String> {
    let vm = match before {
        Before::Nothing => return None,
        Before::Free => return Some(world.devices(&lab.site.racks[0]).await[0].to_string()),
        _ => {
            let words = lab.site.deploy(&lab.size);
            let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
            vm["id"].as_str().expect("an id").to_owned()
        }
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
async fn tidy_up(world: &World, lab: &Lab, vm: &str) {
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
    assert!(lab.fake().domain_ids().is_empty(), "a domain is left on the host");
    let quarantined =
        world.texts("SELECT id AS text FROM gpu_device WHERE alive = 1 AND health <> 'Ok'").await;
    assert!(quarantined.is_empty(), "not free: {quarantined:?}");
}

/// Whatever became of its reset, the device is free, or kept from everyone until one more reset. A server that is killed
/// is no reason for a doubt: the next one resets again.
async fn is_free_again(world: &World, fault: Fault, device: &str) {
    let query = format!("SELECT health AS text FROM gpu_device WHERE id = '{device}'");
    let health = world.texts(&query).await.remove(0);
    if health != "Ok" {
        assert_eq!((health.as_str(), fault == Fault::ServerKilled), ("Quarantined", false));
        let job = world.admin.call_async("resetGpuDevice", &[("id", device)]).await;
        assert_eq!(job["jobstatus"], 1, "{job}");
        assert_eq!(world.texts(&query).await, ["Ok"]);
    }
}

/// Kills the server as soon as the host hangs, and starts another one. True when the fault was met.
async fn kill_when_hung(world: &mut World, lab: &Lab, job: &str) -> bool {
    loop {
        if lab.fake().is_hung() {
            break;
        }
        let state = world.admin.ok("queryAsyncJobResult", &[("jobid", job)]).await;
        if state["jobstatus"] != 0 {
            return false;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    world.server.crash();
    lab.fake().resume();
    let (server, client) = world.another_server().await;
    world.server = server;
    world.admin = client;
    true
}

async fn sweep(fault: Fault, jobs: &[Job]) {
    let mut world = World::new().await;
    let lab = Lab::new(&world).await;
    let host = lab.site.racks[0].id.to_string();
    for (command, before, more) in jobs {
        let mut met = 0;
        for n in 1..=MOST_CALLS {
            let subject = prepare(&world, &lab, *before).await;
            let calls = lab.fake().calls();
            match fault {
                Fault::Fails => lab.fake().fail_at(n),
                Fault::AnswerLost => lab.fake().fail_after(n),
                Fault::ServerKilled => lab.fake().hang_after(n),
            }
            let deploy = lab.site.deploy(&lab.size);
            let mut params: Vec<(&str, &str)> = match &subject {
                None => deploy,
                Some(vm) => vec![("id", vm)],
            };
            params.extend(*more);
            if *command == "scaleVirtualMachine" {
                params.push(("serviceofferingid", &lab.smaller));
            }
            let started = world.admin.ok(command, &params).await;
            let vm = subject
                .clone()
                .or_else(|| started["id"].as_str().map(str::to_owned))
                .expect("an instance");
            let job = started["jobid"].as_str().expect("a job").to_owned();
            let is_met = match fault {
                Fault::ServerKilled => kill_when_hung(&mut world, &lab, &job).await,
                _ => {
                    world.admin.finished(&job).await;
                    lab.fake().calls() >= calls + n
                }
            };
            lab.fake().heal();
            world.admin.finished(&job).await;
            world.pay(&host).await;
            eprintln!("{fault:?} at call {n} of {command} {more:?}");
            world.settle().await;
            match before {
                Before::Free => is_free_again(&world, fault, &vm).await,
                _ => tidy_up(&world, &lab, &vm).await,
            }
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
