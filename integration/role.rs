//! Roles and their rules: what they allow, that a change holds at once everywhere, and who may not touch them.

use crate::world::{Client, World};
use csgpu::{command::Registry, commands::ROOMS, domain::identity::RoleType};
use serde_json::Value;

/// A command, its words, the refusal.
type Call<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

/// A user of a new account with a new role of this kind, and the role's id.
async fn with_role(world: &World, name: &str, kind: &str) -> (Client, String) {
    let made = world.admin.ok("createRole", &[("name", name), ("type", kind)]).await;
    let role = id(&made["role"]);
    let client = world.user(name).await;
    give(world, name, &role).await;
    (client, role)
}

async fn give(world: &World, account: &str, role: &str) {
    let found = world.admin.ok("listAccounts", &[("name", account), ("listall", "true")]).await;
    let params = [("id", &*id(&found["account"][0])), ("roleid", role)];
    world.admin.ok("updateAccount", &params).await;
}

async fn rule(world: &World, role: &str, rule: &str, permission: &str) -> String {
    let params = [("roleid", role), ("rule", rule), ("permission", permission)];
    let made = world.admin.ok("createRolePermission", &params).await;
    id(&made["rolepermission"])
}

#[actix_web::test]
async fn rules_hold_from_the_next_request_on_at_every_server() {
    let world = World::new().await;
    let (joe, role) = with_role(&world, "joe", "User").await;
    let (mut other, _) = world.another_server().await;
    let keys = world.admin.ok("listUsers", &[("username", "joe"), ("listall", "true")]).await;
    let keys = world.admin.ok("getUserKeys", &[("id", &id(&keys["user"][0]))]).await;
    let key = |name: &str| keys["userkeys"][name].as_str().expect("a key").to_owned();
    let there = Client::new(other.address, &key("apikey"), &key("secretkey"));
    let both = async |command: &str| {
        let here = joe.call(command, &[]).await.status;
        assert_eq!(there.call(command, &[]).await.status, here, "{command}");
        here
    };
    assert_eq!((both("listZones").await, both("listHosts").await), (200, 432));
    let hosts = rule(&world, &role, "LISTHOSTS", "allow").await;
    assert_eq!((both("listZones").await, both("listHosts").await), (200, 200));
    let none = rule(&world, &role, "*", "deny").await;
    assert_eq!((both("listZones").await, both("listHosts").await), (432, 200));
    let order = format!("{none},{hosts}");
    world.admin.ok("updateRolePermission", &[("roleid", &role), ("ruleorder", &order)]).await;
    assert_eq!(both("listHosts").await, 432);
    let allow = [("roleid", role.as_str()), ("ruleid", &none), ("permission", "allow")];
    world.admin.ok("updateRolePermission", &allow).await;
    assert_eq!((both("listHosts").await, both("listRoles").await), (200, 200));
    world.admin.ok("deleteRolePermission", &[("id", &none)]).await;
    assert_eq!((both("listZones").await, both("listRoles").await), (200, 432));
    let listed = world.admin.ok("listRolePermissions", &[("roleid", &role)]).await;
    assert_eq!(
        (&listed["count"], &listed["rolepermission"][0]["rule"]),
        (&1.into(), &"LISTHOSTS".into())
    );
    other.crash();
}

#[actix_web::test]
async fn known_rules_cost_no_statement() {
    let mut world = World::new().await;
    let (joe, role) = with_role(&world, "joe", "User").await;
    rule(&world, &role, "listHypervisors", "allow").await;
    joe.ok("listHypervisors", &[]).await;
    world.server.rest();
    let before = world.db().statements();
    joe.ok("listHypervisors", &[]).await;
    assert!(world.db().statements() - before <= 1);
}

#[actix_web::test]
async fn default_roles_stay_as_they_are() {
    let world = World::new().await;
    let roles = world.admin.ok("listRoles", &[]).await;
    assert_eq!(roles["count"], 8);
    for role in roles["role"].as_array().unwrap() {
        let role = id(role);
        let calls: [Call<'_>; 3] = [
            ("updateRole", vec![("id", &role), ("name", "x")], "Default roles cannot be updated"),
            ("deleteRole", vec![("id", &role)], "Default roles cannot be deleted"),
            (
                "createRolePermission",
                vec![("roleid", &role), ("rule", "x"), ("permission", "deny")],
                "Role permission cannot be added for Default roles",
            ),
        ];
        for (command, params, text) in calls {
            let refused = world.admin.call(command, &params).await;
            assert_eq!((refused.status, refused.error()), (531, text));
        }
    }
}

