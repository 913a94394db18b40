//! `registerUserKeys`: new keys for a user; the old ones stop working at once.

use super::{check_power_over, view::UserKeysView};
use crate::{
    command::{prelude::*, secret},
    store::user,
};

/// `registerUserKeys`.
#[derive(Debug)]
pub(super) struct RegisterUserKeys;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
}

impl Command for RegisterUserKeys {
    const SPEC: Spec = Spec {
        name: "registerUserKeys",
        about: "Gives a user a new API key and a new secret key",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("REGISTER.USER.KEY"),
    };
    type Request = Request;
    type Response = One<UserKeysView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id } = request;
        let (api_key, secret_key) = secret::key_pair()?;
        let keys = (api_key.clone(), secret_key.clone());
        cx.write(move |tx, caller| {
            let found = user::get(tx, id)?;
            check_power_over(tx, caller, &found)?;
            user::set_keys(tx, id, &keys.0, &keys.1)?;
            Ok((Some((Kind::User, id.uuid())), ()))
        })
        .await?;
        Ok(One(UserKeysView {
            api_key: Some(api_key),
            secret_key: Some(secret_key),
            api_key_access: "INHERIT",
        }))
    }
}
