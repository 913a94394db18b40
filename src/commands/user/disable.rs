//! `disableUser`: the user can neither log in nor sign, from the moment the request is answered.

use super::{set_state, view::UserView};
use crate::{command::prelude::*, domain::identity::AccountState, store::user};

/// `disableUser`.
#[derive(Debug)]
pub(super) struct DisableUser;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
}

impl ImmediateCommand for DisableUser {
    const SPEC: Spec = Spec {
        name: "disableUser",
        about: "Disables a user",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("USER.DISABLE"),
    };
    type Request = Request;
    type Subject = id::User;
    type Response = One<UserView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::User>> {
        let user = request.id;
        set_state(tx, caller, user, AccountState::Disabled)?;
        Ok(Changed::known(user))
    }

    async fn tell(cx: &Cx, id: Id<id::User>) -> Result<One<UserView>> {
        let found = cx.db.read(move |conn| user::get(conn, id)).await?;
        Ok(One(found.into()))
    }
}
