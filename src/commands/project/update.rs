//! `updateProject`: another name or text, or another administrator.

use super::{
    power::{account_named, changeable, check_administered, is_admin},
    view::{ProjectView, one},
};
use crate::{
    command::{Inner, prelude::*, unknown_id},
    store::{project, project_user},
};

/// `updateProject`.
#[derive(Debug)]
pub(super) struct UpdateProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    id: Id<id::Project>,
    /// the name of the project
    name: Option<String>,
    /// what the project is for
    #[param(name = "displaytext")]
    display_text: Option<String>,
    /// the member to make an administrator, or not one
    account: Option<String>,
    /// the user to make an administrator, or not one, who is a member without the others of its account
    #[param(name = "userid")]
    user_id: Option<Inner<id::User>>,
    /// Admin or Regular; Admin when not given
    #[param(name = "roletype")]
    role_type: Option<String>,
    /// whether the account becomes the only administrator; true when not given
    #[param(name = "swapowner")]
    swap_owner: Option<bool>,
}

impl ImmediateCommand for UpdateProject {
    const SPEC: Spec = Spec {
        name: "updateProject",
        about: "Updates a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.UPDATE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = One<ProjectView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let id = request.id;
        if request.account.is_some() && request.user_id.is_some() {
            return Err(Error::invalid(
                "Account name and user ID are mutually exclusive. Provide either account name to update account or user ID to update the user of the project",
            ));
        }
        let mut changed = changeable(tx, caller, id)?;
        if let Some(name) = request.name.clone().filter(|name| !name.trim().is_empty()) {
            changed.name = name;
        }
        changed.display_text = request.display_text.clone().unwrap_or(changed.display_text);
        project::write(tx, &changed)?;
        if let Some(name) = &request.account {
            hand_over(tx, &changed, name, request)?;
        }
        if let Some(Inner(user)) = request.user_id {
            let becomes =
                request.role_type.as_deref().map_or(Ok(true), |role| is_admin(Some(role)))?;
            if !project_user::promote(tx, id, user, becomes)? {
                return Err(unknown_id(Self::SPEC.name, "userid", &user.to_string()));
            }
            check_administered(tx, id)?;
        }
        Ok(Changed::known(id))
    }

    async fn tell(cx: &Cx, id: Id<id::Project>) -> Result<One<ProjectView>> {
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }
}

/// Another administrator; there always is one.
fn hand_over(
    tx: &mut Tx<'_>,
    changed: &project::Project,
    name: &str,
    request: &Request,
) -> Result<()> {
    let heir = account_named(tx, changed, name)?;
    let swaps = request.role_type.is_none() && request.swap_owner.unwrap_or(true);
    let becomes = swaps || request.role_type.is_none() || is_admin(request.role_type.as_deref())?;
    if !project::promote(tx, changed.id, heir, becomes)? {
        return Err(Error::Invalid(format!(
            "account {name} is no member of the project {}",
            changed.name
        )));
    }
    let members = project::members(tx, &[changed.id])?;
    for member in members.iter().filter(|member| swaps && member.account.0 != heir) {
        project::promote(tx, changed.id, member.account.0, false)?;
    }
    if !members.iter().any(|member| member.is_admin) {
        return Err(Error::invalid("a project keeps at least one administrator"));
    }
    Ok(())
}
