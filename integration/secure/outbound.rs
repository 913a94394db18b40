//! What the service calls: templates by URL and the webhook of the operator, and where neither leads.

use crate::world::{Client, World};
use csgpu::{command::Webhook, hypervisor::fake::FakeShape};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A server that answers everything with these lines; how often it was asked.
fn answering(head: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let mut buffer = [0; 4096];
            while matches!(stream.read(&mut buffer), Ok(1..)) {}
            count.fetch_add(1, Ordering::Relaxed);
            let _ = write!(stream, "{head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (address, asked)
}

async fn register(client: &Client, zone: &str, url: &str) -> Result<String, String> {
    let words =
        [("name", "t"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("zoneid", zone), ("url", url)];
    let answer = client.post("registerTemplate", &words).await;
    match answer.status {
        200 => Ok(answer.inner()["template"][0]["id"].as_str().expect("an id").to_owned()),
        _ => Err(answer.error().to_owned()),
    }
}

/// Waits until a template is no longer being fetched; what it says then.
async fn outcome(world: &World, id: &str) -> String {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let query =
            format!("SELECT CONCAT(state, ' ', status) AS text FROM template WHERE id = '{id}'");
        let text = world.texts(&query).await.remove(0);
        if !text.starts_with("Downloading") {
            return text;
        }
        assert!(Instant::now() < end, "{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn s24_a_template_of_a_user_reads_nothing_that_only_the_service_reaches() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let joe = world.user("joe").await;
    let (inside, asked) = answering("HTTP/1.1 200 OK".to_owned());
    let port = inside.port();
    for url in [
        format!("http://{inside}/x.qcow2"),
        format!("http://localhost:{port}/x.qcow2"),
        format!("http://[::1]:{port}/x.qcow2"),
        format!("http://[::ffff:127.0.0.1]:{port}/x.qcow2"),
        format!("http://0.0.0.0:{port}/x.qcow2"),
        format!("http://127.1:{port}/x.qcow2"),
        format!("http://2130706433:{port}/x.qcow2"),
        format!("http://0x7f000001:{port}/x.qcow2"),
        format!("http://somebody@127.0.0.1:{port}/x.qcow2"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://10.0.0.1/x.qcow2".to_owned(),
    ] {
        match register(&joe, &site.zone, &url).await {
            Err(why) => assert!(!why.contains("Internal"), "{url}: {why}"),
            Ok(id) => {
                let text = outcome(&world, &id).await;
                assert!(!text.starts_with("Ready"), "{url}: {text}");
            }
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the service asked itself for a user");
    for url in [
        "gopher://x/y",
        "ftp://x/y",
        "dict://x",
        "jar:http://x",
        "http:/x",
        "data:,x",
        "unix:///x",
        "http://",
    ] {
        assert!(register(&joe, &site.zone, url).await.is_err(), "{url}");
        assert!(register(&world.admin, &site.zone, url).await.is_err(), "{url}");
    }
}

/// An address that an administrator named may be inside; what it leads on to is not what the administrator named.
#[actix_web::test]
async fn s24_a_template_is_not_led_elsewhere() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let (inside, asked) = answering("HTTP/1.1 200 OK".to_owned());
    for place in [
        "file:///etc/passwd".to_owned(),
        format!("ftp://{inside}/x"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://[::1]:{}/x", inside.port()),
        format!("http://localhost:{}/x", inside.port()),
    ] {
        let (leading, first) = answering(format!("HTTP/1.1 302 Found\r\nLocation: {place}"));
        let url = format!("http://{leading}/x.qcow2");
        let id = register(&world.admin, &site.zone, &url)
            .await
            .expect("an administrator names any address");
        let text = outcome(&world, &id).await;
        assert!(!text.starts_with("Ready") && !text.contains("root:"), "{place}: {text}");
        assert!(first.load(Ordering::Relaxed) > 0, "{place}: {text}");
        assert!(text.contains("cannot be fetched"), "{place}: {text}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    // one that leads on to itself is followed
    let (inside, asked) = answering("HTTP/1.1 302 Found\r\nLocation: /again".to_owned());
    let id = register(&world.admin, &site.zone, &format!("http://{inside}/x.qcow2"))
        .await
        .expect("an address");
    outcome(&world, &id).await;
    assert!(asked.load(Ordering::Relaxed) > 1);
}

#[actix_web::test]
async fn s33_only_files_of_the_image_directory_are_images() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let joe = world.user("joe").await;
    let images = world.dir.join("images").canonicalize().expect("a directory");
    std::os::unix::fs::symlink("/etc/passwd", images.join("link.qcow2")).expect("a link");
    std::fs::write(images.join("own.qcow2"), "x").expect("a file");
    let inside = images.display();
    for url in [
        "file:///etc/passwd".to_owned(),
        format!("file://{inside}/link.qcow2"),
        format!("file://{inside}/../../../../../../../etc/passwd"),
        format!("file://{inside}"),
        "file://".to_owned(),
        "file:///dev/zero".to_owned(),
        "FILE:///etc/passwd".to_owned(),
    ] {
        for client in [&world.admin, &joe] {
            let refused = register(client, &site.zone, &url).await;
            assert!(refused.is_err(), "{url}");
        }
    }
    let own = format!("file://{inside}/own.qcow2");
    assert!(register(&joe, &site.zone, &own).await.is_err(), "files are for root administrators");
    let id = register(&world.admin, &site.zone, &own).await.expect("a file of the directory");
    let text = outcome(&world, &id).await;
    assert!(!text.starts_with("Ready"), "what is no image is none: {text}");
}

#[actix_web::test]
async fn s24_the_webhook_is_the_one_that_was_configured() {
    let mut world = World::new().await;
    let (inside, asked) = answering("HTTP/1.1 200 OK".to_owned());
    let (hook, first) = answering(format!("HTTP/1.1 307 Moved\r\nLocation: http://{inside}/"));
    world
        .restart_with(|settings| {
            settings.alert_webhook = Some(Webhook::new(format!("http://{hook}/")))
        })
        .await;
    let words = [("name", "x"), ("type", "99"), ("description", "an alert")];
    world.admin.ok("generateAlert", &words).await;
    let end = Instant::now() + Duration::from_secs(15);
    while first.load(Ordering::Relaxed) == 0 {
        assert!(Instant::now() < end, "the webhook was not called");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the alert was sent on to somebody else");
    let told = world.texts("SELECT CAST(COUNT(*) AS CHAR) AS text FROM alert WHERE told = 1").await;
    assert_eq!(told, ["0"], "who sends it on has not taken it");
}
