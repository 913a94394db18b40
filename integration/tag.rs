//! Tags: written, shown and found by, by whoever may change the thing; gone with it.

use crate::world::{Client, World, places::text, site::instance};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::{Value, json};

/// Tags as requests write them.
fn tags<'a>(pairs: &'a [(&'a str, &'a str)]) -> Vec<(String, &'a str)> {
    (pairs.iter().enumerate())
        .flat_map(|(n, (key, value))| {
            [(format!("tags[{n}].key"), *key), (format!("tags[{n}].value"), *value)]
        })
        .collect()
}

/// The words of `createTags` and `deleteTags`.
fn words<'a>(
    kind: &'a str,
    ids: &'a str,
    tags: &'a [(String, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut words = vec![("resourcetype", kind), ("resourceids", ids)];
    words.extend(tags.iter().map(|(name, value)| (name.as_str(), *value)));
    words
}

/// Writes tags; the answer is always a success.
async fn tag(client: &Client, kind: &str, ids: &str, pairs: &[(&str, &str)]) {
    let job = client.call_async("createTags", &words(kind, ids, &tags(pairs))).await;
    assert_eq!((&job["jobstatus"], &job["jobresult"]), (&json!(1), &json!({"success": true})));
}

/// Why tags are refused.
async fn refusal(
    client: &Client,
    command: &str,
    (kind, ids): (&str, &str),
    pairs: &[(&str, &str)],
) -> (u16, String) {
    let answer = client.call(command, &words(kind, ids, &tags(pairs))).await;
    (answer.status, answer.error().to_owned())
}

/// Keys and values of a list of tags, sorted.
fn pairs(tags: &Value) -> Vec<(String, String)> {
    let tags = tags.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut pairs: Vec<_> =
        tags.iter().map(|tag| (text(&tag["key"]), text(&tag["value"]))).collect();
    pairs.sort();
    pairs
}

async fn listed(client: &Client, words: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs(&client.ok("listTags", words).await["tag"])
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[actix_web::test]
async fn what_can_be_tagged_shows_its_tags_and_is_found_by_them() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let vm = world.stopped(&site, &world.admin, "one").await;
    let other = world.stopped(&site, &world.admin, "two").await;
    let admin = &world.admin;
    let volume = admin.ok("listVolumes", &[("virtualmachineid", &vm)]).await["volume"][0].clone();
    assert_eq!(volume["tags"], json!([]));
    let volume = text(&volume["id"]);
    let made = admin.call_async("createProject", &[("name", "p")]).await;
    let project = text(&made["jobresult"]["project"]["id"]);
    let account = text(&admin.ok("listAccounts", &[("name", "admin")]).await["account"][0]["id"]);
    let all = ("templatefilter", "all");
    for (kind, id, list, object, more) in [
        ("uservm", &vm, "listVirtualMachines", "virtualmachine", None),
        ("Volume", &volume, "listVolumes", "volume", None),
        ("Template", &site.template, "listTemplates", "template", Some(all)),
        ("Network", &site.network, "listNetworks", "network", None),
        ("Project", &project, "listProjects", "project", None),
    ] {
        tag(admin, kind, id, &[("Env", kind), ("owner", "me")]).await;
        let by_id: Vec<_> = [("id", id.as_str())].into_iter().chain(more).collect();
        let shown = admin.ok(list, &by_id).await[object][0]["tags"].clone();
        assert_eq!(pairs(&shown), [pair("Env", kind), pair("owner", "me")], "{kind}");
        let filter = [("tags[0].key", "env"), ("tags[0].value", kind), ("listall", "true")];
        let filter: Vec<_> = filter.into_iter().chain(more).collect();
        let found = admin.ok(list, &filter).await;
        assert_eq!((&found["count"], &found[object][0]["id"]), (&json!(1), &json!(id)), "{kind}");
        let filter = [("tags[0].key", "env"), ("tags[0].value", "none"), ("listall", "true")];
        let filter: Vec<_> = filter.into_iter().chain(more).collect();
        assert_eq!(admin.ok(list, &filter).await, json!({}), "{kind}");
        let half = [("tags[0].key", "env")].into_iter().chain(more).collect::<Vec<_>>();
        let half = admin.call(list, &half).await;
        assert_eq!((half.status, half.error()), (431, "No value is passed in for key env"));
    }
    tag(admin, "Account", &account, &[("cost", "42")]).await;
    // one of several is enough
    tag(admin, "UserVm", &other, &[("role", "db")]).await;
    let either = [("tags[0].key", "env"), ("tags[0].value", "uservm")];
    let either = [&either[..], &[("tags[1].key", "role"), ("tags[1].value", "db")]].concat();
    assert_eq!(admin.ok("listVirtualMachines", &either).await["count"], 2);
    assert_eq!(admin.ok("listZones", &either).await, json!({}));
    let tags = admin.ok("listTags", &[("resourceid", &vm), ("key", "ENV")]).await;
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    assert_eq!(
        tags,
        json!({"count": 1, "tag": [{
            "key": "Env", "value": "uservm", "resourcetype": "UserVm", "resourceid": vm, "account": "admin",
            "domainid": root, "domain": "ROOT", "domainpath": "ROOT",
        }]})
    );
    assert_eq!(listed(admin, &[("resourcetype", "account")]).await, [pair("cost", "42")]);
    assert_eq!(listed(admin, &[("keyword", "d")]).await, [pair("role", "db")]);
    assert_eq!(listed(admin, &[("value", "me"), ("resourcetype", "Volume")]).await.len(), 1);
    assert_eq!(admin.ok("listTags", &[("resourceid", "7")]).await, json!({}));
    let job = admin.ok("listEvents", &[("type", "TAGS.CREATE"), ("keyword", &vm)]).await;
    let told = text(&job["event"][0]["description"]);
    assert!(told.ends_with(&format!("Creating tags (Env, owner) of UserVm {vm}")), "{told}");
}

