//! Annotations: written and read by root administrators, and by whom a role allows it, about their own things.

use crate::world::{Client, World, places::text, site::instance};
use csgpu::{
    domain::{EntityType, Kind},
    hypervisor::fake::FakeShape,
};
use serde_json::json;

/// Writes about a thing; the annotation's id.
async fn note(client: &Client, (kind, id): (&str, &str), body: &str, admins_only: &str) -> String {
    let words = [("entitytype", kind), ("entityid", id), ("annotation", body)];
    let words = [&words[..], &[("adminsonly", admins_only)]].concat();
    text(&client.ok("addAnnotation", &words).await["annotation"]["id"])
}

/// What a caller reads, in order.
async fn read(client: &Client, words: &[(&str, &str)]) -> Vec<String> {
    let listed = client.ok("listAnnotations", words).await;
    let all = listed["annotation"].as_array().cloned().unwrap_or_default();
    all.iter().map(|one| text(&one["annotation"])).collect()
}

#[actix_web::test]
async fn administrators_write_about_anything_and_it_goes_with_the_thing() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let admin = &world.admin;
    world.found_clusters().await;
    let vm = world.stopped(&site, admin, "one").await;
    let host = site.racks[0].id.to_string();
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    for of in [("HOST", &host), ("ZONE", &site.zone), ("DOMAIN", &root), ("NETWORK", &site.network)]
    {
        note(admin, (of.0, of.1), of.0, "true").await;
    }
    let id = note(admin, ("VM", &vm), "look here", "false").await;
    let shown = admin.ok("listAnnotations", &[("id", &id)]).await;
    let one = &shown["annotation"][0];
    assert_eq!((&shown["count"], &one["entityname"]), (&json!(1), &json!("one")));
    assert_eq!((&one["entitytype"], &one["entityid"]), (&json!("VM"), &json!(vm)));
    assert_eq!((&one["username"], &one["adminsonly"]), (&json!("admin"), &json!(false)));
    assert!(one["created"].is_string() && one["userid"].is_string());
    assert_eq!(read(admin, &[("entitytype", "HOST"), ("entityid", &host)]).await, ["HOST"]);
    assert_eq!(
        read(admin, &[("keyword", "here"), ("annotationfilter", "self")]).await,
        ["look here"]
    );
    assert_eq!(read(admin, &[]).await.len(), 5);
    for (list, object) in [("listVirtualMachines", "virtualmachine"), ("listHosts", "host")] {
        assert_eq!(admin.ok(list, &[]).await[object][0]["hasannotations"], true, "{list}");
    }
    let networks = admin.ok("listNetworks", &[("id", &site.network)]).await;
    assert_eq!(networks["network"][0]["hasannotations"], true);
    let gone = [("id", vm.as_str()), ("expunge", "true")];
    instance(&admin.call_async("destroyVirtualMachine", &gone).await);
    assert_eq!(admin.call("removeAnnotation", &[("id", &id)]).await.status, 431);
    assert_eq!(read(admin, &[("entitytype", "VM")]).await.len(), 0);
    let bad = |kind, id| [("entitytype", kind), ("entityid", id), ("annotation", "x")];
    let answer = admin.call("addAnnotation", &bad("Vm", &vm)).await;
    assert_eq!(answer.error(), "'Vm' is not a valid EntityType to put annotations on");
    let answer = admin.call("addAnnotation", &bad("VOLUME", &host)).await;
    let words = format!("Could not find an entity with type: VOLUME and ID: {host}");
    assert_eq!((answer.status, answer.error()), (431, words.as_str()));
    let answer = admin.call("addAnnotation", &[("annotation", "x")]).await;
    assert_eq!(answer.error(), "I need to have an entity to set an annotation on!");
    world.settle().await;
}

#[actix_web::test]
async fn whom_a_role_allows_it_writes_and_reads_about_what_is_theirs() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let admin = &world.admin;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    assert_eq!(joe.call("listAnnotations", &[]).await.status, 432);
    let made = admin.ok("createRole", &[("name", "writers"), ("type", "User")]).await;
    let role = text(&made["role"]["id"]);
    let rule = [("roleid", role.as_str()), ("rule", "*Annotation*"), ("permission", "allow")];
    admin.ok("createRolePermission", &rule).await;
    let names = "('joe', 'eve')";
    world.run(&format!("UPDATE account SET role_id = '{role}' WHERE name IN {names}")).await;
    let (vm, other) =
        (world.stopped(&site, &joe, "joes").await, world.stopped(&site, &eve, "eves").await);
    let own = note(&joe, ("VM", &vm), "mine", "true").await;
    let open = note(admin, ("VM", &vm), "for joe", "false").await;
    let secret = note(admin, ("VM", &vm), "about joe", "true").await;
    note(&eve, ("VM", &other), "hers", "false").await;
    assert_eq!(read(&joe, &[]).await, ["mine", "for joe"]);
    assert_eq!(read(&joe, &[("entitytype", "VM"), ("entityid", &other)]).await.len(), 0);
    assert_eq!(read(&joe, &[("id", &secret)]).await.len(), 0);
    assert_eq!(read(admin, &[("entityid", &vm)]).await, ["mine", "for joe", "about joe"]);
    let about = |kind, id| [("entitytype", kind), ("entityid", id), ("annotation", "x")];
    let answer = joe.call("addAnnotation", &about("VM", &other)).await;
    let words = format!("Could not find an entity with type: VM and ID: {other}");
    assert_eq!((answer.status, answer.error()), (431, words.as_str()));
    assert_eq!(joe.call("addAnnotation", &about("TEMPLATE", &site.template)).await.status, 531);
    let answer = joe.call("addAnnotation", &about("ZONE", &site.zone)).await;
    let words = "User: joe is not allowed to add annotations on type: ZONE";
    assert_eq!((answer.status, answer.error()), (530, words));
    for id in [&open, &secret] {
        let words = [("id", id.as_str()), ("adminsonly", "false")];
        assert_eq!(joe.call("updateAnnotationVisibility", &words).await.status, 530);
    }
    assert_eq!(joe.call("removeAnnotation", &[("id", &open)]).await.status, 530);
    assert_eq!(joe.call("removeAnnotation", &[("id", &secret)]).await.status, 431);
    // what is shown to all becomes what root administrators alone see
    let words = [("id", open.as_str()), ("adminsonly", "true")];
    admin.ok("updateAnnotationVisibility", &words).await;
    assert_eq!(read(&joe, &[]).await, ["mine"]);
    joe.ok("removeAnnotation", &[("id", &own)]).await;
    let shown = |answer: serde_json::Value| answer["virtualmachine"][0]["hasannotations"].clone();
    assert_eq!(shown(joe.ok("listVirtualMachines", &[("id", &vm)]).await), false);
    assert_eq!(shown(admin.ok("listVirtualMachines", &[("id", &vm)]).await), true);
}

