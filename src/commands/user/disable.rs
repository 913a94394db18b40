//! `disableUser`: the user can neither log in nor sign, from the moment the request is answered.

use super::{set_state, view::UserView};
use crate::{command::prelude::*, domain::identity::AccountState, store::user};
use serde::{Deserialize, Serialize};

/// `disableUser`.
#[derive(Debug)]
pub(super) struct DisableUser;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    user: Id<id::User>,
}

impl AsyncCommand for DisableUser {
    const SPEC: Spec = Spec {
        name: "disableUser",
        about: "Disables a user",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("USER.DISABLE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<UserView>;

    /// All of it happens here; the job only tells.
    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let user = request.id;
        set_state(tx, caller, user, AccountState::Disabled)?;
        let subject = Some((Kind::User, user.uuid()));
        Ok(Admitted { plan: Plan { user }, subject, created: None, describe: None })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<UserView>> {
        let id = plan.user;
        let found = cx.db.read(move |conn| user::get(conn, id)).await?;
        Ok(One(found.into()))
    }

    /// A user stays disabled.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