#[actix_web::test]
async fn tags_are_taken_away_one_by_one_and_all_at_once() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let (joe, network) = (&world.admin, site.network.as_str());
    tag(joe, "Network", network, &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]).await;
    let both = format!("{network},{}", site.bridge);
    tag(joe, "Network", &both, &[("e", "5")]).await;
    let delete = async |pairs: &[(&str, &str)]| {
        let job = joe.call_async("deleteTags", &words("Network", network, &tags(pairs))).await;
        assert_eq!(job["jobresult"], json!({"success": true}), "{job}");
        listed(joe, &[("resourceid", network)]).await
    };
    let keys = |tags: Vec<(String, String)>| tags.into_iter().map(|tag| tag.0).collect::<String>();
    assert_eq!(keys(delete(&[("A", "1")]).await), "bcde");
    let of = ("Network", network);
    let kept = refusal(joe, "deleteTags", of, &[("b", "other")]).await;
    assert_eq!(kept, (530, "Failed to delete tags".to_owned()));
    let by_key = [("resourcetype", "Network"), ("resourceids", network), ("tags[0].key", "b")];
    assert_eq!(joe.call_async("deleteTags", &by_key).await["jobstatus"], 1);
    assert_eq!(keys(delete(&[]).await), "");
    assert_eq!(refusal(joe, "deleteTags", of, &[]).await.0, 530);
    assert_eq!(listed(joe, &[("resourceid", &site.bridge)]).await, [pair("e", "5")]);
}

