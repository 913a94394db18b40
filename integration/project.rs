//! Projects: shared by their members, invisible to others, and apart from what accounts own themselves.

use crate::world::{Client, World, site::Site};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::Value;

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

async fn project(client: &Client, name: &str) -> String {
    id(&client.done("createProject", &[("name", name)]).await["project"])
}

async fn deploy(client: &Client, site: &Site, size: &str, project: Option<&str>) -> String {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    words.extend(project.map(|project| ("projectid", project)));
    id(&client.done("deployVirtualMachine", &words).await["virtualmachine"])
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
    let found = &eve.ok("listVirtualMachines", &[("id", &ours)]).await["virtualmachine"][0];
    assert_eq!(
        (&found["projectid"], &found["project"], found.get("account")),
        (&shared.clone().into(), &"shared".into(), None)
    );
    assert_eq!(found["username"], "eve");
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

/// A project of Joe's and Eve's with an instance, a network, a template, a key, a group.
async fn furnished(world: &World, joe: &Client, site: &Site, shared: &str) -> String {
    let add = [("projectid", shared), ("account", "eve")];
    assert_eq!(joe.call_async("addAccountToProject", &add).await["jobstatus"], 1);
    let size = world.size("with a gpu", 1).await;
    let vm = deploy(joe, site, &size, Some(shared)).await;
    joe.ok("createSSHKeyPair", &[("name", "k"), ("projectid", shared)]).await;
    let words = [("name", "apart"), ("type", "host anti-affinity"), ("projectid", shared)];
    assert_eq!(joe.call_async("createAffinityGroup", &words).await["jobstatus"], 1);
    for table in ["network", "template"] {
        world.run(&format!("UPDATE {table} SET account_id = (SELECT account_id FROM project WHERE id = '{shared}') WHERE name IN ('inside', 'debian')")).await;
    }
    vm
}

#[actix_web::test]
async fn what_belongs_to_a_project_names_it_everywhere() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let shared = project(&joe, "shared").await;
    let vm = furnished(&world, &joe, &site, &shared).await;
    for (command, list) in [
        ("listVirtualMachines", "virtualmachine"),
        ("listVolumes", "volume"),
        ("listNetworks", "network"),
        ("listTemplates", "template"),
        ("listSSHKeyPairs", "sshkeypair"),
        ("listAffinityGroups", "affinitygroup"),
        ("listEvents", "event"),
        ("listResourceLimits", "resourcelimit"),
        ("listUsageRecords", "usagerecord"),
    ] {
        let mut words = vec![("projectid", shared.as_str())];
        match command {
            "listTemplates" => words.push(("templatefilter", "self")),
            "listUsageRecords" => {
                words.extend([("startdate", "2020-01-01"), ("enddate", "2020-01-02")]);
                eve.ok(command, &words).await;
                let today = world.texts("SELECT CAST(UTC_DATE() AS CHAR) AS text").await.remove(0);
                let words = [("projectid", &*shared), ("startdate", &*today), ("enddate", &*today)];
                let found = eve.ok(command, &words).await;
                assert_eq!(found[list][0]["project"], "shared", "{found}");
                continue;
            }
            _ => {}
        }
        let found = eve.ok(command, &words).await;
        let rows = found[list].as_array().unwrap_or_else(|| panic!("{command}: {found}"));
        let of_project =
            rows.iter().filter(|row| row["projectid"] == *shared && row["project"] == "shared");
        let bare = rows.iter().filter(|row| row.get("account").is_some());
        // a network for everyone is in every list
        let others = usize::from(command == "listNetworks");
        assert_eq!(
            (of_project.count() + others, bare.count()),
            (rows.len(), others),
            "{command}: {found}"
        );
        if !matches!(command, "listResourceLimits" | "listTemplates") {
            let apart = eve.ok(command, &[("listall", "true")]).await.to_string();
            assert!(!apart.contains(&shared), "{command} without a project: {apart}");
        }
        let all = world.admin.ok(command, &[&words[1..], &[("projectid", "-1")]].concat()).await;
        assert!(command == "listResourceLimits" || all.to_string().contains(&shared), "{command}");
    }
    let (this, name) = (("id", vm.as_str()), ("name", "renamed"));
    assert_eq!(eve.call("updateVirtualMachine", &[this, ("displayname", "x")]).await.status, 200);
    for (table, command) in [("network", "updateNetwork"), ("template", "updateTemplate")] {
        let of = format!("SELECT id AS text FROM {table} WHERE name IN ('inside', 'debian')");
        let id = world.texts(&of).await.remove(0);
        let answer = eve.call(command, &[("id", id.as_str()), name]).await;
        assert_eq!(answer.status, 200, "{command}: {}", answer.text());
    }
    let limit = [("projectid", shared.as_str()), ("resourcetype", "0"), ("max", "1")];
    let set = world.admin.ok("updateResourceLimit", &limit).await;
    assert_eq!(
        (&set["resourcelimit"]["project"], &set["resourcelimit"]["max"]),
        (&"shared".into(), &1.into())
    );
    let size = world.size("small", 0).await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.extend([("networkids", &*site.bridge), ("projectid", &*shared)]);
    assert_eq!(eve.call("deployVirtualMachine", &words).await.status, 535);
    let root = id(&world.admin.ok("listDomains", &[]).await["domain"][0]);
    let count = [("projectid", shared.as_str()), ("domainid", &*root), ("resourcetype", "0")];
    let counted = world.admin.ok("updateResourceCount", &count).await;
    assert_eq!(counted["resourcecount"][0]["resourcecount"], 1, "{counted}");
}