/// What can be annotated: the list and its object, what annotations call it, and the command that changes one and shows it
/// at once.
const LISTS: [(&str, &str, &str, Option<&str>); 15] = [
    ("listVirtualMachines", "virtualmachine", "VM", Some("updateVirtualMachine")),
    ("listVolumes", "volume", "VOLUME", None),
    ("listSSHKeyPairs", "sshkeypair", "SSH_KEYPAIR", None),
    ("listNetworks", "network", "NETWORK", None),
    ("listTemplates", "template", "TEMPLATE", None),
    ("listServiceOfferings", "serviceoffering", "SERVICE_OFFERING", Some("updateServiceOffering")),
    ("listDiskOfferings", "diskoffering", "DISK_OFFERING", None),
    ("listNetworkOfferings", "networkoffering", "NETWORK_OFFERING", None),
    ("listZones", "zone", "ZONE", Some("updateZone")),
    ("listPods", "pod", "POD", Some("updatePod")),
    ("listClusters", "cluster", "CLUSTER", Some("updateCluster")),
    ("listHosts", "host", "HOST", Some("updateHost")),
    ("listDomains", "domain", "DOMAIN", Some("updateDomain")),
    ("listStoragePools", "storagepool", "PRIMARY_STORAGE", Some("updateStoragePool")),
    ("listImageStores", "imagestore", "SECONDARY_STORAGE", None),
];

/// The things of a list that a caller sees, each with whether it has annotations.
async fn marked(client: &Client, list: &str, object: &str) -> Vec<(String, bool)> {
    let words = [("listall", "true"), ("templatefilter", "featured")];
    let answer = client.call(list, &words).await;
    let rows = answer.inner()[object].as_array().cloned().unwrap_or_default();
    let row = |row: &serde_json::Value| {
        (text(&row["id"]), row["hasannotations"].as_bool().unwrap_or_else(|| panic!("{row}")))
    };
    rows.iter().map(row).collect()
}

#[actix_web::test]
async fn every_list_says_which_things_have_annotations() {
    // servers have no such field
    let known = EntityType::ALL.iter().filter(|one| one.kind.is_some_and(|it| it != Kind::Server));
    assert_eq!(known.map(|one| one.name).collect::<Vec<_>>(), LISTS.map(|list| list.2));
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let (admin, joe) = (&world.admin, world.user("joe").await);
    world.found_clusters().await;
    world.stopped(&site, admin, "one").await;
    admin.ok("createSSHKeyPair", &[("name", "k")]).await;
    let disk = [("name", "d"), ("displaytext", "d"), ("disksize", "1")];
    admin.ok("createDiskOffering", &disk).await;
    admin.ok("addImageStore", &[("provider", "Local")]).await;
    let mut seen_by_joe = Vec::new();
    for (list, object, kind, change) in LISTS {
        let before = marked(admin, list, object).await;
        assert!(!before.is_empty() && before.iter().all(|row| !row.1), "{list}: {before:?}");
        let thing = before[0].0.as_str();
        let secret = note(admin, (kind, thing), "for administrators", "true").await;
        let after: Vec<_> = before.iter().map(|(id, _)| (id.clone(), id == thing)).collect();
        assert_eq!(marked(admin, list, object).await, after, "{list}");
        if let Some(change) = change {
            let changed = admin.ok(change, &[("id", thing)]).await;
            assert_eq!(changed[object]["hasannotations"], true, "{change}: {changed}");
        }
        let sees = marked(&joe, list, object).await;
        assert!(sees.iter().all(|row| !row.1), "{list}: {sees:?}");
        let shown = [("id", secret.as_str()), ("adminsonly", "false")];
        admin.ok("updateAnnotationVisibility", &shown).await;
        if sees.iter().any(|(id, _)| id == thing) {
            let mark = (thing.to_owned(), true);
            assert!(marked(&joe, list, object).await.contains(&mark), "{list}");
            seen_by_joe.push(kind);
        }
        admin.ok("removeAnnotation", &[("id", &secret)]).await;
        assert_eq!(marked(admin, list, object).await, before, "{list}");
    }
    for kind in ["TEMPLATE", "SERVICE_OFFERING", "DISK_OFFERING", "NETWORK_OFFERING", "ZONE"] {
        assert!(seen_by_joe.contains(&kind), "{seen_by_joe:?}");
    }
}
