//! What a test needs of a cloud before it can begin: a zone with everything in it, made as an administrator makes it.

use super::{
    rig::{self, Host, uri},
    service::Service,
};
use crate::{world::client::Answer, zone::text};
use serde_json::Value;
use std::{collections::BTreeMap, process::Command, time::Duration};
use tokio::time::{Instant, sleep};

/// How long one job may take: everything on the host is emulated.
const JOB_PATIENCE: Duration = Duration::from_secs(240);

/// The directory of the pool on the host.
pub const POOL: &str = "/srv/pool";

/// addHost gives up before its client does. An emulated host on a busy machine may be slower than that.
pub fn is_slow(answer: &Answer) -> bool {
    ["did not answer within", "gave up after"].iter().any(|late| answer.error().contains(late))
}

/// A zone with a pod and a cluster.
pub struct Places {
    /// The zone.
    pub zone: String,
    /// Its pod.
    pub pod: String,
    /// Its cluster.
    pub cluster: String,
}

impl Places {
    /// Makes them.
    pub async fn make(service: &Service) -> Self {
        let zone = [
            ("name", "Z"),
            ("dns1", "10.99.0.1"),
            ("internaldns1", "10.99.0.1"),
            ("networktype", "Advanced"),
        ];
        let zone = text(&service.admin.ok("createZone", &zone).await["zone"]["id"]);
        let pod = [
            ("name", "P"),
            ("zoneid", zone.as_str()),
            ("gateway", "172.16.15.1"),
            ("netmask", "255.255.255.0"),
            ("startip", "172.16.15.2"),
            ("endip", "172.16.15.200"),
        ];
        let pod = text(&service.admin.ok("createPod", &pod).await["pod"]["id"]);
        let cluster = [
            ("clustername", "C"),
            ("zoneid", zone.as_str()),
            ("podid", pod.as_str()),
            ("hypervisor", "KVM"),
            ("clustertype", "CloudManaged"),
        ];
        let made = service.admin.ok("addCluster", &cluster).await;
        Self { pod, cluster: text(&made["cluster"][0]["id"]), zone }
    }

    /// Calls addHost; the whole answer.
    pub async fn try_add(&self, service: &Service, url: &str, password: Option<&str>) -> Answer {
        let mut params = vec![
            ("zoneid", self.zone.as_str()),
            ("podid", &self.pod),
            ("clusterid", &self.cluster),
            ("hypervisor", "KVM"),
            ("url", url),
        ];
        params.extend(password.map(|_| ("username", "root")));
        params.extend(password.map(|password| ("password", password)));
        service.admin.call("addHost", &params).await
    }

    /// Adds a host through this port, by its password; its id.
    pub async fn add_at(&self, service: &Service, host: &Host, port: u16) -> String {
        let mut answer = self.try_add(service, &uri(port), Some(&host.password())).await;
        // by now the service's key is installed, which saves a login
        for _ in 0..5 {
            if is_slow(&answer) {
                answer = self.try_add(service, &uri(port), None).await;
            }
        }
        assert_eq!(answer.status, 200, "addHost: {}", answer.text());
        text(&answer.inner()["host"][0]["id"])
    }

    /// Adds a host by its password; its id.
    pub async fn add(&self, service: &Service, host: &Host) -> String {
        self.add_at(service, host, host.port()).await
    }
}

/// A zone with one real host, a pool on it, a template and two networks: all that a deploy needs.
pub struct Cloud {
    /// The service.
    pub service: Service,
    /// Zone, pod and cluster.
    pub places: Places,
    /// The host's id.
    pub host: String,
    /// The template's id.
    pub template: String,
    /// A NAT network of the host.
    pub inside: String,
    /// The host's bridge `br0`, shared by all.
    pub outside: String,
    /// A service offering: one CPU, 64 MiB.
    pub size: String,
}

impl Cloud {
    /// A cloud on this host.
    pub async fn on(host: &Host) -> Self {
        Self::through(host, host.port()).await
    }

