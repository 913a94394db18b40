//! `listResourceLimits`: what an account or a domain may have, every resource, set or not.

use super::{Subject, of_project, resource, rows, subject, view::ResourceLimitView};
use crate::{
    command::prelude::*,
    domain::{identity::RoleType, resource::Resource},
    store::{limit, owner::Projects},
};

/// `listResourceLimits`.
#[derive(Debug)]
pub(super) struct ListResourceLimits;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the number of the resource type
    resource_type: Option<i32>,
    /// the name of the resource type, used when its number is not given
    resource_type_name: Option<String>,
    /// the tag; all if not given
    #[param(since = "4.20.0")]
    tag: Option<String>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListResourceLimits {
    const SPEC: Spec = Spec {
        name: "listResourceLimits",
        about: "Lists what an account or a domain may have at most",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ResourceLimitView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let only = match (request.resource_type, request.resource_type_name.as_deref()) {
            (Some(number), _) => Some(resource(number)?),
            (None, Some(name)) => Some(
                Resource::of_name(name)
                    .ok_or_else(|| Error::invalid("Please specify valid resource type name."))?,
            ),
            (None, None) => None,
        };
        let (caller, listing) = (cx.caller.clone(), request.listing.clone());
        let (of, standings) = cx
            .db
            .read(move |conn| {
                let of = whose(conn, &caller, &listing)?;
                let owner = match &of.account {
                    Some((account, _)) => account.uuid(),
                    None => of.domain.id.uuid(),
                };
                let standings = limit::standings(conn, &[owner])?.remove(&owner);
                Ok((of, standings.unwrap_or_default()))
            })
            .await?;
        let rows: Vec<_> = rows(&standings, only, request.tag.as_deref())
            .map(|(standing, tag)| ResourceLimitView::new(&of, standing, tag))
            .collect();
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let page = &request.listing.page;
        let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Ok(List::page(count, rows.into_iter().skip(skip).take(most).collect()))
    }
}

/// The account that is named, else the domain that is named, else the caller's account; users see their own.
fn whose(conn: &mut Conn, caller: &Caller, listing: &Listing) -> Result<Subject> {
    match listing.project {
        Some(Projects::One(_)) if listing.account.is_some() => {
            return Err(Error::invalid("Account and projectId can't be specified together"));
        }
        Some(Projects::One(id)) => return of_project(conn, id),
        Some(Projects::All) | None => {}
    }
    let is_user = matches!(caller.role, RoleType::User | RoleType::Unknown);
    if is_user || (listing.account.is_none() && listing.domain.is_none()) {
        let name = caller.account_name.as_str();
        return subject(conn, caller, Some(name), Some(caller.domain));
    }
    subject(conn, caller, listing.account.as_deref(), listing.domain)
}
