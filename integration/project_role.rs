//! Members of projects: single users, and what the roles of projects let members do.

use crate::world::{Client, World};
use serde_json::Value;

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

async fn project(client: &Client, name: &str) -> String {
    id(&client.done("createProject", &[("name", name)]).await["project"])
}

#[actix_web::test]
async fn a_user_is_a_member_without_the_others_of_its_account() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (bob, bobs) = world.colleague("eve", "bob").await;
    let shared = project(&joe, "shared").await;
    let key = [("name", "k"), ("projectid", shared.as_str())];
    assert_eq!(bob.call("createSSHKeyPair", &key).await.status, 431);
    let add = [("projectid", shared.as_str()), ("username", "bob")];
    joe.done("addUserToProject", &add).await;
    assert_eq!(joe.call("addUserToProject", &add).await.status, 431);
    let nobody = [("projectid", shared.as_str()), ("username", "nobody")];
    assert_eq!(joe.call("addUserToProject", &nobody).await.status, 431);
    bob.ok("createSSHKeyPair", &key).await;
    for (client, count) in [(&bob, Value::from(1)), (&eve, Value::Null)] {
        assert_eq!(client.ok("listProjects", &[]).await["count"], count);
        let listed = client.ok("listSSHKeyPairs", &[("projectid", "-1")]).await;
        assert_eq!(listed["count"], count);
    }
    assert_eq!(eve.call("listSSHKeyPairs", &[("projectid", &shared)]).await.status, 431);
    assert_eq!(bob.call("suspendProject", &[("id", &shared)]).await.status, 531);
    let of_project = [("projectid", shared.as_str())];
    let members = bob.ok("listProjectAccounts", &of_project).await;
    let rows = members["projectaccount"].as_array().unwrap();
    assert_eq!((rows[0]["account"].as_str(), rows[0].get("userid")), (Some("joe"), None));
    assert_eq!(rows[0]["user"][0]["username"], "joe", "{members}");
    assert_eq!(
        (&rows[1]["username"], &rows[1]["userid"], &rows[1]["role"]),
        (&"bob".into(), &bobs.clone().into(), &"Regular".into())
    );
    let only = [of_project[0], ("userid", &*bobs)];
    assert_eq!(bob.ok("listProjectAccounts", &only).await["count"], 1);
    let gone = [of_project[0], ("userid", &*bobs)];
    assert_eq!(bob.call("deleteUserFromProject", &gone).await.status, 531);
    joe.done("deleteUserFromProject", &gone).await;
    assert_eq!(joe.call("deleteUserFromProject", &gone).await.status, 431);
    assert_eq!(bob.call("listSSHKeyPairs", &of_project).await.status, 431);
    let admin = [of_project[0], ("username", "bob"), ("roletype", "Admin")];
    joe.done("addUserToProject", &admin).await;
    bob.done("suspendProject", &[("id", &shared)]).await;
    assert_eq!(eve.call("activateProject", &[("id", &shared)]).await.status, 431);
    world.admin.ok("deleteUser", &[("id", &bobs)]).await;
    assert_eq!(world.texts("SELECT id AS text FROM project_user").await, Vec::<String>::new());
}