    /// A cloud on this host, which it reaches through this port.
    pub async fn through(host: &Host, port: u16) -> Self {
        let service = Service::start().await;
        let places = Places::make(&service).await;
        let id = places.add_at(&service, host, port).await;
        let mut cloud = Self {
            service,
            places,
            host: id,
            template: String::new(),
            inside: String::new(),
            outside: String::new(),
            size: String::new(),
        };
        cloud.furnish().await;
        let found = cloud.service.admin.ok("discoverGpuDevices", &[("id", &cloud.host)]).await;
        assert!(found["count"].as_u64() > Some(0), "{found}");
        cloud
    }

    async fn furnish(&mut self) {
        let zone = self.places.zone.clone();
        let pool = [
            ("name", "disks"),
            ("scope", "host"),
            ("url", &format!("file://{POOL}")),
            ("hostid", self.host.as_str()),
            ("zoneid", &zone),
            ("podid", &self.places.pod),
            ("clusterid", &self.places.cluster),
        ];
        self.service.admin.ok("createStoragePool", &pool).await;
        let size = [
            ("name", "small"),
            ("displaytext", "small"),
            ("cpunumber", "1"),
            ("cpuspeed", "500"),
            ("memory", "64"),
        ];
        let made = self.service.admin.ok("createServiceOffering", &size).await;
        self.size = text(&made["serviceoffering"]["id"]);
        self.inside = self.network(&zone, "Isolated", "inside", &[]).await;
        self.physical_network(&zone).await;
        let shared = [
            ("gateway", "10.99.0.1"),
            ("netmask", "255.255.255.0"),
            ("startip", "10.99.0.10"),
            ("endip", "10.99.0.99"),
            ("vlan", "untagged"),
        ];
        self.outside = self.network(&zone, "Shared", "outside", &shared).await;
        self.template = self.template(&zone).await;
    }

    async fn network(&self, zone: &str, kind: &str, name: &str, more: &[(&str, &str)]) -> String {
        let listed = self.service.admin.ok("listNetworkOfferings", &[("guestiptype", kind)]).await;
        let offering = text(&listed["networkoffering"][0]["id"]);
        let mut words = vec![("name", name), ("zoneid", zone), ("networkofferingid", &offering)];
        words.extend(more);
        text(&self.service.admin.ok("createNetwork", &words).await["network"]["id"])
    }

    async fn physical_network(&self, zone: &str) {
        let made = self.job("createPhysicalNetwork", &[("name", "cables"), ("zoneid", zone)]).await;
        let id = text(&made["physicalnetwork"]["id"]);
        let traffic = [
            ("physicalnetworkid", id.as_str()),
            ("traffictype", "Guest"),
            ("kvmnetworklabel", "br0"),
        ];
        self.job("addTrafficType", &traffic).await;
        self.job("updatePhysicalNetwork", &[("id", &id), ("state", "Enabled")]).await;
    }

    /// A disk that boots nothing.
    async fn template(&self, zone: &str) -> String {
        let file = self.service.images().join("tiny.qcow2");
        let mut create = Command::new("qemu-img");
        create.args(["create", "-q", "-f", "qcow2"]).arg(&file).arg("8M");
        assert!(create.status().expect("qemu-img").success());
        let words = [
            ("name", "tiny"),
            ("displaytext", "tiny"),
            ("url", &format!("file://{}", file.display())),
            ("hypervisor", "KVM"),
            ("format", "QCOW2"),
            ("zoneid", zone),
        ];
        let made = self.service.admin.ok("registerTemplate", &words).await;
        let id = text(&made["template"][0]["id"]);
        rig::eventually("the template is ready", 30, async || {
            let filter = [("templatefilter", "self"), ("id", id.as_str())];
            self.service.admin.ok("listTemplates", &filter).await["template"][0]["isready"] == true
        })
        .await;
        id
    }

