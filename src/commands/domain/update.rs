//! `updateDomain`: another name; the paths of the domains below it follow.

use super::view::DomainView;
use crate::{
    command::prelude::*,
    commands::annotation::view::annotated_one,
    store::{identity, limit, seed},
};

/// `updateDomain`.
#[derive(Debug)]
pub(super) struct UpdateDomain;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the domain
    id: Id<id::Domain>,
    /// the new name of the domain
    name: Option<String>,
}

impl Command for UpdateDomain {
    const SPEC: Spec = Spec {
        name: "updateDomain",
        about: "Updates a domain",
        since: "3.0.0",
        roles: &[Role::Admin, Role::DomainAdmin],
        event: Some("DOMAIN.UPDATE"),
    };
    type Request = Request;
    type Response = One<DomainView>;

    async fn run(cx: &Cx, Request { id, name }: Request) -> Result<Self::Response> {
        if let Some(name) = &name
            && (name.trim().is_empty() || name.contains('/'))
        {
            return Err(Error::invalid(format!(
                "{name} cannot name a domain: it is empty or contains a slash"
            )));
        }
        let view = cx
            .write(move |tx, caller| {
                let absent = || Error::NotFound { what: "domain", id: id.to_string() };
                let found = identity::domain(tx, id)?.ok_or_else(absent)?;
                if let Some(name) = name.as_deref().filter(|name| *name != found.name) {
                    if id == seed::ROOT_DOMAIN {
                        return Err(Error::invalid("Cannot edit the name of the ROOT domain"));
                    }
                    if id == caller.domain {
                        return Err(Error::not_permitted());
                    }
                    identity::rename_domain(tx, &found, name)?;
                }
                let changed = identity::domain(tx, id)?.ok_or_else(absent)?;
                let parents = identity::with_children(tx, &[id])?;
                let limits = limit::standings(tx, &[id.uuid()])?.remove(&id.uuid());
                let limits = limits.unwrap_or_default().into();
                let view = DomainView::new(changed, !parents.is_empty(), limits);
                Ok((Some((Kind::Domain, id.uuid())), annotated_one(tx, view)?))
            })
            .await?;
        Ok(One(view))
    }
}
