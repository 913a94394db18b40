//! Who may change a project, and which account becomes a member.

use crate::{
    command::{Inner, prelude::*, unknown_id},
    domain::identity::Reach,
    store::{
        owner,
        project::{self, Project},
        project_role,
    },
};

/// Activates or suspends a project, if the caller may.
pub(super) fn switch(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: Id<id::Project>,
    is_active: bool,
) -> Result<Changed<id::Project>> {
    let mut changed = changeable(tx, caller, id)?;
    changed.is_active = is_active;
    project::write(tx, &changed)?;
    Ok(Changed::known(id))
}

/// The project, held, which the caller may change: as its administrator, or as one of the domain.
pub(super) fn changeable(tx: &mut Tx<'_>, caller: &Caller, id: Id<id::Project>) -> Result<Project> {
    let found = project::hold(tx, id)?;
    let is_member = |tx: &mut Tx<'_>| -> Result<bool> {
        let members = project::members(tx, &[id])?;
        let is_me = |member: &project::Member| match &member.user {
            Some((user, _)) => *user == caller.user,
            None => member.account.0 == caller.account,
        };
        Ok(members.iter().any(|member| member.is_admin && is_me(member)))
    };
    // an administrator of a domain knows the project by its id only inside the own tree
    let is_above = !matches!(caller.scope().reach(), Reach::Account(_));
    if is_above || is_member(tx)? {
        return Ok(found);
    }
    Err(Error::Forbidden(format!(
        "the account {} is no administrator of the project {}",
        caller.account_name, found.name
    )))
}

/// The account of this name in the project's domain.
pub(super) fn account_named(
    tx: &mut Tx<'_>,
    project: &Project,
    name: &str,
) -> Result<Id<id::Account>> {
    let found = owner::account_named(tx, name, project.domain.0)?;
    found.map(|(id, _)| id).ok_or_else(|| {
        Error::Invalid(format!("Unable to find account {name} in domain id={}", project.domain.0))
    })
}

/// The role of this id, if the project has it; there is none without an id.
pub(super) fn role(
    conn: &mut Conn,
    command: &str,
    project: Id<id::Project>,
    role: Option<Inner<id::ProjectRole>>,
) -> Result<Option<Id<id::ProjectRole>>> {
    let Some(Inner(id)) = role else { return Ok(None) };
    match project_role::get(conn, project, id)? {
        Some(found) => Ok(Some(found.id)),
        None => Err(unknown_id(command, "projectroleid", &id.to_string())),
    }
}

/// Refuses to leave a project without an administrator.
pub(super) fn check_administered(tx: &mut Tx<'_>, id: Id<id::Project>) -> Result<()> {
    match project::members(tx, &[id])?.iter().any(|member| member.is_admin) {
        true => Ok(()),
        false => Err(Error::invalid("a project keeps at least one administrator")),
    }
}

/// `Admin` or `Regular`; the latter when nothing is said.
pub(super) fn is_admin(role: Option<&str>) -> Result<bool> {
    match role.map(str::to_ascii_lowercase).as_deref() {
        None | Some("regular") => Ok(false),
        Some("admin") => Ok(true),
        Some(_) => Err(Error::invalid("Only Admin and Regular are roles in a project")),
    }
}
