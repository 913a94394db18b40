//! `getUser`: the user that an API key names.

use super::view::UserView;
use crate::{command::prelude::*, store::user};

/// `getUser`.
#[derive(Debug)]
pub(super) struct GetUser;

/// Its parameters.
#[derive(Params)]
pub(super) struct Request {
    /// the API key of the user
    #[param(name = "userapikey")]
    user_api_key: String,
}

impl Command for GetUser {
    const SPEC: Spec = Spec {
        name: "getUser",
        about: "Finds a user by its API key",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = One<UserView>;

    async fn run(cx: &Cx, Request { user_api_key }: Request) -> Result<Self::Response> {
        let unknown = || Error::invalid("User not found for the specified api key");
        if !user_api_key.is_ascii() {
            return Err(unknown());
        }
        let scope = cx.caller.scope();
        let found = cx.db.read(move |conn| {
            let filter = user::Filter { api_key: Some(user_api_key.clone()), ..Default::default() };
            user::list(conn, &scope, &filter, &crate::store::Window::ALL)
        });
        let found = found.await?.1.into_iter().next();
        found.map(|found| One(found.into())).ok_or_else(unknown)
    }
}
