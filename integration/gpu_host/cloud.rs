//! What a test needs of a cloud before it can begin: a zone with everything in it, made as an administrator makes it.

use super::{
    rig::{Host, uri},
    service::Service,
};
use crate::{world::client::Answer, zone::text};

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
        for _ in 0..5 {
            if is_slow(&answer) {
                answer = self.try_add(service, &uri(port), Some(&host.password())).await;
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
