//! `listTags`: the tags of what the caller may see.

use super::view::TagView;
use crate::{
    command::prelude::*,
    domain::ObjectType,
    store::{
        owner,
        tag::{self, Filter},
    },
};
use std::sync::Arc;

/// `listTags`.
#[derive(Debug)]
pub(super) struct ListTags;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the type of the resources, as createTags takes it
    resource_type: Option<String>,
    /// the ID of a resource
    resource_id: Option<String>,
    /// the key of the tag
    key: Option<String>,
    /// the value of the tag
    value: Option<String>,
    /// what the tag is used for
    customer: Option<String>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListTags {
    const SPEC: Spec = Spec {
        name: "listTags",
        about: "Lists the tags of resources",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<TagView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { resource_type, resource_id, key, value, customer, listing } = request;
        let (wanted, window) = (listing.wanted(), listing.page.window());
        let resource: Option<Result<Id<ObjectType>, _>> = resource_id.map(|text| text.parse());
        let Ok(resource) = resource.transpose() else {
            return Ok(List::whole(Vec::new())); // no thing has such an id
        };
        let filter = Filter { kind: resource_type, resource, key, value, customer };
        let caller = Arc::clone(&cx.caller);
        let (count, rows) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &wanted, filter.resource.is_some())?;
                tag::list(conn, &owners, &filter, &window)
            })
            .await?;
        Ok(List::page(count, rows.into_iter().map(TagView::from).collect()))
    }
}
