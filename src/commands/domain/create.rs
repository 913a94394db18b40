//! `createDomain`: a domain below another.

use super::view::DomainView;
use crate::{
    command::prelude::*,
    store::{identity, limit},
};

/// `createDomain`.
#[derive(Debug)]
pub(super) struct CreateDomain;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the domain
    name: String,
    /// the ID of the domain above it; the caller's when not given
    parent_domain_id: Option<Id<id::Domain>>,
}

impl Command for CreateDomain {
    const SPEC: Spec = Spec {
        name: "createDomain",
        about: "Creates a domain",
        since: "3.0.0",
        roles: &[Role::Admin, Role::DomainAdmin],
        event: Some("DOMAIN.CREATE"),
    };
    type Request = Request;
    type Response = One<DomainView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, parent_domain_id } = request;
        if name.trim().is_empty() || name.contains('/') {
            return Err(Error::invalid(format!(
                "{name} cannot name a domain: it is empty or contains a slash"
            )));
        }
        let parent = parent_domain_id.unwrap_or(cx.caller.domain);
        let (made, limits) = cx
            .write(move |tx, _| {
                let above = identity::domain(tx, parent)?
                    .ok_or_else(|| Error::NotFound { what: "domain", id: parent.to_string() })?;
                if above.path.chars().count() + name.chars().count() > 600 {
                    return Err(Error::invalid(
                        "the path of the domain would be longer than 600 characters",
                    ));
                }
                let id = Id::mint();
                identity::insert_domain(tx, id, &above, &name)?;
                let made = identity::domain(tx, id)?
                    .ok_or_else(|| Error::NotFound { what: "domain", id: id.to_string() })?;
                let limits = limit::standings(tx, &[id.uuid()])?.remove(&id.uuid());
                Ok((Some((Kind::Domain, id.uuid())), (made, limits.unwrap_or_default())))
            })
            .await?;
        Ok(One(DomainView::new(made, false, limits.into())))
    }
}
