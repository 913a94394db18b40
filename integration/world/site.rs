//! A zone with hosts, pools, a template and a network: all that a deploy needs.

use super::{Client, World, places::text, rack::Rack};
use csgpu::{
    domain::{Id, id},
    hypervisor::fake::FakeShape,
    store::seed,
};
use serde_json::Value;

/// A zone that instances can be deployed in.
#[derive(Debug, Clone)]
pub struct Site {
    /// The zone.
    pub zone: String,
    /// The template.
    pub template: String,
    /// An isolated network of the administrator.
    pub network: String,
    /// A bridge for everyone, without addresses.
    pub bridge: String,
    /// Its hosts, each with a pool of its own.
    pub racks: Vec<Rack>,
}

impl World {
    /// A zone with hosts of these shapes, their devices in the books.
    pub async fn site(&self, shapes: impl IntoIterator<Item = FakeShape>) -> Site {
        let new = || Id::<id::Zone>::mint().to_string();
        let (zone, category, os, template) = (new(), new(), new(), new());
        let (offering, network, bridge) = (new(), new(), new());
        std::fs::write(self.server.wiring.settings.images.join("disk.qcow2"), b"disk")
            .expect("a file");
        let (account, domain) = (seed::ADMIN_ACCOUNT, seed::ROOT_DOMAIN);
        for text in [
            format!(
                "INSERT INTO zone (id, name, dns1, internal_dns1, guest_cidr, network_type, allocation_state) VALUES ('{zone}', 'z-{zone}', '8.8.8.8', '8.8.8.8', '10.1.0.0/16', 'Advanced', 'Enabled')"
            ),
            format!("INSERT INTO os_category (id, name) VALUES ('{category}', 'c-{category}')"),
            format!(
                "INSERT INTO os_type (id, category_id, name) VALUES ('{os}', '{category}', 'o-{os}')"
            ),
            format!(
                "INSERT INTO template (id, account_id, domain_id, os_type_id, name, display_text, kind, format, hypervisor, arch, size, virtual_size, is_public, is_featured, is_extractable, state, status, percent, file) VALUES ('{template}', '{account}', '{domain}', '{os}', 'debian', 'Debian', 'USER', 'QCOW2', 'KVM', 'x86_64', 4, 2147483648, 1, 1, 0, 'Ready', 'Download Complete', 100, 'disk.qcow2')"
            ),
            format!(
                "INSERT INTO network_offering (id, name, display_text, guest_type, state, is_default, specify_vlan, specify_ip_ranges) VALUES ('{offering}', 'n-{offering}', 'n', 'Isolated', 'Enabled', 0, 0, 0)"
            ),
            format!(
                "INSERT INTO network (id, account_id, domain_id, zone_id, offering_id, name, display_text, guest_type, acl_type, cidr, gateway, netmask, state) VALUES ('{network}', '{account}', '{domain}', '{zone}', '{offering}', 'inside', 'inside', 'Isolated', 'Account', '10.1.1.0/24', '10.1.1.1', '255.255.255.0', 'Allocated')"
            ),
            format!(
                "INSERT INTO network (id, account_id, domain_id, zone_id, offering_id, name, display_text, guest_type, acl_type, bridge, state) VALUES ('{bridge}', '{account}', '{domain}', '{zone}', '{offering}', 'outside', 'outside', 'L2', 'Domain', 'br0', 'Implemented')"
            ),
        ] {
            self.run(&text).await;
        }
        let mut site = Site { zone, template, network, bridge, racks: Vec::new() };
        for shape in shapes {
            self.add_rack(&mut site, shape).await;
        }
        site
    }

    /// One more host of the zone.
    pub async fn add_rack(&self, site: &mut Site, shape: FakeShape) {
        let rack = self.rack(shape).await;
        let (pool, zone, host) = (Id::<id::StoragePool>::mint(), &site.zone, rack.id);
        self.run(&format!(
            "UPDATE host SET zone_id = '{zone}', changed = UTC_TIMESTAMP(6) WHERE id = '{host}'"
        ))
        .await;
        self.run(&format!("INSERT INTO storage_pool (id, zone_id, host_id, name, kind, scope, path, state) VALUES ('{pool}', '{zone}', '{host}', 'p-{pool}', 'Filesystem', 'HOST', '/pool', 'Up')")).await;
        site.racks.push(rack);
    }

    /// The rows of pods and clusters that hosts of sites name: lists of hosts need them.
    pub async fn found_clusters(&self) {
        self.run(
            "INSERT INTO pod (id, zone_id, name, gateway, netmask, start_ip, allocation_state) SELECT DISTINCT pod_id, \
             zone_id, pod_id, '10.0.0.1', '255.255.255.0', '10.0.0.2', 'Enabled' FROM host",
        )
        .await;
        self.run(
            "INSERT INTO cluster (id, zone_id, pod_id, name, hypervisor, allocation_state) SELECT DISTINCT cluster_id, \
             zone_id, pod_id, cluster_id, 'KVM', 'Enabled' FROM host",
        )
        .await;
    }

    /// A service offering of 2 CPUs and 512 MiB, with so many whole GPUs of the site's only card.
    pub async fn size(&self, name: &str, gpus: u32) -> String {
        let mut words = vec![
            ("name", name.to_owned()),
            ("cpunumber", "2".to_owned()),
            ("cpuspeed", "1000".to_owned()),
            ("memory", "512".to_owned()),
        ];
        if gpus > 0 {
            let query = "SELECT DISTINCT profile_id AS text FROM gpu_device WHERE device_type = 'PCI' ORDER BY 1";
            let profile = self.texts(query).await.first().expect("a profile").clone();
            words.extend([("vgpuprofileid", profile), ("gpucount", gpus.to_string())]);
        }
        let words: Vec<(&str, &str)> =
            words.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let made = self.admin.ok("createServiceOffering", &words).await;
        made["serviceoffering"]["id"].as_str().expect("an id").to_owned()
    }

    /// The stopped instance of a caller at the site's bridge, without GPUs.
    pub async fn stopped(&self, site: &Site, client: &Client, name: &str) -> String {
        let size = self.size(name, 0).await;
        let mut words = site.deploy(&size);
        words.retain(|(name, _)| *name != "networkids");
        words.extend([("networkids", site.bridge.as_str()), ("name", name), ("startvm", "false")]);
        text(&client.done("deployVirtualMachine", &words).await["virtualmachine"]["id"])
    }

    /// How many devices of all hosts are held, and in which states: `Allocated Allocated`.
    pub async fn held(&self) -> String {
        let query = "SELECT state AS text FROM gpu_allocation WHERE active = 1 ORDER BY state";
        self.texts(query).await.join(" ")
    }
}

impl Site {
    /// The words of a deploy of this offering.
    pub fn deploy<'a>(&'a self, offering: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("zoneid", &self.zone),
            ("templateid", &self.template),
            ("serviceofferingid", offering),
            ("networkids", &self.network),
        ]
    }
}

/// The state of an instance, or nothing when it is gone.
pub async fn state(client: &Client, vm: &str) -> Option<String> {
    let answer = client.call("listVirtualMachines", &[("id", vm)]).await;
    let found: &Value = answer.inner();
    found["virtualmachine"][0]["state"].as_str().map(str::to_owned)
}

/// The instance in a finished job that must have succeeded.
pub fn instance(job: &Value) -> Value {
    assert_eq!(job["jobstatus"], 1, "{job}");
    job["jobresult"]["virtualmachine"].clone()
}
