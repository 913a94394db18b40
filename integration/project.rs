//! Projects: shared by their members, invisible to others, and apart from what accounts own themselves.

use crate::world::{Client, World, site::Site};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::Value;

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

async fn project(client: &Client, name: &str) -> String {
    let made = client.call_async("createProject", &[("name", name)]).await;
    assert_eq!(made["jobstatus"], 1, "{made}");
    id(&made["jobresult"]["project"])
}

async fn deploy(client: &Client, site: &Site, size: &str, project: Option<&str>) -> String {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    words.extend(project.map(|project| ("projectid", project)));
    let made = client.call_async("deployVirtualMachine", &words).await;
    assert_eq!(made["jobstatus"], 1, "{made}");
    id(&made["jobresult"]["virtualmachine"])
}

async fn seen(client: &Client, params: &[(&str, &str)]) -> Vec<String> {
    let listed = client.ok("listVirtualMachines", params).await;
    listed["virtualmachine"].as_array().into_iter().flatten().map(id).collect()
}

#[actix_web::test]
async fn members_share_what_others_do_not_see() {
    let world = World::new().await;
    let (joe, eve, far) =
        (world.user("joe").await, world.user("eve").await, world.user("far").await);
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let size = world.size("s", 0).await;
    let shared = project(&joe, "shared").await;
    let add = [("projectid", shared.as_str()), ("account", "eve")];
    assert_eq!(joe.call_async("addAccountToProject", &add).await["jobstatus"], 1);
    let (own, ours) =
        (deploy(&joe, &site, &size, None).await, deploy(&eve, &site, &size, Some(&shared)).await);
    for (client, params, expected) in [
        (&joe, vec![], vec![&own]),
        (&joe, vec![("listall", "true")], vec![&own]),
        (&joe, vec![("projectid", &*shared)], vec![&ours]),
        (&joe, vec![("projectid", "-1")], vec![&ours]),
        (&joe, vec![("projectid", "-1"), ("listall", "true")], vec![&own, &ours]),
        (&joe, vec![("id", &*ours)], vec![&ours]),
        (&eve, vec![], vec![]),
        (&eve, vec![("projectid", &*shared)], vec![&ours]),
        (&far, vec![("projectid", "-1")], vec![]),
        (&world.admin, vec![("listall", "true")], vec![&own]),
        (&world.admin, vec![("projectid", "-1")], vec![&ours]),
        (&world.admin, vec![("projectid", "-1"), ("listall", "true")], vec![&own, &ours]),
    ] {
        let found = seen(client, &params).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{params:?}");
    }
    assert_eq!(joe.call_async("stopVirtualMachine", &[("id", &ours)]).await["jobstatus"], 1);
    for (command, name, value) in [
        ("listVirtualMachines", "projectid", &shared),
        ("listVirtualMachines", "id", &ours),
        ("stopVirtualMachine", "id", &ours),
        ("listProjects", "id", &shared),
        ("listProjectAccounts", "projectid", &shared),
        ("deleteProject", "id", &shared),
    ] {
        assert_eq!(far.call(command, &[(name, value)]).await.status, 431, "{command}");
    }
    let both = [("projectid", shared.as_str()), ("account", "joe"), ("domainid", "1")];
    assert_eq!(joe.call("listVirtualMachines", &both).await.status, 431);
    let accounts = world.admin.ok("listAccounts", &[("listall", "true")]).await;
    assert!(!accounts.to_string().contains("PrjAcct"), "{accounts}");
}

#[actix_web::test]
async fn a_project_is_changed_by_its_administrators_alone() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let shared = project(&joe, "shared").await;
    let listed = joe.ok("listProjects", &[]).await;
    let found = &listed["project"][0];
    assert_eq!((&found["state"], &found["displaytext"]), (&"Active".into(), &"shared".into()));
    assert_eq!(found["owner"][0]["account"], "joe");
    let twice = joe.call("createProject", &[("name", "shared")]).await;
    assert_eq!(twice.status, 431, "{}", twice.text());
    let add = [("projectid", shared.as_str()), ("account", "eve")];
    joe.call_async("addAccountToProject", &add).await;
    assert_eq!(joe.call("addAccountToProject", &add).await.status, 431);
    for command in ["suspendProject", "updateProject", "deleteProject"] {
        assert_eq!(eve.call(command, &[("id", &shared)]).await.status, 531, "{command}");
    }
    let heir = [("id", shared.as_str()), ("account", "eve"), ("displaytext", "hers")];
    let changed = joe.call_async("updateProject", &heir).await;
    assert_eq!(changed["jobresult"]["project"]["owner"][0]["account"], "eve", "{changed}");
    assert_eq!(joe.call("suspendProject", &[("id", &shared)]).await.status, 531);
    let last = [("projectid", shared.as_str()), ("account", "eve")];
    assert_eq!(eve.call("deleteAccountFromProject", &last).await.status, 431);
    let gone = [("projectid", shared.as_str()), ("account", "joe")];
    assert_eq!(eve.call_async("deleteAccountFromProject", &gone).await["jobstatus"], 1);
    assert_eq!(joe.call("listProjects", &[("id", &shared)]).await.status, 431);
    let members = eve.ok("listProjectAccounts", &[("projectid", &shared)]).await;
    assert_eq!(
        (&members["count"], &members["projectaccount"][0]["role"]),
        (&1.into(), &"Admin".into())
    );
}

#[actix_web::test]
async fn nothing_is_made_in_a_suspended_project_and_an_empty_one_goes() {
    let world = World::new().await;
    let joe = world.user("joe").await;
    let shared = project(&joe, "shared").await;
    let suspended = joe.call_async("suspendProject", &[("id", &shared)]).await;
    assert_eq!(suspended["jobresult"]["project"]["state"], "Suspended");
    let key = [("name", "k"), ("projectid", shared.as_str())];
    let refused = joe.call("createSSHKeyPair", &key).await;
    assert_eq!((refused.status, refused.error()), (531, "project shared is suspended"));
    let started = joe.call("activateProject", &[("id", &shared)]).await;
    assert!(
        started.text().starts_with(r#"{"activaterojectresponse":{"jobid""#),
        "{}",
        started.text()
    );
    joe.finished(started.inner()["jobid"].as_str().unwrap()).await;
    joe.ok("createSSHKeyPair", &key).await;
    assert_eq!(joe.ok("listSSHKeyPairs", &[("projectid", &shared)]).await["count"], 1);
    assert_eq!(joe.ok("listSSHKeyPairs", &[]).await, serde_json::json!({}));
    assert_eq!(joe.call_async("deleteProject", &[("id", &shared)]).await["jobstatus"], 1);
    assert_eq!(joe.ok("listProjects", &[]).await, serde_json::json!({}));
    project(&joe, "shared").await;
}
