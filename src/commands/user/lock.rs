//! `lockUser`: the user can neither log in nor sign until it is enabled.

use super::{set_state, view::UserView};
use crate::{command::prelude::*, domain::identity::AccountState};

/// `lockUser`.
#[derive(Debug)]
pub(super) struct LockUser;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
}

impl Command for LockUser {
    const SPEC: Spec = Spec {
        name: "lockUser",
        about: "Locks a user",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("USER.LOCK"),
    };
    type Request = Request;
    type Response = One<UserView>;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Self::Response> {
        let changed = cx
            .write(move |tx, caller| {
                let changed = set_state(tx, caller, id, AccountState::Locked)?;
                Ok((Some((Kind::User, id.uuid())), changed))
            })
            .await?;
        Ok(One(changed.into()))
    }
}
