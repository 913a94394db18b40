//! Projects: accounts that several accounts share.
//!
//! What belongs to a project is owned by an account of its own, which nobody logs in to; members reach it by naming the
//! project. So every list, limit and look-up that knows owners knows projects.

mod activate;
mod add_account;
mod add_user;
mod create;
mod delete;
mod delete_account;
mod delete_invitation;
mod delete_user;
mod invite;
mod list;
mod list_accounts;
mod list_invitations;
mod power;
pub mod role;
mod suspend;
mod update;
mod update_invitation;
pub mod view;

use crate::command::{Entry, asynchronous, immediate, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    immediate::<activate::ActivateProject>(),
    immediate::<add_account::AddAccountToProject>(),
    immediate::<add_user::AddUserToProject>(),
    immediate::<delete_user::DeleteUserFromProject>(),
    sync::<role::create::CreateProjectRole>(),
    sync::<role::update::UpdateProjectRole>(),
    sync::<role::delete::DeleteProjectRole>(),
    sync::<role::list::ListProjectRoles>(),
    sync::<role::create_permission::CreateProjectRolePermission>(),
    sync::<role::update_permission::UpdateProjectRolePermission>(),
    sync::<role::delete_permission::DeleteProjectRolePermission>(),
    sync::<role::list_permissions::ListProjectRolePermissions>(),
    immediate::<create::CreateProject>(),
    asynchronous::<delete::DeleteProject>(),
    immediate::<delete_account::DeleteAccountFromProject>(),
    immediate::<delete_invitation::DeleteProjectInvitation>(),
    sync::<list::ListProjects>(),
    sync::<list_accounts::ListProjectAccounts>(),
    sync::<list_invitations::ListProjectInvitations>(),
    immediate::<suspend::SuspendProject>(),
    immediate::<update::UpdateProject>(),
    immediate::<update_invitation::UpdateProjectInvitation>(),
];
