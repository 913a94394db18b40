//! `updateResourceCount`: counts again what an account or a domain has.

use super::{of_project, resource, rows, subject, view::ResourceCountView};
use crate::{command::prelude::*, store::limit};

/// `updateResourceCount`.
#[derive(Debug)]
pub(super) struct UpdateResourceCount;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the name of the account; the domain as a whole when not given
    account: Option<String>,
    /// the ID of the domain
    domain_id: Id<id::Domain>,
    /// the ID of the project
    project_id: Option<Id<id::Project>>,
    /// the number of the resource type; all when not given
    resource_type: Option<i32>,
    /// the tag; all if not given
    #[param(since = "4.20.0")]
    tag: Option<String>,
}

impl Command for UpdateResourceCount {
    const SPEC: Spec = Spec {
        name: "updateResourceCount",
        about: "Counts again what an account or a domain has",
        since: "0.1",
        roles: Role::ADMINS,
        event: Some("RESOURCE.COUNT.UPDATE"),
    };
    type Request = Request;
    type Response = List<ResourceCountView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let only = request.resource_type.map(resource).transpose()?;
        let tag = request.tag.clone();
        let (of, standings) = cx
            .write(move |tx, caller| {
                let of = match request.project_id {
                    Some(id) => of_project(tx, id)?,
                    None => {
                        let (name, home) = (request.account.as_deref(), request.domain_id);
                        subject(tx, caller, name, Some(home))?
                    }
                };
                let (what, owner) = match &of.account {
                    Some((account, _)) => {
                        limit::of_account(tx, *account)?;
                        (Kind::Account, account.uuid())
                    }
                    None => {
                        limit::of_domain(tx, of.domain.id)?;
                        (Kind::Domain, of.domain.id.uuid())
                    }
                };
                let standings = limit::standings(tx, &[owner])?.remove(&owner);
                Ok((Some((what, owner)), (of, standings.unwrap_or_default())))
            })
            .await?;
        let rows = rows(&standings, only, tag.as_deref())
            .map(|(standing, tag)| ResourceCountView::new(&of, standing, tag));
        Ok(List::whole(rows.collect()))
    }
}
