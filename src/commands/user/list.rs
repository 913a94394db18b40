//! `listUsers`: the users that the caller may see.

use super::view::UserView;
use crate::{command::prelude::*, store::user};

/// `listUsers`.
#[derive(Debug)]
pub(super) struct ListUsers;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Option<Id<id::User>>,
    /// the name the user signs in with
    username: Option<String>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListUsers {
    const SPEC: Spec = Spec {
        name: "listUsers",
        about: "Lists users",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<UserView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, username, listing } = request;
        let scope =
            cx.caller.list_scope(listing.list_all || listing.domain.is_some() || id.is_some());
        let filter = user::Filter {
            id,
            username,
            account: listing.account,
            domain: listing.domain,
            ..user::Filter::default()
        };
        let window = listing.page.window();
        let (count, users) =
            cx.db.read(move |conn| user::list(conn, &scope, &filter, &window)).await?;
        Ok(List::page(count, users.into_iter().map(UserView::from).collect()))
    }
}