#[actix_web::test]
async fn a_project_goes_with_everything_in_it_when_that_is_asked_for() {
    let world = World::new().await;
    let (joe, _eve) = (world.user("joe").await, world.user("eve").await);
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let shared = project(&joe, "shared").await;
    furnished(&world, &joe, &site, &shared).await;
    let refused = joe.call("deleteProject", &[("id", &shared)]).await;
    assert_eq!(
        (refused.status, refused.error()),
        (530, "Can't delete the project yet because it has 1 Template to clean up")
    );
    assert_eq!(joe.ok("listProjects", &[]).await["project"][0]["state"], "Active");
    let gone = joe.call_async("deleteProject", &[("id", &shared), ("cleanup", "true")]).await;
    assert_eq!(gone["jobstatus"], 1, "{gone}");
    world.settle().await;
    for query in [
        "SELECT id AS text FROM vm WHERE removed IS NULL",
        "SELECT id AS text FROM volume WHERE removed IS NULL",
        "SELECT id AS text FROM network WHERE name = 'inside' AND alive = 1",
        "SELECT id AS text FROM template WHERE removed IS NULL",
        "SELECT id AS text FROM ssh_key_pair",
        "SELECT id AS text FROM affinity_group",
        "SELECT id AS text FROM project_member",
        "SELECT id AS text FROM gpu_allocation WHERE active = 1",
    ] {
        assert_eq!(world.texts(query).await, Vec::<String>::new(), "{query}");
    }
    let devices = world.admin.ok("listGpuDevices", &[]).await;
    assert_eq!(devices["gpudevice"][0]["state"], "Free", "{devices}");
    assert_eq!(joe.call("listProjects", &[("id", &shared)]).await.status, 431);
}

#[actix_web::test]
async fn an_account_that_administers_a_project_stays_and_a_domain_takes_its_projects_along() {
    let world = World::new().await;
    let made = world.admin.ok("createDomain", &[("name", "d")]).await;
    let home = id(&made["domain"]);
    let joe = world.member("joe", "0", Some(&home)).await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let shared = project(&joe, "shared").await;
    let size = world.size("with a gpu", 1).await;
    deploy(&joe, &site, &size, Some(&shared)).await;
    let accounts = [("name", "joe"), ("domainid", &*home)];
    let account = id(&world.admin.ok("listAccounts", &accounts).await["account"][0]);
    let refused = world.admin.call("deleteAccount", &[("id", &account)]).await;
    assert_eq!(
        (refused.status, refused.error()),
        (
            431,
            &*format!(
                "Unable to delete account [{account}], because it manages the following project(s): [{shared}]. Please, remove the account from these projects or demote it to a regular project role first."
            )
        )
    );
    let listed = world.admin.ok("listAccounts", &[("id", &account)]).await;
    assert_eq!(listed["account"][0]["state"], "enabled");
    let kept = world.admin.call_async("deleteDomain", &[("id", &home)]).await;
    assert_eq!(kept["jobstatus"], 2, "{kept}");
    let words = [("id", home.as_str()), ("cleanup", "true")];
    let gone = world.admin.call_async("deleteDomain", &words).await;
    assert_eq!(gone["jobstatus"], 1, "{gone}");
    world.settle().await;
    let left = "SELECT name AS text FROM project WHERE alive = 1 UNION ALL SELECT name FROM vm WHERE removed IS NULL";
    assert_eq!(world.texts(left).await, Vec::<String>::new());
}
