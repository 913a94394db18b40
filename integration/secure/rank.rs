//! Keys and passwords: of whom does who get them? Of nobody above, by rank or by what the role may call.

use crate::world::{Client, World};
use csgpu::{command::Registry, commands::ROOMS, domain::identity::RoleType};
use serde_json::Value;

/// Everybody of this cloud: client, id of the user, secret key.
struct Person {
    name: &'static str,
    client: Client,
    user: String,
}

struct Town {
    world: World,
    people: Vec<Person>,
}

/// Who is above whom: the callers with those on whose keys and passwords they may act, themselves apart.
const POWER: &[(&str, &[&str])] = &[
    ("boss", &["user", "other", "deputy", "kid", "clerk"]),
    ("deputy", &["user", "other", "boss", "kid", "clerk"]),
    ("duke", &["user", "other", "kid"]),
    ("user", &[]),
    ("other", &[]),
    ("kid", &[]),
    ("far", &[]),
    ("reader", &[]),
    ("keeper", &["clerk"]),
    ("clerk", &[]),
];

impl Town {
    async fn new() -> Self {
        let world = World::new().await;
        let home = world.domain("home", None).await;
        let (child, away) =
            (world.domain("child", Some(&home)).await, world.domain("away", None).await);
        let mut people = Vec::new();
        for (name, kind, home) in [
            ("boss", "2", Some(&home)),
            ("deputy", "2", Some(&home)),
            ("duke", "3", Some(&home)),
            ("user", "0", Some(&home)),
            ("other", "0", Some(&home)),
            ("kid", "0", Some(&child)),
            ("far", "0", Some(&away)),
            // root administrators who may not do everything
            ("reader", "1", None),
            ("keeper", "1", None),
            // an administrator of the domain who may do nothing but handle keys and passwords
            ("clerk", "2", Some(&home)),
        ] {
            let client = world.member(name, kind, home.map(String::as_str)).await;
            let user = world
                .texts(&format!("SELECT id AS text FROM user WHERE username = '{name}'"))
                .await;
            people.push(Person { name, client, user: user[0].clone() });
        }
        let admin = world.texts("SELECT id AS text FROM user WHERE username = 'admin'").await;
        let root = Person { name: "admin", client: world.admin.clone(), user: admin[0].clone() };
        people.push(root);
        let role = |text: &Value| text["role"]["id"].as_str().expect("an id").to_owned();
        let reader = world
            .texts("SELECT id AS text FROM role WHERE name = 'Read-Only Admin - Default'")
            .await;
        let mut roles = vec![("reader", reader[0].clone())];
        for (name, kind) in [("keeper", "Admin"), ("clerk", "DomainAdmin")] {
            let made = role(&world.admin.ok("createRole", &[("name", name), ("type", kind)]).await);
            for (rule, permission) in [
                ("getUserKeys", "allow"),
                ("registerUserKeys", "allow"),
                ("updateUser", "allow"),
                ("*", "deny"),
            ] {
                let words = [("roleid", made.as_str()), ("rule", rule), ("permission", permission)];
                world.admin.ok("createRolePermission", &words).await;
            }
            roles.push((name, made));
        }
        for (name, role) in roles {
            world
                .run(&format!("UPDATE account SET role_id = '{role}' WHERE name = '{name}'"))
                .await;
        }
        Self { world, people }
    }

    fn person(&self, name: &str) -> &Person {
        self.people.iter().find(|person| person.name == name).expect("somebody")
    }
}

/// What takes the power of a user: its keys, new keys, keys of one's own choice, a new password.
async fn attempts(
    town: &Town,
    caller: &Person,
    target: &Person,
) -> Vec<(&'static str, u16, String)> {
    let key = "k".repeat(40);
    let words: [(&str, Vec<(&str, &str)>); 4] = [
        ("getUserKeys", vec![("id", &target.user)]),
        ("updateUser", vec![("id", &target.user), ("password", "taken over")]),
        ("updateUser", vec![("id", &target.user), ("userapikey", &key), ("usersecretkey", &key)]),
        ("registerUserKeys", vec![("id", &target.user)]),
    ];
    let mut answers = Vec::new();
    for (command, words) in words {
        let answer = caller.client.post(command, &words).await;
        answers.push((command, answer.status, answer.text()));
    }
    let secrets =
        "SELECT CONCAT_WS(' ', api_key, secret_key, password_hash) AS text FROM user WHERE id = ";
    let kept = town.world.texts(&format!("{secrets}'{}'", target.user)).await;
    answers.push(("kept", 0, kept[0].clone()));
    answers
}

