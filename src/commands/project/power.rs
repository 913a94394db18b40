//! Who may change a project, and which account becomes a member.

use crate::{
    command::prelude::*,
    domain::identity::Reach,
    store::{
        owner,
        project::{self, Project},
    },
};
use serde::{Deserialize, Serialize};

/// What the job of a change knows that its admission has made already.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The project that was changed.
    pub(super) project: Id<id::Project>,
}

/// Activates or suspends a project, if the caller may; the job only tells.
pub(super) fn switch(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: Id<id::Project>,
    is_active: bool,
) -> Result<Admitted<Plan>> {
    let mut changed = changeable(tx, caller, id)?;
    changed.is_active = is_active;
    project::write(tx, &changed)?;
    let subject = Some((Kind::Project, id.uuid()));
    Ok(Admitted { plan: Plan { project: id }, subject, created: None, describe: None })
}

/// The project, held, which the caller may change: as its administrator, or as one of the domain.
pub(super) fn changeable(tx: &mut Tx<'_>, caller: &Caller, id: Id<id::Project>) -> Result<Project> {
    let found = project::hold(tx, id)?;
    let is_member = |tx: &mut Tx<'_>| -> Result<bool> {
        let members = project::members(tx, &[id])?;
        Ok(members.iter().any(|member| member.is_admin && member.account.0 == caller.account))
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

/// `Admin` or `Regular`; the latter when nothing is said.
pub(super) fn is_admin(role: Option<&str>) -> Result<bool> {
    match role.map(str::to_ascii_lowercase).as_deref() {
        None | Some("regular") => Ok(false),
        Some("admin") => Ok(true),
        Some(_) => Err(Error::invalid("Only Admin and Regular are roles in a project")),
    }
}
