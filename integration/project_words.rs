//! The words of projects: for whom one is made, which are listed, for whom they count, and what a role hides of all of them.

use crate::world::{Client, World, places::text};
use serde_json::Value;

async fn project(client: &Client, words: &[(&str, &str)]) -> String {
    text(&client.done("createProject", words).await["project"]["id"])
}

async fn names(client: &Client, words: &[(&str, &str)]) -> Vec<String> {
    let listed = client.ok("listProjects", words).await;
    listed["project"].as_array().into_iter().flatten().map(|row| text(&row["name"])).collect()
}

#[actix_web::test]
async fn a_project_is_made_for_an_account_or_for_one_user_alone() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (bob, bobs) = world.colleague("eve", "bob").await;
    let account = text(&eve.ok("listAccounts", &[]).await["account"][0]["id"]);
    let user = ("userid", bobs.as_str());
    let why = world.admin.refused("createProject", &[("name", "x"), user], 431).await;
    assert_eq!(why, "Domain ID and account ID must be provided with User ID");
    let admins = world.admin.ok("listAccounts", &[("name", "admin")]).await;
    let admins = text(&admins["account"][0]["id"]);
    let other = [("name", "x"), user, ("accountid", &admins)];
    world.admin.refused("createProject", &other, 431).await;
    // nobody makes one for those whom it does not see
    for words in [[("name", "x"), user], [("name", "x"), ("accountid", &account)]] {
        let why = joe.refused("createProject", &words, 431).await;
        assert!(why.contains("entity does not exist"), "{why}");
    }
    let own = [("name", "bobs"), user, ("accountid", account.as_str())];
    let bobs_project = project(&world.admin, &own).await;
    assert_eq!((names(&bob, &[]).await, names(&eve, &[]).await), (vec!["bobs".into()], vec![]));
    bob.done("suspendProject", &[("id", &bobs_project)]).await;
    bob.done("activateProject", &[("id", &bobs_project)]).await;
    project(&world.admin, &[("name", "eves"), ("accountid", &account)]).await;
    assert_eq!(names(&eve, &[]).await, ["eves"]);
    // the last administrator stays one
    let last = [("id", bobs_project.as_str()), user, ("roletype", "Regular")];
    bob.refused("updateProject", &last, 431).await;
    let both = [("id", bobs_project.as_str()), user, ("account", "eve")];
    let why = bob.refused("updateProject", &both, 431).await;
    assert!(why.starts_with("Account name and user ID are mutually exclusive."), "{why}");
}

#[actix_web::test]
async fn a_user_who_may_change_a_project_counts_for_its_account() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (bob, bobs) = world.colleague("eve", "bob").await;
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    let limit = [("account", "eve"), ("domainid", &*root), ("resourcetype", "5"), ("max", "1")];
    world.admin.ok("updateResourceLimit", &limit).await;
    let shared = project(&joe, &[("name", "shared")]).await;
    let add = [("projectid", shared.as_str()), ("username", "bob"), ("roletype", "Admin")];
    joe.done("addUserToProject", &add).await;
    let used = async || eve.ok("listAccounts", &[]).await["account"][0]["projecttotal"].clone();
    assert_eq!(used().await, 1);
    eve.refused("createProject", &[("name", "own")], 535).await;
    let user = ("userid", bobs.as_str());
    let down = [("id", shared.as_str()), user, ("roletype", "Regular")];
    joe.done("updateProject", &down).await;
    bob.refused("suspendProject", &[("id", &shared)], 531).await;
    assert_eq!(used().await, 0);
    let own = project(&eve, &[("name", "own")]).await;
    let up = [("id", shared.as_str()), user];
    joe.refused("updateProject", &up, 535).await;
    eve.done("deleteProject", &[("id", &own)]).await;
    joe.done("updateProject", &up).await;
    bob.done("suspendProject", &[("id", &shared)]).await;
    let nobody = [("id", shared.as_str()), ("userid", &shared)];
    let why = joe.refused("updateProject", &nobody, 431).await;
    assert!(why.contains("entity does not exist"), "{why}");
    world.admin.ok("updateResourceCount", &[("domainid", &root)]).await;
    assert_eq!(used().await, 1);
    world.admin.ok("deleteUser", &[("id", &bobs)]).await;
    assert_eq!(used().await, 0);
}

