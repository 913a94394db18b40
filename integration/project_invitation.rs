//! Invitations to projects: asked for, accepted, declined, taken back, over; seen by those whom they concern.

use crate::world::{Client, World, places::text};
use serde_json::Value;

/// Changes a setting.
async fn set(world: &World, name: &str, value: &str) {
    world.admin.ok("updateConfiguration", &[("name", name), ("value", value)]).await;
}

async fn project(client: &Client, name: &str) -> String {
    text(&client.done("createProject", &[("name", name)]).await["project"]["id"])
}

/// The invitations that a list shows: account and state of each.
async fn shown(client: &Client, words: &[(&str, &str)]) -> Vec<(String, String)> {
    let listed = client.ok("listProjectInvitations", words).await;
    let rows = listed["projectinvitation"].as_array().cloned().unwrap_or_default();
    let pair = |row: &Value| (text(&row["account"]), text(&row["state"]));
    rows.iter().map(pair).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(account, state)| ((*account).into(), (*state).into())).collect()
}

/// A cloud that asks, and a project of joe's.
async fn asking() -> (World, Client, Client, String) {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let shared = project(&joe, "shared").await;
    set(&world, "project.invite.required", "true").await;
    (world, joe, eve, shared)
}

#[actix_web::test]
async fn who_is_invited_becomes_a_member_by_accepting() {
    let (world, joe, eve, shared) = asking().await;
    let of = ("projectid", shared.as_str());
    let capability = world.admin.ok("listCapabilities", &[]).await;
    assert_eq!(capability["capability"]["projectinviterequired"], true);
    let add = [of, ("account", "eve")];
    joe.done("addAccountToProject", &add).await;
    assert_eq!(eve.ok("listProjects", &[]).await["count"], Value::Null);
    let twice = joe.refused("addAccountToProject", &add, 431).await;
    assert!(twice.starts_with("There is already a pending invitation for account id="), "{twice}");
    let listed = eve.ok("listProjectInvitations", &[]).await;
    let row = &listed["projectinvitation"][0];
    for (name, value) in [
        ("project", "shared"),
        ("projectid", &shared),
        ("account", "eve"),
        ("state", "Pending"),
        ("domain", "ROOT"),
        ("domainpath", "ROOT"),
    ] {
        assert_eq!(row[name], value, "{row}");
    }
    assert!(row.get("userid").is_none() && listed["count"] == 1, "{listed}");
    eve.done("updateProjectInvitation", &[of]).await;
    assert_eq!(eve.ok("listProjects", &[]).await["project"][0]["id"], shared.as_str());
    assert_eq!(shown(&joe, &[of]).await, pairs(&[("eve", "Completed")]));
    // accepted once, and not again
    let again = eve.refused("updateProjectInvitation", &[of], 431).await;
    assert!(again.starts_with("Unable to find invitation for account name=eve"), "{again}");
    let member = joe.refused("addAccountToProject", &add, 431).await;
    assert!(member.contains("is already a member"), "{member}");
    // who was removed can be invited anew
    joe.done("deleteAccountFromProject", &add).await;
    assert_eq!(shown(&joe, &[of]).await, []);
    joe.done("addAccountToProject", &[of, ("account", "eve"), ("roletype", "Admin")]).await;
    eve.done("updateProjectInvitation", &[of, ("account", "eve"), ("accept", "true")]).await;
    eve.done("suspendProject", &[("id", &shared)]).await;
    let kinds = "SELECT DISTINCT kind AS text FROM event WHERE kind LIKE 'PROJECT.INVITATION%'";
    assert_eq!(world.texts(kinds).await, ["PROJECT.INVITATION.UPDATE"]);
    let told = "SELECT description AS text FROM event WHERE kind = 'PROJECT.ACCOUNT.ADD' AND state = 'Scheduled' LIMIT 1";
    assert_eq!(world.texts(told).await, ["inviting account eve to project shared"]);
}

