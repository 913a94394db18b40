//! `getUserKeys`: a user's keys.

use super::{check_power_over, view::UserKeysView};
use crate::{command::prelude::*, store::user};

/// `getUserKeys`.
#[derive(Debug)]
pub(super) struct GetUserKeys;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
}

impl Command for GetUserKeys {
    const SPEC: Spec = Spec {
        name: "getUserKeys",
        about: "Gets the API key and the secret key of a user",
        since: "4.10.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = One<UserKeysView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id } = request;
        let caller = cx.caller.clone();
        let (api_key, secret_key) = cx
            .db
            .read(move |conn| {
                let found = user::get(conn, id)?;
                check_power_over(conn, &caller, &found)?;
                user::keys(conn, id)
            })
            .await?;
        Ok(One(UserKeysView { api_key, secret_key, api_key_access: "INHERIT" }))
    }
}