#[actix_web::test]
async fn what_cannot_be_tagged_is_refused_in_cloudstacks_words() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let vm = world.stopped(&site, &joe, "one").await;
    tag(&joe, "UserVm", &vm, &[("env", "prod")]).await;
    let before = world.fingerprint();
    let long = "x".repeat(256);
    let no = "00000000-0000-7000-8000-00000000beef";
    let unknown = |id: &str, kind: &str| {
        (431, format!("Unable to find resource by uuid {id} and type {kind}"))
    };
    async fn refused(client: &Client, of: (&str, &str), pairs: &[(&str, &str)]) -> (u16, String) {
        refusal(client, "createTags", of, pairs).await
    }
    let one: &[(&str, &str)] = &[("k", "v")];
    assert_eq!(
        refused(&joe, ("Instance", &vm), one).await,
        (431, "Invalid resource type Instance".into())
    );
    let zone = refused(&joe, ("zone", &site.zone), one).await;
    assert_eq!(zone, (431, "The resource type Zone doesn't support resource tags".into()));
    assert_eq!(refused(&joe, ("UserVm", no), one).await, unknown(no, "UserVm"));
    assert_eq!(refused(&joe, ("UserVm", "7"), one).await, unknown("7", "UserVm"));
    assert_eq!(refused(&joe, ("snapshot", no), one).await, unknown(no, "Snapshot"));
    // another noun's id, somebody else's
    assert_eq!(refused(&joe, ("Volume", &vm), one).await, unknown(&vm, "Volume"));
    assert_eq!(refused(&eve, ("UserVm", &vm), one).await, unknown(&vm, "UserVm"));
    let taken = refusal(&eve, "deleteTags", ("UserVm", &vm), &[]).await;
    assert_eq!(taken, unknown(&vm, "UserVm"));
    // seen by all, tagged by its owner's side
    for (kind, id) in [("Template", &site.template), ("Network", &site.bridge)] {
        assert_eq!(refused(&joe, (kind, id), one).await.0, 531, "{kind}");
    }
    let again = refused(&joe, ("UserVm", &vm), &[("new", "1"), ("ENV", "test")]).await;
    assert_eq!(again, (530, format!("tag env already on UserVm with id {vm}")));
    let empty = refused(&joe, ("UserVm", &vm), &[("k", "")]).await;
    assert_eq!(empty, (431, "Value for the key k is either null or empty".into()));
    assert_eq!(refused(&joe, ("UserVm", &vm), &[("k", &long)]).await.0, 431);
    assert_eq!(refused(&joe, ("UserVm", &vm), &[(&long, "v")]).await.0, 431);
    let keyless = [("resourcetype", "UserVm"), ("resourceids", &*vm), ("tags[0].value", "v")];
    assert_eq!(joe.call("createTags", &keyless).await.status, 431);
    assert_eq!(world.fingerprint(), before, "a refusal changed something");
}

#[actix_web::test]
async fn tags_are_seen_and_changed_by_those_who_may_change_the_thing() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let home = world.domain("home", None).await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let (boss, kid) =
        (world.member("boss", "2", Some(&home)).await, world.member("kid", "0", Some(&home)).await);
    let of_joe = world.stopped(&site, &joe, "joes").await;
    let of_kid = world.stopped(&site, &kid, "kids").await;
    tag(&joe, "UserVm", &of_joe, &[("by", "joe")]).await;
    tag(&boss, "UserVm", &of_kid, &[("by", "boss")]).await;
    let made = joe.call_async("createProject", &[("name", "p")]).await;
    let project = text(&made["jobresult"]["project"]["id"]);
    tag(&joe, "Project", &project, &[("of", "all")]).await;
    let member = [("projectid", project.as_str()), ("account", "eve")];
    assert_eq!(joe.call_async("addAccountToProject", &member).await["jobstatus"], 1);
    tag(&eve, "Project", &project, &[("by", "eve")]).await;
    assert_eq!(listed(&joe, &[]).await, [pair("by", "joe")]);
    assert_eq!(listed(&joe, &[("listall", "true"), ("projectid", "-1")]).await.len(), 3);
    let in_project = [pair("by", "eve"), pair("of", "all")];
    assert_eq!(listed(&eve, &[("projectid", &project)]).await, in_project);
    let shown = &eve.ok("listTags", &[("projectid", &project)]).await["tag"][0];
    assert_eq!((&shown["project"], shown.get("account")), (&json!("p"), None));
    assert!(listed(&eve, &[("listall", "true")]).await.is_empty());
    assert!(listed(&eve, &[("resourceid", &of_joe)]).await.is_empty());
    assert!(listed(&boss, &[("resourceid", &of_joe)]).await.is_empty());
    assert_eq!(listed(&boss, &[("listall", "true")]).await, [pair("by", "boss")]);
    assert_eq!(listed(&kid, &[]).await, [pair("by", "boss")]);
    assert_eq!(listed(&world.admin, &[("listall", "true")]).await.len(), 2);
    assert_eq!(listed(&world.admin, &[("resourceid", &of_joe)]).await, [pair("by", "joe")]);
    // a role of the project has the last word
    let words = [("projectid", project.as_str()), ("name", "reader")];
    let role = text(&joe.ok("createProjectRole", &words).await["projectrole"]["id"]);
    let project_word = ("projectid", project.as_str());
    let rule =
        [project_word, ("projectroleid", &role), ("rule", "createTags"), ("permission", "deny")];
    joe.ok("createProjectRolePermission", &rule).await;
    joe.call_async("deleteAccountFromProject", &member).await;
    let limited = [&member[..], &[("projectroleid", &role)]].concat();
    assert_eq!(joe.call_async("addAccountToProject", &limited).await["jobstatus"], 1);
    let denied = refusal(&eve, "createTags", ("Project", &project), &[("k", "v")]).await;
    assert_eq!(denied.0, 401, "{}", denied.1);
}

