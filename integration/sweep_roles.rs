//! Every command against every role that may not call it: refused, and nothing changes.

use crate::world::World;
use csgpu::{command::Registry, commands::ROOMS, domain::identity::RoleType};

#[actix_web::test]
async fn a_role_without_the_right_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let callers = [
        (RoleType::User, world.member("user", "0", None).await),
        (RoleType::DomainAdmin, world.member("domainadmin", "2", None).await),
        (RoleType::ResourceAdmin, world.member("resourceadmin", "3", None).await),
    ];
    let before = world.fingerprint();
    let mut refusals = 0;
    for entry in Registry::new(ROOMS).all() {
        for (role, client) in &callers {
            if entry.spec.roles.contains(role) {
                continue;
            }
            let answer = client.call(entry.spec.name, &[]).await;
            assert_eq!(answer.status, 432, "{} by {role}: {}", entry.spec.name, answer.text());
            assert!(answer.json.get("errorresponse").is_some(), "{}", answer.text());
            refusals += 1;
        }
    }
    assert!(refusals > 20, "only {refusals} refusals: is the registry empty?");
    assert_eq!(world.fingerprint(), before);
}

#[actix_web::test]
async fn without_credentials_nothing_is_answered() {
    let world = World::new().await;
    let nobody = crate::world::Client::new(world.server.address, "", "");
    for entry in Registry::new(ROOMS).all() {
        let answer = nobody.call(entry.spec.name, &[]).await;
        assert_eq!(answer.status, 401, "{}", entry.spec.name);
    }
}
