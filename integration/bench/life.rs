//! What an instance's life costs, and what a cloud costs in which nothing happens.

use super::{
    cloud::Cloud,
    report::{AIM, CLOUDSTACK, Figure, percentile},
};
use crate::world::{Client, api_zone::ApiZone, places::text};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::Runtime,
    time::{Instant, sleep},
};

/// Clients at a time.
const CLIENTS: usize = 8;
/// Hosts of an idle cloud.
const IDLE_HOSTS: usize = 100;
/// How long the idle cloud is watched.
const IDLE_TIME: Duration = Duration::from_secs(60);

/// What the two halves of a life are called: how many a second, the median, the slowest of a hundred, the CPU of one.
const DEPLOY: [&str; 4] =
    ["deploy_running", "deploy_running_p50", "deploy_running_p99", "deploy_running_cpu"];
const DESTROY: [&str; 4] =
    ["destroy_expunge", "destroy_expunge_p50", "destroy_expunge_p99", "destroy_expunge_cpu"];

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    let runtime = Runtime::new().expect("a runtime");
    let mut figures = Vec::new();
    {
        let cloud = Cloud::new(&runtime).keep(&runtime);
        let images = cloud.scratch.0.join("images");
        let rack =
            ApiZone::build(&cloud.admin, &images, "fake", "KVM", 32, |n| format!("fake://h{n}"));
        let rack = runtime.block_on(rack);
        let (up, down) = runtime.block_on(lives(&cloud, &rack, 25));
        figures.extend(up.figures(DEPLOY, 2.0));
        figures.extend(down.figures(DESTROY, 1.0 / 8.0));
        let statements = runtime.block_on(whole_deploy(&cloud, &rack));
        figures
            .push(Figure::new("deploy_all_statements", statements, "statements").beside(AIM, 60.0));
        let simulated = ApiZone::build(&cloud.admin, &images, "sim", "Simulator", 8, |n| {
            format!("http://sim/nvidia-{n}")
        });
        let simulated = runtime.block_on(simulated);
        let (up, down) = runtime.block_on(lives(&cloud, &simulated, 6));
        figures.push(Figure::new("deploy_running_test_driver", up.per_second, "1/s"));
        figures.push(Figure::new("destroy_expunge_test_driver", down.per_second, "1/s"));
    }
    figures.extend(idle(&runtime));
    figures
}

/// How many statements an admission takes: asked of a second server of the same cloud, which runs no jobs.
pub fn admission(runtime: &Runtime) -> Vec<Figure> {
    let cloud = Cloud::new(runtime);
    let images = cloud.scratch.0.join("images");
    let statements = runtime.block_on(async {
        let rack =
            ApiZone::build(&cloud.admin, &images, "fake", "KVM", 4, |n| format!("fake://h{n}"))
                .await;
        let (quiet, client) = cloud.server_without_workers().await;
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let before = quiet.wiring.db.statements();
            let admitted = client.ok("deployVirtualMachine", &rack.params()).await;
            best = best.min((quiet.wiring.db.statements() - before) as f64);
            cloud.admin.finished(&text(&admitted["jobid"])).await;
        }
        best
    });
    vec![Figure::new("deploy_statements", statements, "statements").beside(AIM, 20.0)]
}

/// How fast one half of a life goes.
struct Pace {
    per_second: f64,
    times: Vec<f64>,
    /// Seconds of CPU that server, clients and database took together.
    cpu: f64,
}

impl Pace {
    fn of(begun: Instant, times: Vec<f64>, cpu: f64) -> Self {
        Self { per_second: times.len() as f64 / begun.elapsed().as_secs_f64(), times, cpu }
    }

