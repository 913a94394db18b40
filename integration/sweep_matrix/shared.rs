//! What some rows share with others: a network of a domain is for that domain and those below it, a public template is
//! for everyone to use and for its owner to change.

use super::{
    Who, ask,
    cast::{Cast, party},
    class, may, nothing_there,
    rules::{CALLERS, Class, Whose},
    words,
};
use csgpu::{command::Registry, commands::ROOMS, domain::Kind, error::Error};

/// The domains, and who may name a network that is for everyone in them.
const NETWORKS: [(&str, &[Who]); 4] = [
    ("/", &CALLERS),
    ("/zhome/", &CALLERS),
    // administrators see what is below them
    ("/zhome/zchild/", &[Who::Root, Who::ReadOnlyRoot, Who::DomainAdmin, Who::ResourceAdmin]),
    ("/zaway/", &[Who::Root, Who::ReadOnlyRoot]),
];

/// Who lives in ROOT is not of a domain below it, and sees it as root administrators do.
#[actix_web::test]
async fn a_network_of_a_domain_is_for_that_domain_and_those_below() {
    let cast = Cast::new().await;
    let mut wrong = Vec::new();
    for (path, for_these) in NETWORKS {
        let id = uuid::Uuid::now_v7().to_string();
        cast.world
            .run(&format!(
                "INSERT INTO network (id, account_id, domain_id, zone_id, offering_id, name, display_text, guest_type, acl_type, bridge, state)
                 SELECT '{id}', m.account_id, d.id, m.zone_id, m.offering_id, '{id}', '', 'L2', 'Domain', 'br1', 'Setup'
                 FROM network m JOIN domain d ON d.path = '{path}' WHERE m.name = 'inside'"
            ))
            .await;
        for entry in Registry::new(ROOMS).all() {
            let named =
                (entry.params)().into_iter().filter(|param| param.entity == Some(Kind::Network));
            for param in named {
                for who in CALLERS.into_iter().filter(|who| may(*who, entry.spec.name)) {
                    let answer =
                        ask(&cast, who, entry, words(&cast, who, entry, param.name, &id)).await;
                    let is_hidden = answer.is_err_and(|error| {
                        error.to_string() == nothing_there(entry, param.name, &id)
                    });
                    if is_hidden == for_these.contains(&who) {
                        wrong.push(format!(
                            "{} {} of {path} by {who:?}",
                            entry.spec.name, param.name
                        ));
                    }
                }
            }
        }
        let list = Registry::new(ROOMS).find("listNetworks").expect("a command");
        for who in CALLERS {
            let all = vec![("listall".to_owned(), "true".to_owned())];
            let shown = ask(&cast, who, list, all).await.expect("a list").contains(&id);
            if shown != for_these.contains(&who) {
                wrong.push(format!("the list of {who:?} and the network of {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An administrator may see a network of a domain below, but an instance of another domain is not plugged into it.
#[actix_web::test]
async fn nobody_is_plugged_into_a_network_of_another_domain() {
    let cast = Cast::new().await;
    let id = uuid::Uuid::now_v7().to_string();
    cast.world
        .run(&format!(
            "INSERT INTO network (id, account_id, domain_id, zone_id, offering_id, name, display_text, guest_type, acl_type, bridge, state)
             SELECT '{id}', m.account_id, d.id, m.zone_id, m.offering_id, 'below', '', 'L2', 'Domain', 'br1', 'Setup'
             FROM network m JOIN domain d ON d.path = '/zhome/zchild/' WHERE m.name = 'inside'"
        ))
        .await;
    let deploy = Registry::new(ROOMS).find("deployVirtualMachine").expect("a command");
    let template = cast.thing("zboss", Kind::Template).expect("a template");
    for (account, domain, is_refused) in [("zboss", "zboss", true), ("zkid", "zkid", false)] {
        let domain = cast.thing(domain, Kind::Domain).expect("a domain");
        let mut words = words(&cast, Who::DomainAdmin, deploy, "networkids", &id);
        words.retain(|(name, _)| name != "templateid");
        for (name, value) in [("templateid", template), ("account", account), ("domainid", domain)]
        {
            words.push((name.to_owned(), value.to_owned()));
        }
        let answer = ask(&cast, Who::DomainAdmin, deploy, words).await;
        let text = answer.expect_err("nothing is written here").to_string();
        assert_eq!(
            text == "network below belongs to another account",
            is_refused,
            "{account}: {text}"
        );
    }
}

#[actix_web::test]
async fn a_public_template_is_named_by_all_and_changed_by_its_owner() {
    let cast = Cast::new().await;
    let id = cast.thing("zfar", Kind::Template).expect("a template").to_owned();
    cast.world.run(&format!("UPDATE template SET is_public = 1 WHERE id = '{id}'")).await;
    assert_eq!(class(Kind::Template), Class::Owned);
    for entry in Registry::new(ROOMS).all() {
        let named =
            (entry.params)().into_iter().filter(|param| param.entity == Some(Kind::Template));
        for param in named {
            for who in CALLERS.into_iter().filter(|who| may(*who, entry.spec.name)) {
                let answer =
                    ask(&cast, who, entry, words(&cast, who, entry, param.name, &id)).await;
                let what = format!("{} by {who:?}: {answer:?}", entry.spec.name);
                let changes =
                    ["update", "delete"].iter().any(|verb| entry.spec.name.starts_with(verb));
                let is_refused = matches!(&answer, Err(Error::Forbidden(_)));
                assert_eq!(is_refused, changes && !who.is_root(), "{what}");
                let hidden = nothing_there(entry, param.name, &id);
                assert!(!answer.is_err_and(|error| error.to_string() == hidden), "{what}");
            }
        }
    }
}

/// A thing of a domain below is for both kinds of administrators to change.
#[actix_web::test]
async fn administrators_of_domains_and_of_resources_change_what_is_below_them() {
    let cast = Cast::new().await;
    for (command, kind) in [
        ("updateNetwork", Kind::Network),
        ("deleteNetwork", Kind::Network),
        ("updateTemplate", Kind::Template),
        ("deleteTemplate", Kind::Template),
    ] {
        let entry = Registry::new(ROOMS).find(command).expect("a command");
        for who in [Who::Root, Who::DomainAdmin, Who::ResourceAdmin] {
            let id = cast.thing(party(who, Whose::ChildDomain), kind).expect("a thing");
            let answer = ask(&cast, who, entry, words(&cast, who, entry, "id", id)).await;
            // the server may only read, so what is allowed fails later
            let is_forbidden = matches!(answer, Err(Error::Forbidden(_)));
            assert!(!is_forbidden, "{command} by {who:?}: {answer:?}");
        }
    }
}
