//! `enableUser`: a user that was locked or disabled may act again.

use super::{set_state, view::UserView};
use crate::{command::prelude::*, domain::identity::AccountState};

/// `enableUser`.
#[derive(Debug)]
pub(super) struct EnableUser;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
}

impl Command for EnableUser {
    const SPEC: Spec = Spec {
        name: "enableUser",
        about: "Enables a user",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("USER.ENABLE"),
    };
    type Request = Request;
    type Response = One<UserView>;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Self::Response> {
        let changed = cx
            .write(move |tx, caller| {
                let changed = set_state(tx, caller, id, AccountState::Enabled)?;
                Ok((Some((Kind::User, id.uuid())), changed))
            })
            .await?;
        Ok(One(changed.into()))
    }
}
