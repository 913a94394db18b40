//! Templates: registered at once, fetched in the background, refused with the reason, shown by CloudStack's filters.

use crate::{
    world::World,
    zone::{text, zone_pod_cluster},
};
use serde_json::Value;
use std::{path::PathBuf, process::Command, time::Duration};

/// A disk image below the directory of images; its `file://` address.
fn image(world: &World, name: &str, arguments: &[&str]) -> String {
    let file: PathBuf = world.dir.join("images").join(name);
    let made = Command::new("qemu-img")
        .args(["create", "-q"])
        .args(arguments)
        .arg(&file)
        .arg("64M")
        .status()
        .expect("qemu-img");
    assert!(made.success());
    format!("file://{}", file.display())
}

async fn register(world: &World, url: &str, more: &[(&str, &str)]) -> String {
    let mut params = vec![
        ("name", "tiny"),
        ("displaytext", "a tiny system"),
        ("url", url),
        ("hypervisor", "KVM"),
        ("ispublic", "true"),
    ];
    if !more.iter().any(|(name, _)| *name == "format") {
        params.push(("format", "QCOW2"));
    }
    params.extend(more);
    let made = world.admin.ok("registerTemplate", &params).await;
    assert_eq!(made["count"], 1, "registerTemplate answers in the shape of a list");
    assert_eq!(made["template"][0]["isready"], false);
    text(&made["template"][0]["id"])
}

/// The template when its file is there or refused.
async fn settled(world: &World, id: &str) -> Value {
    for _ in 0..200 {
        let filter = [("templatefilter", "all"), ("id", id), ("showunique", "true")];
        let listed = world.admin.ok("listTemplates", &filter).await;
        let found = &listed["template"][0];
        if !text(&found["status"]).ends_with("Downloaded") {
            return found.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("template {id} does not settle")
}

#[tokio::test]
async fn a_template_becomes_ready_when_its_file_is_good() {
    let world = World::new().await;
    zone_pod_cluster(&world).await;
    let url = image(&world, "good.qcow2", &["-f", "qcow2"]);
    let id = register(
        &world,
        &url,
        &[("isfeatured", "true"), ("details[0].rootDiskController", "scsi")],
    )
    .await;
    let found = settled(&world, &id).await;
    assert_eq!(found["isready"], true, "{found}");
    assert_eq!(found["status"], "Download Complete");
    assert_eq!(found["size"], 64 << 20);
    assert_eq!(found["zonename"], "Sandbox");
    assert_eq!(found["details"]["rootDiskController"], "scsi");
    assert_eq!(found["downloaddetails"][0]["downloadPercent"], "100");
    assert!(world.dir.join("images").join(format!("{id}.qcow2")).is_file());
    for filter in ["featured", "self", "selfexecutable", "executable"] {
        let listed = world.admin.ok("listTemplates", &[("templatefilter", filter)]).await;
        assert_eq!(listed["count"], 1, "{filter}");
    }
    let community = world.admin.ok("listTemplates", &[("templatefilter", "community")]).await;
    assert_eq!(community, serde_json::json!({}));
    let update = [("id", id.as_str()), ("name", "small"), ("details[0].keyboard", "de")];
    let changed = world.admin.ok("updateTemplate", &update).await;
    assert_eq!(changed["template"]["name"], "small");
    assert_eq!(changed["template"]["details"], serde_json::json!({"keyboard": "de"}));
    let job = world.admin.call_async("deleteTemplate", &[("id", &id)]).await;
    assert_eq!(job["jobresult"]["success"], true, "{job}");
    assert!(!world.dir.join("images").join(format!("{id}.qcow2")).exists());
}

#[tokio::test]
async fn a_file_that_is_not_what_it_should_be_is_refused_with_the_reason() {
    let world = World::new().await;
    zone_pod_cluster(&world).await;
    let good = image(&world, "good.qcow2", &["-f", "qcow2"]);
    let back = world.dir.join("images/good.qcow2");
    let layer = image(
        &world,
        "layer.qcow2",
        &["-f", "qcow2", "-F", "qcow2", "-b", &back.display().to_string()],
    );
    let zeros = "0".repeat(64);
    for (url, more, why) in [
        (&good, ("format", "RAW"), "the file is qcow2, not RAW"),
        (&layer, ("isfeatured", "false"), "the file names a backing file"),
        (&good, ("checksum", zeros.as_str()), "the checksum does not match"),
    ] {
        let id = register(&world, url, &[more]).await;
        let found = settled(&world, &id).await;
        assert_eq!(found["isready"], false);
        assert!(text(&found["status"]).starts_with(why), "{found}");
    }
    let left = std::fs::read_dir(world.dir.join("images")).expect("images").count();
    assert_eq!(left, 2, "nothing of a refused file stays");
}

#[tokio::test]
async fn what_cannot_be_a_template_is_refused_at_once() {
    let world = World::new().await;
    zone_pod_cluster(&world).await;
    let good = image(&world, "good.qcow2", &["-f", "qcow2"]);
    let base = [("name", "x"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("url", good.as_str())];
    for (name, value) in [
        ("format", "OVA"),
        ("format", "VHD"),
        ("hypervisor", "XenServer"),
        ("url", "file:///etc/passwd"),
        ("url", "ftp://example.org/x"),
        ("url", "http://"),
        ("checksum", "abc"),
        ("passwordenabled", "true"),
        ("arch", "aarch64"),
    ] {
        let mut params: Vec<(&str, &str)> =
            base.iter().filter(|(own, _)| *own != name).copied().collect();
        params.push((name, value));
        let refused = world.admin.call("registerTemplate", &params).await;
        assert_eq!(refused.status, 431, "{name}={value}: {}", refused.text());
    }
    let all = world.admin.ok("listTemplates", &[("templatefilter", "all")]).await;
    assert_eq!(all, serde_json::json!({}));
}

#[tokio::test]
async fn another_server_goes_on_with_what_a_dead_one_fetched() {
    let mut world = World::new().await;
    zone_pod_cluster(&world).await;
    let url = image(&world, "good.qcow2", &["-f", "qcow2"]);
    world.server.crash();
    let (_second, client) = world.another_server().await;
    let params = [("name", "t"), ("url", url.as_str()), ("hypervisor", "KVM"), ("format", "QCOW2")];
    let made = client.ok("registerTemplate", &params).await;
    let id = text(&made["template"][0]["id"]);
    world.admin = client;
    assert_eq!(settled(&world, &id).await["isready"], true);
}