#[actix_web::test]
async fn a_role_in_use_is_not_deleted() {
    let world = World::new().await;
    let (joe, role) = with_role(&world, "joe", "User").await;
    let kept = world.admin.call("deleteRole", &[("id", &role)]).await;
    let text = "Found accounts that have role in use, won't allow to delete role";
    assert_eq!((kept.status, kept.error()), (531, text));
    assert_eq!(
        world.admin.call("updateRole", &[("id", &role), ("type", "Admin")]).await.status,
        531
    );
    let like = world.admin.ok("createRole", &[("name", "like"), ("roleid", &role)]).await;
    give(&world, "joe", &id(&like["role"])).await;
    world.admin.ok("deleteRole", &[("id", &role)]).await;
    assert_eq!(world.admin.call("listRoles", &[("id", &role)]).await.status, 431);
    assert_eq!(joe.call("listZones", &[]).await.status, 200);
    let twice = world.admin.call("createRole", &[("name", "like"), ("type", "User")]).await;
    assert_eq!(twice.status, 431);
    assert_eq!(world.admin.call("createRole", &[("name", "x")]).await.status, 431);
}

#[actix_web::test]
async fn a_role_is_imported_with_its_rules() {
    let world = World::new().await;
    let rules = [
        ("name", "import"),
        ("type", "User"),
        ("rules[0].rule", "list*"),
        ("rules[0].permission", "allow"),
        ("rules[1].rule", "*"),
        ("rules[1].permission", "deny"),
        ("rules[1].description", "nothing else"),
    ];
    let made = world.admin.ok("importRole", &rules).await;
    let role = id(&made["role"]);
    let listed = world.admin.ok("listRolePermissions", &[("roleid", &role)]).await;
    assert_eq!(
        (&listed["count"], &listed["rolepermission"][1]["permission"]),
        (&2.into(), &"deny".into())
    );
    assert_eq!(listed["rolepermission"][0]["rolename"], "import");
    let again = world.admin.call("importRole", &rules).await;
    assert_eq!((again.status, again.error()), (431, "Role already exists"));
    let forced = [&rules[..4], &[("forced", "true")]].concat();
    let made = world.admin.ok("importRole", &forced).await;
    assert_eq!(id(&made["role"]), role);
    let listed = world.admin.ok("listRolePermissions", &[("roleid", &role)]).await;
    assert_eq!(listed["count"], 1);
    let bad = [("roleid", role.as_str()), ("rule", "list Zones"), ("permission", "allow")];
    let bad = world.admin.call("createRolePermission", &bad).await;
    let text = "Only API names and wildcards are allowed, invalid rule provided: list Zones";
    assert_eq!((bad.status, bad.error()), (431, text));
}

#[actix_web::test]
async fn read_only_and_support_roles_read_what_their_kind_reads() {
    let world = World::new().await;
    let roles = world.admin.ok("listRoles", &[]).await;
    let role = |name: &str| {
        let found = roles["role"].as_array().unwrap().iter().find(|role| role["name"] == name);
        id(found.unwrap())
    };
    let mut clients = Vec::new();
    for (name, kind) in [
        ("Read-Only Admin - Default", RoleType::Admin),
        ("Read-Only User - Default", RoleType::User),
        ("Support Admin - Default", RoleType::Admin),
        ("Support User - Default", RoleType::User),
    ] {
        let account = format!("account{}", clients.len());
        let client = world.user(&account).await;
        give(&world, &account, &role(name)).await;
        clients.push((name, kind, client));
    }
    for (name, kind, client) in clients {
        let apis = client.ok("listApis", &[]).await;
        let apis: Vec<&str> = apis["api"]
            .as_array()
            .unwrap()
            .iter()
            .map(|api| api["name"].as_str().unwrap())
            .collect();
        for entry in Registry::new(ROOMS).all() {
            let command = entry.spec.name;
            let is_read = ["list", "get"].iter().any(|verb| command.starts_with(verb))
                || command == "queryAsyncJobResult";
            let may_read = is_read && (kind == RoleType::Admin || entry.spec.roles.contains(&kind));
            if may_read || (is_read && !apis.contains(&command)) {
                assert_eq!(apis.contains(&command), may_read, "{command} by {name}");
            } else if name.starts_with("Read-Only") {
                assert!(!apis.contains(&command), "{command} by {name}");
            }
        }
        let may_start = apis.contains(&"startVirtualMachine");
        assert_eq!(may_start, name.starts_with("Support"), "{name}");
        assert!(!apis.contains(&"createAccount"), "{name}");
    }
}

#[actix_web::test]
async fn nobody_gives_away_a_role_that_may_do_more() {
    let world = World::new().await;
    let (half, role) = with_role(&world, "half", "Admin").await;
    rule(&world, &role, "deleteHost", "deny").await;
    let person = |role: &'static str| {
        [
            ("username", "p"),
            ("password", "p"),
            ("firstname", "p"),
            ("lastname", "p"),
            ("email", "p@example.org"),
            ("accounttype", role),
        ]
    };
    let refused = half.call("createAccount", &person("1")).await;
    assert_eq!(refused.status, 531, "{}", refused.text());
    assert_eq!(half.call("createAccount", &person("0")).await.status, 200);
    let joe = world.admin.ok("listAccounts", &[("name", "p"), ("listall", "true")]).await;
    let root = world.admin.ok("listRoles", &[("name", "Root Admin")]).await;
    let params = [("id", &*id(&joe["account"][0])), ("roleid", &*id(&root["role"][0]))];
    assert_eq!(half.call("updateAccount", &params).await.status, 531);
}