#[actix_web::test]
async fn rules_of_a_role_limit_its_members_in_their_project_alone() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (shared, other) = (project(&joe, "shared").await, project(&joe, "other").await);
    let of_project = ("projectid", shared.as_str());
    let made = joe.ok("createProjectRole", &[("name", "guest"), of_project]).await;
    let role = id(&made["projectrole"]);
    assert_eq!(joe.call("createProjectRole", &[("name", "guest"), of_project]).await.status, 431);
    let this = ("projectroleid", role.as_str());
    joe.done("addAccountToProject", &[of_project, ("account", "eve"), this]).await;
    joe.done("addAccountToProject", &[("projectid", &*other), ("account", "eve")]).await;
    let wrong = [("projectid", other.as_str()), ("account", "eve"), this];
    assert_eq!(joe.call("addAccountToProject", &wrong).await.status, 431);
    let in_project = async |name: &str, project: &str| {
        let words = [("name", name), ("projectid", project)];
        eve.call("createSSHKeyPair", &words).await
    };
    assert_eq!(in_project("a", &shared).await.status, 200);
    let rule = async |text: &str, permission: &str| {
        let words = [of_project, this, ("rule", text), ("permission", permission)];
        id(&joe.ok("createProjectRolePermission", &words).await["projectrolepermission"])
    };
    let reads = rule("list*", "allow").await;
    let none = rule("*", "deny").await;
    let refused = in_project("b", &shared).await;
    let text =
        "The given command 'createSSHKeyPair' either does not exist, is not available for user.";
    assert_eq!((refused.status, refused.error()), (401, text));
    assert_eq!(in_project("b", &other).await.status, 200);
    eve.ok("createSSHKeyPair", &[("name", "own")]).await;
    eve.ok("listSSHKeyPairs", &[of_project]).await;
    // a thing of the project is refused by its own id too, whatever else is named
    let group = [("name", "apart"), ("type", "host anti-affinity"), of_project];
    let made = joe.call_async("createAffinityGroup", &group).await;
    let group = id(&made["jobresult"]["affinitygroup"]);
    assert_eq!(eve.call("deleteAffinityGroup", &[("id", &group)]).await.status, 401);
    assert_eq!(eve.ok("listAffinityGroups", &[("id", &group)]).await["count"], 1);
    let order = format!("{none},{reads}");
    let words = [of_project, this, ("ruleorder", order.as_str())];
    joe.ok("updateProjectRolePermission", &words).await;
    assert_eq!(eve.call("listSSHKeyPairs", &[of_project]).await.status, 401);
    let listed = joe.ok("listProjectRolePermissions", &[of_project, this]).await;
    let rows = listed["projectrolepermission"].as_array().unwrap();
    assert_eq!((&rows[0]["rule"], &rows[1]["rule"]), (&"*".into(), &"list*".into()));
    let allow = [of_project, this, ("projectrolepermissionid", &*none), ("permission", "allow")];
    joe.ok("updateProjectRolePermission", &allow).await;
    assert_eq!(in_project("c", &shared).await.status, 200);
    joe.ok("deleteProjectRolePermission", &[of_project, ("id", &none)]).await;
    // members see roles and do not change them; strangers see nothing
    assert_eq!(eve.ok("listProjectRoles", &[of_project]).await["count"], 1);
    for command in ["updateProjectRole", "deleteProjectRole"] {
        assert_eq!(eve.call(command, &[of_project, ("id", &role)]).await.status, 531, "{command}");
        let words = [("projectid", other.as_str()), ("id", &*role)];
        assert_eq!(joe.call(command, &words).await.status, 431, "{command}");
    }
    let changed = [of_project, ("id", &*role), ("name", "visitor")];
    assert_eq!(joe.ok("updateProjectRole", &changed).await["projectrole"]["name"], "visitor");
    assert_eq!(joe.call("deleteProjectRole", &changed[..2]).await.status, 531);
    let gone = [of_project, ("account", "eve")];
    joe.done("deleteAccountFromProject", &gone).await;
    joe.ok("deleteProjectRole", &changed[..2]).await;
    let _ = rule_of_nobody(&joe, &shared).await;
    joe.done("deleteProject", &[("id", &shared), ("cleanup", "true")]).await;
    let left = "SELECT id AS text FROM project_role UNION ALL SELECT id FROM project_role_rule";
    assert_eq!(world.texts(left).await, Vec::<String>::new());
}

/// A role with a rule, which goes with its project.
async fn rule_of_nobody(joe: &Client, project: &str) -> String {
    let of_project = ("projectid", project);
    let made = joe.ok("createProjectRole", &[("name", "nobody"), of_project]).await;
    let role = id(&made["projectrole"]);
    let words =
        [of_project, ("projectroleid", role.as_str()), ("rule", "x"), ("permission", "deny")];
    joe.ok("createProjectRolePermission", &words).await;
    for (name, value) in [("rule", "a b"), ("permission", "maybe")] {
        let mut words = words;
        words[if name == "rule" { 2 } else { 3 }].1 = value;
        let refused = joe.call("createProjectRolePermission", &words).await;
        assert_eq!(refused.status, 431, "{name}");
    }
    role
}

#[actix_web::test]
async fn what_a_user_is_told_counts_before_what_its_account_is() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (bob, _) = world.colleague("eve", "bob").await;
    let shared = project(&joe, "shared").await;
    let of_project = ("projectid", shared.as_str());
    let role = joe.ok("createProjectRole", &[("name", "guest"), of_project]).await;
    let role = id(&role["projectrole"]);
    let this = ("projectroleid", role.as_str());
    let rule = [of_project, this, ("rule", "*"), ("permission", "deny")];
    joe.ok("createProjectRolePermission", &rule).await;
    joe.done("addAccountToProject", &[of_project, ("account", "eve"), this]).await;
    joe.done("addUserToProject", &[of_project, ("username", "bob")]).await;
    let list = [of_project];
    assert_eq!(eve.call("listSSHKeyPairs", &list).await.status, 401);
    assert_eq!(bob.call("listSSHKeyPairs", &list).await.status, 200);
    assert_eq!(world.admin.call("listSSHKeyPairs", &list).await.status, 200);
}
