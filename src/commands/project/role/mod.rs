//! Roles of projects: what a member that is no administrator may do in the project. The first rule that fits decides;
//! without one the member may do what its own role allows.

pub(super) mod create;
pub(super) mod create_permission;
pub(super) mod delete;
pub(super) mod delete_permission;
pub(super) mod list;
pub(super) mod list_permissions;
pub(super) mod update;
pub(super) mod update_permission;
pub mod view;

use crate::{
    command::{prelude::*, unknown_id},
    store::project_role::{self, ProjectRole, Rule},
};

/// A role of the project. Error: the answer to an id that does not exist.
fn found(
    conn: &mut Conn,
    (command, param): (&str, &str),
    project: Id<id::Project>,
    role: Id<id::ProjectRole>,
) -> Result<ProjectRole> {
    let found = project_role::get(conn, project, role)?;
    found.ok_or_else(|| unknown_id(command, param, &role.to_string()))
}

/// A rule of the project. Error: the answer to an id that does not exist.
fn rule(
    conn: &mut Conn,
    (command, param): (&str, &str),
    project: Id<id::Project>,
    rule: Id<id::ProjectRolePermission>,
) -> Result<Rule> {
    let rows = project_role::rules(conn, project, None)?;
    let found = rows.into_iter().map(|(row, _)| row).find(|row| row.id == rule);
    found.ok_or_else(|| unknown_id(command, param, &rule.to_string()))
}