#[actix_web::test]
async fn an_invitation_is_declined_taken_back_or_over() {
    let (world, joe, eve, shared) = asking().await;
    let of = ("projectid", shared.as_str());
    let add = [of, ("account", "eve")];
    joe.done("addAccountToProject", &add).await;
    eve.done("updateProjectInvitation", &[of, ("accept", "false")]).await;
    assert_eq!(shown(&eve, &[]).await, pairs(&[("eve", "Declined")]));
    eve.refused("updateProjectInvitation", &[of], 431).await;
    assert_eq!(eve.ok("listProjects", &[]).await["count"], Value::Null);
    // declined, so it can be asked again
    joe.done("addAccountToProject", &add).await;
    assert_eq!(shown(&eve, &[("activeonly", "true")]).await, pairs(&[("eve", "Pending")]));
    world.run("UPDATE project_invitation SET expires = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND").await;
    assert_eq!(shown(&eve, &[]).await, pairs(&[("eve", "Expired")]));
    assert_eq!(shown(&eve, &[("state", "expired")]).await.len(), 1);
    for none in
        [("activeonly", "true"), ("state", "Pending"), ("state", "Completed"), ("state", "x")]
    {
        assert_eq!(shown(&eve, &[none]).await, [], "{none:?}");
    }
    let late = eve.refused("updateProjectInvitation", &[of], 431).await;
    assert_eq!(late, "Invitation is expired for account id=eve to the project shared");
    set(&world, "project.invite.timeout", "60000").await;
    joe.done("addAccountToProject", &add).await;
    let left = "SELECT CAST(TIMESTAMPDIFF(SECOND, created, expires) AS CHAR) AS text FROM project_invitation";
    assert_eq!(world.texts(left).await, ["60"]);
    let listed = joe.ok("listProjectInvitations", &[of]).await;
    let id = text(&listed["projectinvitation"][0]["id"]);
    // who is invited sees it and does not take it back
    eve.refused("deleteProjectInvitation", &[("id", &id)], 531).await;
    joe.done("deleteProjectInvitation", &[("id", &id)]).await;
    joe.refused("deleteProjectInvitation", &[("id", &id)], 431).await;
    let gone = eve.refused("updateProjectInvitation", &[of], 431).await;
    assert!(gone.contains("entity does not exist"), "{gone}");
    // without the setting nobody is asked
    set(&world, "project.invite.required", "false").await;
    joe.done("addAccountToProject", &add).await;
    assert_eq!(eve.ok("listProjects", &[]).await["count"], 1);
}

#[actix_web::test]
async fn an_invitation_is_seen_and_answered_by_those_whom_it_concerns() {
    let (world, joe, eve, shared) = asking().await;
    let far = world.user("far").await;
    let home = world.domain("home", None).await;
    let boss = world.member("boss", "2", Some(&home)).await;
    let of = ("projectid", shared.as_str());
    joe.done("addAccountToProject", &[of, ("account", "eve")]).await;
    let listed = eve.ok("listProjectInvitations", &[]).await;
    let id = text(&listed["projectinvitation"][0]["id"]);
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    let eves = [("account", "eve"), ("domainid", root.as_str())];
    for (client, words, count) in [
        (&joe, vec![], 0),
        (&joe, vec![of], 1),
        (&joe, vec![("id", &*id)], 1),
        (&eve, vec![of], 1),
        (&eve, vec![("listall", "true")], 1),
        (&far, vec![("listall", "true")], 0),
        (&boss, vec![("listall", "true")], 0),
        (&world.admin, vec![], 0),
        (&world.admin, vec![("listall", "true")], 1),
        (&world.admin, vec![of], 1),
        (&world.admin, eves.to_vec(), 1),
    ] {
        assert_eq!(shown(client, &words).await.len(), count, "{words:?}");
    }
    let unknown = "00000000-0000-7000-8000-00000000beef";
    for client in [&far, &boss] {
        for (command, name, value) in [
            ("listProjectInvitations", "projectid", &shared),
            ("listProjectInvitations", "id", &id),
            ("deleteProjectInvitation", "id", &id),
            ("updateProjectInvitation", "projectid", &shared),
        ] {
            // the same words as for what nobody has
            let foreign = client.refused(command, &[(name, value)], 431).await;
            let nothing = client.refused(command, &[(name, unknown)], 431).await;
            assert_eq!(foreign.replace(value.as_str(), unknown), nothing, "{command}");
        }
        let other = [of, ("account", "eve")];
        client.refused("updateProjectInvitation", &other, 431).await;
    }
    // the project's administrator invites and does not accept
    joe.refused("updateProjectInvitation", &[of, ("account", "eve")], 431).await;
    eve.refused("updateProjectInvitation", &[of, ("token", "X")], 431).await;
    world.admin.done("updateProjectInvitation", &[of, ("account", "eve")]).await;
    assert_eq!(eve.ok("listProjects", &[]).await["count"], 1);
}