#[actix_web::test]
async fn tags_go_with_what_they_are_on() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let joe = world.user("joe").await;
    let vm = world.stopped(&site, &joe, "one").await;
    let volume = joe.ok("listVolumes", &[("virtualmachineid", &vm)]).await;
    let volume = text(&volume["volume"][0]["id"]);
    let made = joe.call_async("createProject", &[("name", "p")]).await;
    let project = text(&made["jobresult"]["project"]["id"]);
    let account = joe.ok("listAccounts", &[("name", "joe")]).await["account"][0].clone();
    let (account, user) = (text(&account["id"]), text(&account["user"][0]["id"]));
    let all = [
        ("UserVm", &vm),
        ("Volume", &volume),
        ("Network", &site.network),
        ("Template", &site.template),
        ("Project", &project),
        ("User", &user),
        ("Account", &account),
    ];
    for (kind, id) in all {
        tag(&world.admin, kind, id, &[("k", "v")]).await;
    }
    let left = async || world.texts("SELECT kind AS text FROM tag ORDER BY 1").await;
    assert_eq!(left().await.len(), all.len());
    let gone = [("id", vm.as_str()), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    assert_eq!(left().await, ["Account", "Network", "Project", "Template", "User"]);
    for (command, id) in [
        ("deleteNetwork", &site.network),
        ("deleteTemplate", &site.template),
        ("deleteProject", &project),
    ] {
        let job = world.admin.call_async(command, &[("id", id)]).await;
        assert_eq!(job["jobstatus"], 1, "{command}: {job}");
    }
    assert_eq!(left().await, ["Account", "User"]);
    let job = world.admin.call_async("deleteAccount", &[("id", &account)]).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    assert!(left().await.is_empty());
    world.settle().await;
}

#[actix_web::test]
async fn the_tags_of_a_page_take_one_statement_and_none_when_there_are_none() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(world.stopped(&site, &world.admin, name).await);
    }
    let (mut quiet, client) = world.another_server().await;
    quiet.rest();
    let all = [("listall", "true"), ("page", "1"), ("pagesize", "500"), ("templatefilter", "all")];
    let cost = async |command: &str| {
        client.ok(command, &all).await;
        let before = quiet.wiring.db.statements();
        client.ok(command, &all).await;
        quiet.wiring.db.statements() - before
    };
    let lists = ["listVirtualMachines", "listVolumes", "listNetworks", "listTemplates"];
    let mut before = Vec::new();
    for command in lists {
        before.push(cost(command).await);
    }
    let volumes = world.texts("SELECT id AS text FROM volume").await;
    for n in 0..ids.len() {
        for (kind, id) in [("UserVm", &ids[n]), ("Volume", &volumes[n])] {
            tag(&world.admin, kind, id, &[("a", "1"), ("b", "2"), ("c", "3")]).await;
        }
        let mut after = Vec::new();
        for command in lists {
            after.push(cost(command).await);
        }
        // who has instances only looks when one of them has tags; the others look always, once
        assert_eq!(after[0], before[0] + 1, "after {n}");
        assert_eq!(after[1..], before[1..], "after {n}");
    }
}