    /// Starts a job; its id.
    pub async fn begin(&self, command: &str, words: &[(&str, &str)]) -> String {
        let started = self.service.admin.ok(command, words).await;
        text(&started["jobid"])
    }

    /// A job once it has ended, well or not.
    pub async fn end(&self, job: &str) -> Value {
        let end = Instant::now() + JOB_PATIENCE;
        loop {
            let state = self.service.admin.ok("queryAsyncJobResult", &[("jobid", job)]).await;
            if state["jobstatus"] != 0 {
                return state;
            }
            assert!(Instant::now() < end, "job {job} does not end: {state}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Runs a job that must succeed; its result.
    pub async fn job(&self, command: &str, words: &[(&str, &str)]) -> Value {
        let began = Instant::now();
        let job = self.begin(command, words).await;
        let ended = self.end(&job).await;
        eprintln!("gpu_host: {:>5.1} s {command}", began.elapsed().as_secs_f32());
        assert_eq!(ended["jobstatus"], 1, "{command}: {ended}");
        ended["jobresult"].clone()
    }

    /// The words of a deploy with a GPU offering, in the NAT network.
    pub fn deploy<'a>(&'a self, gpus: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("zoneid", &self.places.zone),
            ("templateid", &self.template),
            ("serviceofferingid", &self.size),
            ("gpuofferingid", gpus),
            ("networkids", &self.inside),
        ]
    }

    /// Every device in the books, by its address.
    pub async fn devices(&self) -> BTreeMap<String, Value> {
        let listed = self.service.admin.ok("listGpuDevices", &[("hostid", &self.host)]).await;
        let devices = listed["gpudevice"].as_array().expect("devices").iter();
        devices.map(|device| (text(&device["busaddress"]), device.clone())).collect()
    }

    /// The addresses that an instance holds, sorted.
    pub async fn held(&self, vm: &str) -> Vec<String> {
        let listed = self.service.admin.ok("listGpuDevices", &[("virtualmachineid", vm)]).await;
        let devices = listed["gpudevice"].as_array().cloned().unwrap_or_default();
        let mut held: Vec<String> = devices.iter().map(|one| text(&one["busaddress"])).collect();
        held.sort();
        held
    }

    /// A GPU offering of so many devices like the one at this address.
    pub async fn gpus(&self, name: &str, like: &str, count: u32) -> String {
        let device = self.devices().await.remove(like).unwrap_or_else(|| panic!("no {like}"));
        let (profile, count) = (text(&device["vgpuprofileid"]), count.to_string());
        let words = [("name", name), ("vgpuprofileid", &profile), ("gpucount", &count)];
        text(&self.service.admin.ok("createGpuOffering", &words).await["gpuoffering"]["id"])
    }

    /// The instance as listed.
    pub async fn vm(&self, id: &str) -> Value {
        let listed = self.service.admin.ok("listVirtualMachines", &[("id", id)]).await;
        listed["virtualmachine"][0].clone()
    }

    /// The host as listed.
    pub async fn host(&self) -> Value {
        let listed = self.service.admin.ok("listHosts", &[("id", &self.host)]).await;
        listed["host"][0].clone()
    }

    /// Waits until the host is in this state; the host.
    pub async fn host_is(&self, state: &str, seconds: u64) -> Value {
        rig::eventually(&format!("the host is {state}"), seconds, async || {
            self.host().await["state"] == state
        })
        .await;
        self.host().await
    }

    /// Nothing is under way, nothing is held, on neither side.
    pub async fn is_empty(&self, host: &Host) {
        self.service.settle(120).await;
        let held = "SELECT device_id AS text FROM gpu_allocation WHERE active = 1";
        assert_eq!(self.service.texts(held), Vec::<String>::new(), "devices are held");
        host.assert_free();
        let files = host.sh(&format!("ls {POOL} | grep -v {} | cat", self.template));
        assert_eq!(files, "", "files are left in the pool");
    }
}
