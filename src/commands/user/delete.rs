//! `deleteUser`: a user that is no more; its keys stop working at once.

use super::check_power_over;
use crate::{command::prelude::*, store::user};

/// `deleteUser`.
#[derive(Debug)]
pub(super) struct DeleteUser;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
}

impl Command for DeleteUser {
    const SPEC: Spec = Spec {
        name: "deleteUser",
        about: "Deletes a user",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("USER.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Success> {
        let Request { id } = request;
        cx.write(move |tx, caller| {
            let found = user::get(tx, id)?;
            check_power_over(tx, caller, &found)?;
            if found.is_default || found.id == caller.user {
                return Err(Error::Invalid(format!(
                    "The user {} cannot be deleted",
                    found.username
                )));
            }
            user::remove(tx, id)?;
            Ok((Some((Kind::User, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
