//! What addHost says of a machine that cannot be taken: the reason, within ten seconds, and nothing is kept.

use super::{
    cloud::{Places, is_slow},
    proxy::{Line, Proxy},
    rig::{self, Host, uri},
    service::Service,
};
use crate::world::client::Answer;
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

/// The longest that a client waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// addHost must refuse in time, with all these words; nothing is kept.
async fn refused(
    service: &Service,
    places: &Places,
    url: &str,
    password: Option<&str>,
    says: &[&str],
) {
    let hosts = service.texts("SELECT uri AS text FROM host WHERE removed IS NULL");
    let mut answer = ask(service, places, url, password).await;
    for _ in 0..3 {
        if is_slow(&answer) {
            answer = ask(service, places, url, password).await;
        }
    }
    for says in says {
        assert!(answer.error().contains(says), "{says:?} is not in {}", answer.text());
    }
    let after = service.texts("SELECT uri AS text FROM host WHERE removed IS NULL");
    assert_eq!(after, hosts, "a refused host is kept");
}

async fn ask(service: &Service, places: &Places, url: &str, password: Option<&str>) -> Answer {
    let began = Instant::now();
    let answer = places.try_add(service, url, password).await;
    let took = began.elapsed();
    eprintln!("gpu_host: {:>4.1} s {} {}", took.as_secs_f32(), answer.status, answer.error());
    assert!(answer.status >= 400, "{url} was taken: {}", answer.text());
    assert!(took < PATIENCE, "{took:?} for {}", answer.text());
    if let Some(password) = password {
        assert!(!answer.text().contains(password), "the password is told: {}", answer.text());
    }
    answer
}

#[tokio::test]
async fn a_machine_that_cannot_be_taken_is_told_why_within_ten_seconds() {
    let Some(host) = rig::take("b").await else { return };
    let service = Service::start().await;
    let places = Places::make(&service).await;
    nobody_there(&service, &places).await;
    nobody_we_know(&service, &places, &host).await;
    no_libvirt(&service, &places, &host).await;
    already_there(&service, &places, &host).await;
    no_iommu(&service, &places, &host).await;
    service.settle(10).await;
    host.assert_free();
}

async fn nobody_there(service: &Service, places: &Places) {
    let closed = {
        let port = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        port.local_addr().expect("a bound port").port()
    };
    let place = format!("127.0.0.1:{closed}");
    refused(service, places, &uri(closed), None, &[&place, "refuses the connection"]).await;
    let silent = Proxy::silent();
    let place = format!("127.0.0.1:{}", silent.port);
    refused(service, places, &uri(silent.port), None, &[&place, "says nothing"]).await;
    let hangs_up = Proxy::silent();
    hangs_up.set(Line::Cut);
    refused(service, places, &uri(hangs_up.port), None, &["closed the connection at once"]).await;
    refused(
        service,
        places,
        "qemu+ssh://root@no-such-host.invalid/system",
        None,
        &["no-such-host"],
    )
    .await;
}

async fn nobody_we_know(service: &Service, places: &Places, host: &Host) {
    let says = ["does not accept the service's ssh key for user root", "csgpu ssh-key"];
    refused(service, places, &host.uri(), None, &says).await;
    let says = ["does not accept this password for user root"];
    refused(service, places, &host.uri(), Some("let-me-in-please"), &says).await;
    let login = "http://127.0.0.1:22";
    refused(service, places, login, None, &["Username and Password need to be provided."]).await;
}

async fn no_libvirt(service: &Service, places: &Places, host: &Host) {
    host.sh("systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd");
    let says = ["ssh to", "works but no libvirtd answers there"];
    refused(service, places, &host.uri(), Some(&host.password()), &says).await;
    host.sh("systemctl start libvirtd.socket libvirtd");
}

async fn already_there(service: &Service, places: &Places, host: &Host) {
    let id = places.add(service, host).await;
    let listed = service.admin.ok("listHosts", &[("id", &id)]).await;
    assert_eq!(listed["host"][0]["state"], "Up", "{listed}");
    let known = ["is already added: it is host", &id];
    refused(service, places, &host.uri(), None, &known).await;
    let other = Proxy::to(host.port());
    refused(service, places, &uri(other.port), None, &known).await;
    host.change_host_key();
    refused(service, places, &host.uri(), None, &known).await;
    service.admin.ok("deleteHost", &[("id", &id)]).await;
}

/// Refused with the remedy, unless the administrator says that it is meant.
async fn no_iommu(service: &Service, places: &Places, host: &Host) {
    host.boot_anew(&[("CSGPU_RIG_KERNEL", "intel_iommu=off")]);
    let says = ["has no IOMMU", "intel_iommu=on", "allownoiommu=true"];
    refused(service, places, &host.uri(), Some(&host.password()), &says).await;
    host.boot_anew(&[]);
}
