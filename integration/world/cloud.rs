//! A cloud that can run an instance: a zone, a host with GPUs, a pool, a template, a network, an offering with GPUs.

use super::{Client, World};
use csgpu::{
    command::inventory,
    domain::{Id, id},
    hypervisor::fake::{FakeHost, FakeShape},
    store::seed,
};
use serde_json::Value;

/// A zone with a pod and a cluster: their ids.
pub async fn zone_pod_cluster(world: &World) -> (String, String, String) {
    let zone = [
        ("name", "Sandbox"),
        ("dns1", "10.147.28.6"),
        ("internaldns1", "10.147.28.6"),
        ("networktype", "Advanced"),
        ("localstorageenabled", "true"),
    ];
    let zone = text(&world.admin.ok("createZone", &zone).await["zone"]["id"]);
    let pod = [
        ("name", "POD0"),
        ("zoneid", zone.as_str()),
        ("gateway", "172.16.15.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "172.16.15.2"),
        ("endip", "172.16.15.200"),
    ];
    let pod = text(&world.admin.ok("createPod", &pod).await["pod"]["id"]);
    let cluster = [
        ("clustername", "C0"),
        ("zoneid", zone.as_str()),
        ("podid", pod.as_str()),
        ("hypervisor", "KVM"),
        ("clustertype", "CloudManaged"),
    ];
    let answer = world.admin.ok("addCluster", &cluster).await;
    assert_eq!(answer["count"], 1, "addCluster answers in the shape of a list");
    (zone, pod, text(&answer["cluster"][0]["id"]))
}

/// A JSON string.
pub fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// What an instance needs, by id.
pub struct Cloud {
    /// The host underneath.
    pub fake: FakeHost,
    /// The host.
    pub host: String,
    /// The zone.
    pub zone: String,
    /// The template: a small raw image.
    pub template: String,
    /// A shared network.
    pub network: String,
    /// A service offering with so many GPUs.
    pub offering: String,
}

impl World {
    /// A cloud with one host of this shape, and an offering that takes `gpus` of its GPUs.
    pub async fn cloud(&self, shape: FakeShape, gpus: u32) -> Cloud {
        let (zone, pod, cluster) = zone_pod_cluster(self).await;
        let fake = self.fakes.add(shape);
        let uri = fake.uri();
        let host = [
            ("zoneid", &*zone),
            ("podid", &pod),
            ("clusterid", &cluster),
            ("hypervisor", "KVM"),
            ("url", &uri),
        ];
        let host = self.admin.ok("addHost", &host).await["host"][0]["id"]
            .as_str()
            .expect("a host")
            .to_owned();
        let known = host.parse().expect("an id");
        inventory::refresh(&self.server.wiring, known).await.expect("a fake host answers");
        let (template, network) = self.furnish(&[&zone, &pod, &cluster, &host]).await;
        let profile =
            self.texts("SELECT profile_id AS text FROM gpu_device ORDER BY id LIMIT 1").await;
        let count = gpus.to_string();
        let mut offering = vec![
            ("name", "gpu"),
            ("displaytext", "gpu"),
            ("cpunumber", "2"),
            ("cpuspeed", "1000"),
            ("memory", "1024"),
        ];
        if gpus > 0 {
            offering.extend([("vgpuprofileid", profile[0].as_str()), ("gpucount", &count)]);
        }
        let offering = self.admin.ok("createServiceOffering", &offering).await;
        let offering = offering["serviceoffering"]["id"].as_str().expect("an offering").to_owned();
        Cloud { fake, host, zone, template, network, offering }
    }

    /// A pool on the host, a template and a shared network, straight into the books: the template's and the network's id.
    async fn furnish(&self, places: &[&str; 4]) -> (String, String) {
        let [zone, pod, cluster, host] = places;
        let [pool, template, network, net_offering] =
            [(); 4].map(|()| Id::<id::Zone>::mint().to_string());
        std::fs::write(self.dir.join("images/tiny.raw"), vec![0; 1 << 20]).expect("an image");
        let (account, domain) = (seed::ADMIN_ACCOUNT, seed::ROOT_DOMAIN);
        self.run(&format!(
            "INSERT INTO storage_pool (id, zone_id, pod_id, cluster_id, host_id, name, kind, scope, path, state, capacity, available)
             VALUES ('{pool}', '{zone}', '{pod}', '{cluster}', '{host}', 'pool', 'Filesystem', 'HOST', '/images', 'Up', 1000000000000, 1000000000000)"
        ))
        .await;
        let os = Id::<id::OsType>::mint();
        self.run(&format!("INSERT INTO os_category (id, name) VALUES ('{os}', 'Any')")).await;
        self.run(&format!(
            "INSERT INTO os_type (id, category_id, name) VALUES ('{os}', '{os}', 'Any')"
        ))
        .await;
        self.run(&format!(
            "INSERT INTO template (id, account_id, domain_id, zone_id, os_type_id, name, display_text, kind, format, hypervisor,
                arch, size, virtual_size, is_public, is_featured, is_extractable, state, status, percent, file)
             VALUES ('{template}', '{account}', '{domain}', NULL, '{os}', 'tiny', 'tiny', 'USER', 'RAW', 'KVM',
                'x86_64', 1048576, 1048576, 1, 1, 0, 'Ready', 'Download Complete', 100, 'tiny.raw')"
        ))
        .await;
        self.run(&format!(
            "INSERT INTO network (id, account_id, domain_id, zone_id, offering_id, name, display_text, guest_type, acl_type,
                cidr, gateway, netmask, start_ip, end_ip, vlan, bridge, state)
             VALUES ('{network}', '{account}', '{domain}', '{zone}', '{net_offering}', 'lan', 'lan', 'Shared', 'Domain',
                '10.9.0.0/16', '10.9.0.1', '255.255.0.0', '10.9.0.10', '10.9.200.250', 'vlan://untagged', 'br0', 'Setup')"
        ))
        .await;
        (template, network)
    }
}

impl Cloud {
    /// What a deploy needs.
    pub fn deploy(&self) -> [(&str, &str); 4] {
        [
            ("zoneid", &self.zone),
            ("serviceofferingid", &self.offering),
            ("templateid", &self.template),
            ("networkids", &self.network),
        ]
    }

    /// Deploys an instance; its id, once it runs.
    pub async fn running(&self, client: &Client) -> String {
        let job = client.call_async("deployVirtualMachine", &self.deploy()).await;
        assert_eq!(job["jobstatus"], 1, "{job}");
        job["jobresult"]["virtualmachine"]["id"].as_str().expect("an instance").to_owned()
    }
}

/// The state of an instance, or nothing when it is gone.
pub async fn state(client: &Client, vm: &str) -> Option<String> {
    let answer = client.call("listVirtualMachines", &[("id", vm)]).await;
    let found: &Value = answer.inner();
    found["virtualmachine"][0]["state"].as_str().map(str::to_owned)
}