#[actix_web::test]
async fn s07_nobody_reads_the_keys_of_those_above() {
    let town = Town::new().await;
    for (caller, below) in POWER {
        let caller = town.person(caller);
        for target in town.people.iter().filter(|target| target.name != caller.name) {
            let secrets = "SELECT secret_key AS text FROM user WHERE id = ";
            let secret = town.world.texts(&format!("{secrets}'{}'", target.user)).await;
            let answer = caller.client.call("getUserKeys", &[("id", &target.user)]).await;
            let is_told = answer.text().contains(&secret[0]);
            let what = format!("{} of {}: {}", caller.name, target.name, answer.text());
            assert_eq!(
                (is_told, answer.status == 200),
                (below.contains(&target.name), is_told),
                "{what}"
            );
        }
    }
    // the keys of others are in no other answer
    for reader in ["reader", "boss", "user"] {
        let client = &town.person(reader).client;
        for command in ["listUsers", "listAccounts", "listEvents", "listAsyncJobs"] {
            let text = client.call(command, &[("listall", "true")]).await.text();
            let secrets = town
                .world
                .texts("SELECT secret_key AS text FROM user WHERE secret_key IS NOT NULL")
                .await;
            assert!(
                secrets.iter().all(|secret| !text.contains(secret.as_str())),
                "{command} by {reader}"
            );
        }
    }
}

#[actix_web::test]
async fn s08_s09_nobody_takes_the_power_of_those_above() {
    let town = Town::new().await;
    for (caller, below) in POWER {
        let caller = town.person(caller);
        for target in &town.people {
            if target.name == caller.name || below.contains(&target.name) {
                continue;
            }
            let secrets = "SELECT CONCAT_WS(' ', api_key, secret_key, password_hash) AS text FROM user WHERE id = ";
            let before = town.world.texts(&format!("{secrets}'{}'", target.user)).await;
            for (command, status, text) in attempts(&town, caller, target).await {
                let what = format!("{command} of {} by {}: {text}", target.name, caller.name);
                match command {
                    "kept" => assert!(text == before[0], "{} changed {}", caller.name, target.name),
                    _ => assert!([431, 432, 531].contains(&status), "{what}"),
                }
            }
            // nor by another user in the account of somebody above
            let domain = town
                .world
                .texts(&format!("SELECT domain_id AS text FROM user WHERE id = '{}'", target.user))
                .await;
            let words = [
                ("account", target.name),
                ("domainid", domain[0].as_str()),
                ("email", "x@example.org"),
                ("firstname", "x"),
                ("lastname", "x"),
                ("username", "planted"),
                ("password", "a long password"),
            ];
            let answer = caller.client.post("createUser", &words).await;
            assert_ne!(answer.status, 200, "{} plants a user with {}", caller.name, target.name);
        }
    }
    // and who is above may
    let (boss, user) = (town.person("boss"), town.person("user"));
    boss.client.ok("updateUser", &[("id", &user.user), ("password", "a new password")]).await;
    boss.client.ok("registerUserKeys", &[("id", &user.user)]).await;
}

#[actix_web::test]
async fn s08_nobody_changes_or_removes_the_account_of_those_above() {
    let town = Town::new().await;
    let (duke, boss) = (town.person("duke"), town.person("boss"));
    let id = town.world.texts("SELECT id AS text FROM account WHERE name = 'boss'").await;
    let domain =
        town.world.texts("SELECT domain_id AS text FROM account WHERE name = 'boss'").await;
    let named = [("account", "boss"), ("domainid", domain[0].as_str())];
    for (command, words) in [
        ("updateAccount", vec![("id", id[0].as_str()), ("newname", "gone")]),
        ("lockAccount", named.to_vec()),
        ("disableAccount", [&named[..], &[("lock", "true")]].concat()),
        ("deleteAccount", vec![("id", id[0].as_str())]),
        ("disableUser", vec![("id", boss.user.as_str())]),
        ("lockUser", vec![("id", boss.user.as_str())]),
        ("deleteUser", vec![("id", boss.user.as_str())]),
    ] {
        let answer = duke.client.call(command, &words).await;
        assert_eq!(answer.status, 531, "{command}: {}", answer.text());
    }
    boss.client.ok("listUsers", &[]).await;
}

#[actix_web::test]
async fn s31_a_member_of_a_project_gets_no_keys_of_its_owner() {
    let town = Town::new().await;
    let (owner, member) = (town.person("other"), town.person("user"));
    let made = owner.client.call_async("createProject", &[("name", "p")]).await;
    let project = made["jobresult"]["project"]["id"].as_str().expect("an id").to_owned();
    let words = [("projectid", project.as_str()), ("account", "user")];
    assert_eq!(owner.client.call_async("addAccountToProject", &words).await["jobstatus"], 1);
    let keys = "SELECT CONCAT(api_key, ' ', secret_key) AS text FROM user WHERE username = 'other'";
    let keys = town.world.texts(keys).await;
    let (api, secret) = keys[0].split_once(' ').expect("two keys");
    let answer = member.client.call("getUserKeys", &[("id", &owner.user)]).await;
    assert_eq!(answer.status, 431, "{}", answer.text());
    let mut read = 0;
    for entry in Registry::new(ROOMS).all() {
        let params = (entry.params)();
        let knows = |name: &str| params.iter().any(|param| param.name == name);
        if !entry.spec.name.starts_with("list") || !entry.spec.roles.contains(&RoleType::User) {
            continue;
        }
        let mut words = Vec::new();
        words.extend(knows("projectid").then_some(("projectid", project.as_str())));
        words.extend(knows("listall").then_some(("listall", "true")));
        let text = member.client.call(entry.spec.name, &words).await.text();
        assert!(!text.contains(api) && !text.contains(secret), "{}: {text}", entry.spec.name);
        read += 1;
    }
    assert!(read > 20);
}
