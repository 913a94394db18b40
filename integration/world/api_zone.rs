//! What an instance needs, made through the API: zone, hosts with GPUs, storage, network, template, offerings.

use super::{Client, places::text};
use std::{path::Path, process::Command, time::Duration};

/// A zone that can run instances.
pub struct ApiZone {
    /// The zone and what `deployVirtualMachine` names beside it; the GPU offering is the last one.
    pub deploy: Vec<(&'static str, String)>,
    /// The hosts.
    pub hosts: Vec<String>,
}

impl ApiZone {
    /// Puts so many hosts into a new zone. `url` makes a host's address of its number; an image file is made in `images`.
    pub async fn build(
        api: &Client,
        images: &Path,
        name: &str,
        hypervisor: &str,
        hosts: usize,
        url: impl Fn(usize) -> String,
    ) -> Self {
        let places = [("name", name), ("networktype", "Advanced"), ("dns1", "9.9.9.9")];
        let places = [&places[..], &[("internaldns1", "9.9.9.9"), ("localstorageenabled", "true")]];
        let zone = text(&api.ok("createZone", &places.concat()).await["zone"]["id"]);
        let range = [("gateway", "10.0.0.1"), ("netmask", "255.255.0.0"), ("startip", "10.0.0.9")];
        let pod = [&range[..], &[("name", "p"), ("zoneid", &zone), ("endip", "10.0.9.9")]].concat();
        let pod = text(&api.ok("createPod", &pod).await["pod"]["id"]);
        let within = [("zoneid", zone.as_str()), ("podid", &pod)];
        let of =
            [("clustername", "c"), ("clustertype", "CloudManaged"), ("hypervisor", hypervisor)];
        let cluster = api.ok("addCluster", &[&within[..], &of].concat()).await;
        let cluster = text(&cluster["cluster"][0]["id"]);
        let within = [&within[..], &[("clusterid", &cluster)]].concat();
        let mut ids = Vec::new();
        for number in 0..hosts {
            let url = url(number);
            let login = [("username", "root"), ("password", "x"), ("hypervisor", hypervisor)];
            let host = api.ok("addHost", &[&within[..], &login, &[("url", &url)]].concat()).await;
            let host = text(&host["host"][0]["id"]);
            let pool_name = format!("pool-{name}-{number}");
            let pool = [
                ("name", pool_name.as_str()),
                ("hostid", &host),
                ("scope", "host"),
                ("url", "file:///var/lib/libvirt/images"),
            ];
            api.ok("createStoragePool", &[&within[..], &pool].concat()).await;
            api.ok("discoverGpuDevices", &[("id", &host)]).await;
            ids.push(host);
        }
        let deploy = things(api, images, name, hypervisor, &zone).await;
        Self { deploy, hosts: ids }
    }

    /// The parameters of a deployment.
    pub fn params(&self) -> Vec<(&str, &str)> {
        self.deploy.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

/// Template, network and offerings.
async fn things(
    api: &Client,
    images: &Path,
    name: &str,
    hypervisor: &str,
    zone: &str,
) -> Vec<(&'static str, String)> {
    let image = images.join("tiny.qcow2");
    let mut make = Command::new("qemu-img");
    make.args(["create", "-q", "-f", "qcow2"]).arg(&image).arg("1M");
    assert!(make.status().expect("qemu-img").success());
    let stores = api.ok("listImageStores", &[]).await;
    if stores["count"].is_null() {
        api.ok("addImageStore", &[("name", "images"), ("provider", "Local")]).await;
    }
    let url = format!("file://{}", image.canonicalize().expect("a path").display());
    let template = [("name", name), ("displaytext", name), ("format", "QCOW2"), ("url", &url)];
    let template =
        [&template[..], &[("hypervisor", hypervisor), ("zoneid", zone), ("ispublic", "true")]]
            .concat();
    let template = text(&api.ok("registerTemplate", &template).await["template"][0]["id"]);
    let which = [("templatefilter", "self"), ("id", template.as_str())];
    while api.ok("listTemplates", &which).await["template"][0]["isready"] != true {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let offerings = api.ok("listNetworkOfferings", &[("guestiptype", "Isolated")]).await;
    let network = text(&offerings["networkoffering"][0]["id"]);
    let network = [("name", name), ("zoneid", zone), ("networkofferingid", &network)];
    let network = [&network[..], &[("gateway", "10.1.0.1"), ("netmask", "255.255.0.0")]].concat();
    let network = text(&api.ok("createNetwork", &network).await["network"]["id"]);
    let size = [("cpunumber", "1"), ("cpuspeed", "500"), ("memory", "256"), ("name", name)];
    let size = [&size[..], &[("displaytext", name)]].concat();
    let service = text(&api.ok("createServiceOffering", &size).await["serviceoffering"]["id"]);
    let devices = api.ok("listGpuDevices", &[("pagesize", "1"), ("page", "1")]).await;
    let card = text(&devices["gpudevice"][0]["gpucardid"]);
    let gpu = [("name", name), ("gpualternatives[0].gpucardid", &card)];
    let gpu = [&gpu[..], &[("gpualternatives[0].gpucount", "1")]].concat();
    let gpu = text(&api.ok("createGpuOffering", &gpu).await["gpuoffering"]["id"]);
    vec![
        ("zoneid", zone.to_owned()),
        ("templateid", template),
        ("networkids", network),
        ("serviceofferingid", service),
        ("gpuofferingid", gpu),
    ]
}