#[actix_web::test]
async fn a_user_is_invited_without_the_others_of_its_account() {
    let (world, joe, eve, shared) = asking().await;
    let (bob, bobs) = world.colleague("eve", "bob").await;
    let of = ("projectid", shared.as_str());
    let role = [of, ("name", "readers")];
    let role = text(&joe.ok("createProjectRole", &role).await["projectrole"]["id"]);
    let add = [of, ("username", "bob"), ("projectroleid", &role)];
    joe.done("addUserToProject", &add).await;
    assert_eq!((shown(&bob, &[]).await.len(), shown(&eve, &[]).await.len()), (1, 0));
    let invited = bob.ok("listProjectInvitations", &[of]).await;
    assert_eq!(invited["projectinvitation"][0]["userid"], bobs.as_str(), "{invited}");
    eve.refused("updateProjectInvitation", &[of], 431).await;
    eve.refused("updateProjectInvitation", &[of, ("userid", &bobs)], 431).await;
    // a role that waits for somebody stays
    let this = [of, ("id", role.as_str())];
    joe.refused("deleteProjectRole", &this, 531).await;
    bob.done("updateProjectInvitation", &[of, ("userid", &bobs)]).await;
    let members = joe.ok("listProjectAccounts", &[of, ("userid", &bobs)]).await;
    assert_eq!(members["projectaccount"][0]["projectroleid"], role.as_str(), "{members}");
    assert_eq!(eve.ok("listProjects", &[]).await["count"], Value::Null);
    world.admin.ok("deleteUser", &[("id", &bobs)]).await;
    let left = "SELECT id AS text FROM project_invitation";
    assert_eq!(world.texts(left).await, Vec::<String>::new());
}

#[actix_web::test]
async fn nobody_is_invited_by_mail_or_into_a_suspended_project() {
    let (world, joe, _, shared) = asking().await;
    let of = ("projectid", shared.as_str());
    let mail = ("email", "eve@example.org");
    for (command, words) in [
        ("addAccountToProject", vec![of, mail]),
        ("addUserToProject", vec![of, mail, ("username", "eve")]),
    ] {
        let why = joe.refused(command, &words, 431).await;
        assert!(why.starts_with("no mail is sent from here"), "{why}");
    }
    let nobody = joe.refused("addAccountToProject", &[of], 431).await;
    assert_eq!(nobody, "Either accountName or email is required");
    joe.done("addAccountToProject", &[of, mail, ("account", "eve")]).await;
    joe.done("suspendProject", &[("id", &shared)]).await;
    let why = joe.refused("addUserToProject", &[of, ("username", "eve")], 431).await;
    assert!(why.contains("in state=Suspended"), "{why}");
    set(&world, "project.invite.required", "false").await;
    let why = joe.refused("addAccountToProject", &[of, ("account", "eve")], 431).await;
    assert!(why.contains("in state=Suspended"), "{why}");
    joe.done("deleteProject", &[("id", &shared)]).await;
    let left = "SELECT id AS text FROM project_invitation";
    assert_eq!(world.texts(left).await, Vec::<String>::new());
}
