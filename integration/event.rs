//! Events: every change, and of a job its admission, its beginning and its end.

use crate::world::{
    World,
    site::{Site, instance},
};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::Value;

async fn site(world: &World) -> Site {
    world.site([FakeShape::new("h").gpus(2)]).await
}

fn rows(answer: &Value) -> Vec<Value> {
    answer["event"].as_array().cloned().unwrap_or_default()
}

#[actix_web::test]
async fn a_job_writes_what_was_scheduled_started_and_completed() {
    let world = World::new().await;
    let site = site(&world).await;
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let id = vm["id"].as_str().expect("an id");
    let found = world.admin.ok("listEvents", &[("resourceid", id), ("type", "VM.CREATE")]).await;
    let events = rows(&found);
    let states: Vec<&str> = events.iter().filter_map(|event| event["state"].as_str()).collect();
    assert_eq!(states, ["Completed", "Started", "Scheduled"], "{found}");
    let first = events[2]["id"].as_str().expect("an id");
    assert!(events[..2].iter().all(|event| event["parentid"] == first), "{found}");
    assert!(events.iter().all(|event| event["level"] == "INFO"));
    assert_eq!(events[0]["resourcetype"], "VirtualMachine");
    let line = world.admin.ok("listEvents", &[("startid", first), ("listall", "true")]).await;
    assert_eq!(line["count"], 3);
    let today = found["event"][0]["created"].as_str().expect("a date")[..10].to_owned();
    let day = [("startdate", &*today), ("enddate", &*today), ("level", "INFO")];
    assert!(world.admin.ok("listEvents", &day).await["count"].as_i64().is_some_and(|n| n > 3));
    let types = world.admin.ok("listEventTypes", &[]).await;
    let types = types["eventtype"].as_array().expect("types");
    for name in ["VM.CREATE", "GPU.DEVICE.EDIT", "RESOURCE.LIMIT.UPDATE", "USER.LOGIN"] {
        assert!(types.iter().any(|of| of["name"] == name), "{name}");
    }
}

#[actix_web::test]
async fn a_job_that_fails_says_so_in_its_last_event() {
    let world = World::new().await;
    let site = site(&world).await;
    let size = world.size("one", 1).await;
    site.racks[0].fake.fail_at(1);
    let job = world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await;
    assert_eq!(job["jobstatus"], 2);
    site.racks[0].fake.heal();
    let found = world.admin.ok("listEvents", &[("level", "ERROR")]).await;
    let last = &rows(&found)[0];
    assert_eq!((&last["state"], &last["type"]), (&"Completed".into(), &"VM.CREATE".into()));
    assert!(last["description"].as_str().is_some_and(|text| text.starts_with("Error while ")));
}

#[actix_web::test]
async fn events_are_put_away_and_removed_by_those_who_may_see_them() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    joe.ok("createSSHKeyPair", &[("name", "k")]).await;
    let found = joe.ok("listEvents", &[]).await;
    assert_eq!(found["count"], 1, "{found}");
    let id = found["event"][0]["id"].as_str().expect("an id").to_owned();
    let refused = eve.call("archiveEvents", &[("ids", &id)]).await;
    assert_eq!(refused.status, 431, "{}", refused.text());
    let nothing = joe.call("deleteEvents", &[]).await;
    assert_eq!(nothing.status, 431, "{}", nothing.text());
    joe.ok("archiveEvents", &[("ids", &id)]).await;
    let left = rows(&joe.ok("listEvents", &[]).await);
    assert!(left.iter().all(|event| event["id"] != id.as_str()));
    let away = joe.ok("listEvents", &[("archived", "true")]).await;
    assert_eq!((&away["count"], &away["event"][0]["archived"]), (&1.into(), &true.into()));
    joe.ok("deleteEvents", &[("ids", &id)]).await;
    assert!(rows(&joe.ok("listEvents", &[("archived", "true")]).await).is_empty());
}

#[actix_web::test]
async fn old_events_are_removed_only_where_that_is_asked_for() {
    let mut world = World::new().await;
    world.server.rest();
    let joe = world.user("joe").await;
    for name in ["old", "busy", "new"] {
        joe.ok("createSSHKeyPair", &[("name", name)]).await;
    }
    let found = rows(&joe.ok("listEvents", &[]).await);
    let id = |n: usize| found[n]["id"].as_str().expect("an id");
    let (new, busy, old) = (id(0), id(1), id(2));
    for text in [
        format!("UPDATE event SET created = created - INTERVAL 10 DAY WHERE id IN ('{old}', '{busy}')"),
        // a job that has not ended: its last event is made of its first
        format!("UPDATE event SET job_id = '{busy}' WHERE id = '{busy}'"),
        format!("INSERT INTO job (id, command, plan, user_id, account_id, domain_id, state, created) SELECT '{busy}', 'x', '{{}}', id,
            account_id, domain_id, 'Queued', UTC_TIMESTAMP(6) FROM user LIMIT 1"),
    ] {
        world.run(&text).await;
    }
    let left = async || {
        csgpu::jobs::expire(&world.server.wiring).await.expect("the database answers");
        let found = rows(&joe.ok("listEvents", &[]).await);
        found
            .iter()
            .map(|event| event["id"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    let keep = async |days: &str| {
        let words = [("name", "event.purge.delay"), ("value", days)];
        world.admin.call("updateConfiguration", &words).await
    };
    assert_eq!(left().await.len(), 3, "nobody asked for it");
    assert_eq!(keep("11").await.status, 200);
    assert_eq!(left().await.len(), 3, "not old enough");
    assert_eq!(keep("9").await.status, 200);
    let mut both = [new, busy];
    both.sort_unstable();
    let mut found = left().await;
    found.sort_unstable();
    assert_eq!(found, both);
    world.run("DELETE FROM job").await;
    assert_eq!(left().await, [new]);
    for wrong in ["-1", "x", "1.5"] {
        assert_eq!(keep(wrong).await.status, 431, "{wrong}");
    }
}