#[actix_web::test]
async fn projects_are_listed_by_account_text_and_domain() {
    let world = World::new().await;
    let home = world.domain("home", None).await;
    let below = world.domain("below", Some(&home)).await;
    let joe = world.user("joe").await;
    let boss = world.member("boss", "2", Some(&home)).await;
    let mia = world.member("mia", "0", Some(&below)).await;
    project(&joe, &[("name", "top"), ("displaytext", "at the top")]).await;
    project(&boss, &[("name", "middle")]).await;
    project(&mia, &[("name", "bottom"), ("displaytext", "at the bottom")]).await;
    let (of_home, of_below) = (("domainid", home.as_str()), ("domainid", below.as_str()));
    let all = ("isrecursive", "true");
    for (client, words, expected) in [
        (&world.admin, vec![of_home], vec!["middle"]),
        (&world.admin, vec![of_home, all], vec!["middle", "bottom"]),
        (&world.admin, vec![all], vec!["top", "middle", "bottom"]),
        (&world.admin, vec![of_below, ("account", "mia")], vec!["bottom"]),
        (&world.admin, vec![("listall", "true"), ("displaytext", "at the top")], vec!["top"]),
        (&world.admin, vec![("listall", "true"), ("displaytext", "nothing")], vec![]),
        (&boss, vec![], vec!["middle"]),
        (&boss, vec![all], vec!["middle", "bottom"]),
        (&boss, vec![of_below, ("account", "mia")], vec!["bottom"]),
        (&mia, vec![all, ("account", "mia")], vec!["bottom"]),
    ] {
        assert_eq!(names(client, &words).await, expected, "{words:?}");
    }
    let why = mia.refused("listProjects", &[("account", "boss")], 531).await;
    assert_eq!(why, "Can't list account boss projects; unauthorized");
    world.admin.refused("listProjects", &[("account", "mia")], 431).await;
    boss.refused("listProjects", &[of_below, ("account", "nobody")], 431).await;
}

#[actix_web::test]
async fn a_list_of_all_projects_leaves_out_those_whose_role_denies_it() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (shut, open) =
        (project(&joe, &[("name", "shut")]).await, project(&joe, &[("name", "open")]).await);
    let in_shut = ("projectid", shut.as_str());
    let role = joe.ok("createProjectRole", &[in_shut, ("name", "none")]).await;
    let role = text(&role["projectrole"]["id"]);
    let this = ("projectroleid", role.as_str());
    let rule = [in_shut, this, ("rule", "listSSHKeyPairs"), ("permission", "deny")];
    joe.ok("createProjectRolePermission", &rule).await;
    joe.done("addAccountToProject", &[in_shut, ("account", "eve"), this]).await;
    joe.done("addAccountToProject", &[("projectid", &open), ("account", "eve")]).await;
    for (name, project) in [("hidden", &shut), ("shown", &open)] {
        joe.ok("createSSHKeyPair", &[("name", name), ("projectid", project)]).await;
    }
    eve.ok("createSSHKeyPair", &[("name", "own")]).await;
    let keys = async |client: &Client, words: &[(&str, &str)]| -> Vec<String> {
        let listed: Value = client.ok("listSSHKeyPairs", words).await;
        listed["sshkeypair"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| text(&row["name"]))
            .collect()
    };
    let all = ("projectid", "-1");
    assert_eq!(keys(&joe, &[all]).await, ["hidden", "shown"]);
    assert_eq!(keys(&eve, &[all]).await, ["shown"]);
    assert_eq!(keys(&eve, &[all, ("listall", "true")]).await, ["shown", "own"]);
    eve.refused("listSSHKeyPairs", &[in_shut], 401).await;
    // what the role says nothing of is shown of all
    let events = eve.ok("listSSHKeyPairs", &[("projectid", &open)]).await;
    assert_eq!(events["count"], 1);
}
