//! Whether who is added to a project is asked first (`project.invite.required`), and the invitation if so.

use crate::{
    command::prelude::*,
    domain::setting::{INVITE_MILLISECONDS, INVITE_REQUIRED, INVITE_TIMEOUT},
    store::{
        project::{self, Project},
        project_invitation::{Invitee, invite},
        setting,
    },
};

/// Refuses additions to a project that is suspended.
pub(super) fn check_active(project: &Project, what: &str) -> Result<()> {
    if project.is_active {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "Can't add {what} to the specified project id in state=Suspended as it's no longer active"
    )))
}

/// Whether invitations are required.
pub(super) fn is_required(conn: &mut Conn) -> Result<bool> {
    Ok(setting::get(conn, INVITE_REQUIRED)?.is_some_and(|value| value == "true"))
}

/// What is said to whoever names a mail address while invitations are required.
pub(super) fn no_mail(email: Option<&str>) -> Result<()> {
    match email.filter(|email| !email.is_empty()) {
        None => Ok(()),
        Some(_) => Err(Error::invalid(
            "no mail is sent from here: invite an account or a user by its name, without an email",
        )),
    }
}

/// Invites somebody who is no member yet. The project must be held.
pub(super) fn ask(
    tx: &mut Tx<'_>,
    to: &Project,
    who: Invitee,
    becomes: (bool, Option<Id<id::ProjectRole>>),
) -> Result<()> {
    if is_member(tx, to.id, who)? {
        let text = format!("account {} is already a member of project {}", who.account, to.id);
        return Err(Error::Invalid(text));
    }
    let milliseconds = setting::number(tx, INVITE_TIMEOUT, INVITE_MILLISECONDS)?;
    invite(tx, (to.id, to.domain.0), who, becomes, milliseconds)
}

/// Whether the account, or the user alone, is a member already.
pub(super) fn is_member(tx: &mut Tx<'_>, of: Id<id::Project>, who: Invitee) -> Result<bool> {
    let members = project::members(tx, &[of])?;
    Ok(members.iter().any(|member| match (&member.user, who.user) {
        (Some((user, _)), Some(invited)) => *user == invited,
        (None, None) => member.account.0 == who.account,
        _ => false,
    }))
}