    fn figures(mut self, names: [&'static str; 4], reference: f64) -> [Figure; 4] {
        let cpu = self.cpu * 1000.0 / self.times.len() as f64;
        [
            Figure::new(names[0], self.per_second, "1/s").beside(CLOUDSTACK, reference),
            Figure::new(names[1], percentile(&mut self.times, 0.5), "ms"),
            Figure::new(names[2], percentile(&mut self.times, 0.99), "ms"),
            Figure::new(names[3], cpu, "ms"),
        ]
    }
}

/// Every client deploys so many instances, one after the other; then every client destroys its own.
async fn lives(cloud: &Cloud, rack: &ApiZone, each: usize) -> (Pace, Pace) {
    let params: Vec<(String, String)> =
        rack.deploy.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let params = Arc::new(params);
    let deploy = |_| {
        let (client, params) = (cloud.admin.clone(), Arc::clone(&params));
        tokio::spawn(async move {
            let (mut made, mut times) = (Vec::new(), Vec::new());
            let params: Vec<(&str, &str)> =
                params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            for _ in 0..each {
                let begun = Instant::now();
                let job = job(&client, "deployVirtualMachine", &params).await;
                let vm = &job["jobresult"]["virtualmachine"];
                assert_eq!(vm["state"], "Running", "{job}");
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
                made.push(text(&vm["id"]));
            }
            (made, times)
        })
    };
    let used = || cpu(std::process::id()) + cpu(cloud.database.pid());
    let (begun, before) = (Instant::now(), used());
    let tasks: Vec<_> = (0..CLIENTS).map(deploy).collect();
    let (mut made, mut times) = (Vec::new(), Vec::new());
    for task in tasks {
        let (own, took) = task.await.expect("a client ends");
        made.push(own);
        times.extend(took);
    }
    let up = Pace::of(begun, times, used() - before);
    let (begun, before) = (Instant::now(), used());
    let destroy = |own: Vec<String>| {
        let client = cloud.admin.clone();
        tokio::spawn(async move {
            let mut times = Vec::new();
            for vm in own {
                let begun = Instant::now();
                let params = [("id", vm.as_str()), ("expunge", "true")];
                let job = job(&client, "destroyVirtualMachine", &params).await;
                assert_eq!(job["jobstatus"], 1, "{job}");
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
            }
            times
        })
    };
    let tasks: Vec<_> = made.into_iter().map(destroy).collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a client ends"));
    }
    (up, Pace::of(begun, times, used() - before))
}

/// Starts a job and asks every 20 ms whether it has ended.
async fn job(client: &Client, command: &str, params: &[(&str, &str)]) -> serde_json::Value {
    let started = client.ok(command, params).await;
    client.finished(&text(&started["jobid"])).await
}

/// The statements of one whole deployment: admission, job, and asking for the result once.
async fn whole_deploy(cloud: &Cloud, rack: &ApiZone) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        sleep(Duration::from_secs(1)).await; // what the last one's host had to say was looked at
        let before = cloud.statements();
        let admitted = cloud.admin.ok("deployVirtualMachine", &rack.params()).await;
        cloud.server.wiring.nudge.job_finished().await;
        sleep(Duration::from_millis(30)).await;
        let job =
            cloud.admin.ok("queryAsyncJobResult", &[("jobid", &text(&admitted["jobid"]))]).await;
        if job["jobstatus"] == 1 {
            best = best.min((cloud.statements() - before) as f64);
        }
        let id = text(&admitted["id"]);
        cloud.admin.finished(&text(&admitted["jobid"])).await;
        cloud.admin.call_async("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;
    }
    best
}

/// What a cloud of many hosts costs while nobody asks for anything.
fn idle(runtime: &Runtime) -> Vec<Figure> {
    let cloud = Cloud::new(runtime).keep(runtime);
    let images = cloud.scratch.0.join("images");
    let rack = ApiZone::build(&cloud.admin, &images, "idle", "KVM", IDLE_HOSTS, |n| {
        format!("fake://h{n}")
    });
    let rack = runtime.block_on(rack);
    assert_eq!(rack.hosts.len(), IDLE_HOSTS);
    let (statements, own, database) = runtime.block_on(async {
        sleep(Duration::from_secs(10)).await; // what the hosts' arrival set off
        let pids = [std::process::id(), cloud.database.pid()];
        let before = (cloud.statements(), pids.map(cpu));
        sleep(IDLE_TIME).await;
        let after = (cloud.statements(), pids.map(cpu));
        let used = |n: usize| after.1[n] - before.1[n];
        ((after.0 - before.0) as f64, used(0), used(1))
    });
    let seconds = IDLE_TIME.as_secs_f64();
    vec![
        Figure::new("idle_statements", statements / seconds, "1/s").beside(CLOUDSTACK, 75.0),
        Figure::new("idle_cpu", own * 60.0 / seconds, "s/min").beside(AIM, 0.2),
        Figure::new("idle_cpu_database", database * 60.0 / seconds, "s/min"),
    ]
}

/// The CPU time that a process has used, in seconds.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    // the name in parentheses may hold anything; user and system time are the 14th and 15th field
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
