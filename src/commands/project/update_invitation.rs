//! `updateProjectInvitation`: who is invited to a project accepts or declines.

use super::invite::is_member;
use crate::{
    command::{Inner, prelude::*, unknown_id},
    domain::identity::{InvitationState, Reach},
    store::{
        lookup, owner,
        project::{self, Project},
        project_invitation::{self, Invitation, Invitee, user_in},
        project_user,
    },
};

/// `updateProjectInvitation`.
#[derive(Debug)]
pub(super) struct UpdateProjectInvitation;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    #[param(name = "projectid")]
    project_id: Inner<id::Project>,
    /// the name of the account that is invited; that of the caller when neither account nor user is given
    account: Option<String>,
    /// the ID of the user that is invited
    user_id: Option<Id<id::User>>,
    /// what a mail told; no mail is sent, so none is right
    token: Option<String>,
    /// whether the invitation is accepted; true when not given
    accept: Option<bool>,
}

impl ImmediateCommand for UpdateProjectInvitation {
    const SPEC: Spec = Spec {
        name: "updateProjectInvitation",
        about: "Accepts or declines an invitation to a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.INVITATION.UPDATE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let Inner(id) = request.project_id;
        let unknown = || unknown_id(Self::SPEC.name, "projectid", &id.to_string());
        let to = match project::hold(tx, id) {
            Err(Error::NotFound { .. }) => return Err(unknown()),
            found => found?,
        };
        let is_known = lookup::visible(tx, caller, &[(Kind::Project, id.uuid())])?;
        let is_known = is_known.ids.contains(&(Kind::Project, id.uuid()));
        let name = request.account.as_deref().unwrap_or(&caller.account_name);
        let none = || match is_known {
            true => Error::Invalid(format!(
                "Unable to find invitation for account name={name} to the project={}",
                to.name
            )),
            // who is not invited does not learn that there is such a project
            false => unknown(),
        };
        let invitees = invitees(tx, caller, (&to, is_known), request)?;
        let found = match request.token {
            None => project_invitation::pending(tx, id, &invitees)?.ok_or_else(none)?,
            Some(_) => return Err(none()),
        };
        let accepts = request.accept.unwrap_or(true);
        if accepts && found.state() == InvitationState::Expired {
            return Err(Error::Invalid(format!(
                "Invitation is expired for account id={name} to the project {}",
                to.name
            )));
        }
        match accepts {
            true => enter(tx, &to, &found)?,
            false => project_invitation::answer(tx, found.id, InvitationState::Declined)?,
        }
        let verb = if accepts { "accepting" } else { "declining" };
        let text =
            format!("{verb} the invitation of account {} to project {}", found.account.1, to.name);
        Ok(Changed::known(id).described(text))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}

/// For whom the caller may answer, of those who are meant: itself, its account, and those of its domains.
fn invitees(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (to, is_known): (&Project, bool),
    request: &Request,
) -> Result<Vec<Invitee>> {
    // an administrator of domains knows the projects of its own tree by their ids
    let is_above = is_known && !matches!(caller.scope().reach(), Reach::Account(_));
    let found = match (&request.account, request.user_id) {
        (Some(name), _) => {
            let found = owner::account_named(tx, name, to.domain.0)?;
            found.map(|(account, _)| Invitee { account, user: None })
        }
        (None, Some(user)) => user_in(tx, user, to.domain.0)?,
        (None, None) => {
            let account = caller.account;
            let both = [None, Some(caller.user)].map(|user| Invitee { account, user });
            return Ok(both.to_vec());
        }
    };
    let is_own = |who: &Invitee| {
        who.account == caller.account && who.user.is_none_or(|user| user == caller.user)
    };
    Ok(found.into_iter().filter(|who| is_above || is_own(who)).collect())
}

/// Makes a member of who accepts; nothing more of one who is a member already.
fn enter(tx: &mut Tx<'_>, to: &Project, found: &Invitation) -> Result<()> {
    let who = Invitee { account: found.account.0, user: found.user };
    let becomes = (found.is_admin, found.role);
    project_invitation::answer(tx, found.id, InvitationState::Completed)?;
    if is_member(tx, to.id, who)? {
        return Ok(());
    }
    match found.user {
        Some(user) => project_user::join(tx, to.id, user, becomes),
        None => project::join(tx, to.id, who.account, becomes),
    }
}
