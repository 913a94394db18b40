//! Roles: what their users may call.

mod create;
mod create_permission;
mod delete;
mod delete_permission;
mod import;
mod list;
mod list_permissions;
mod rule_text;
mod update;
mod update_permission;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateRole>(),
    sync::<create_permission::CreateRolePermission>(),
    sync::<delete::DeleteRole>(),
    sync::<delete_permission::DeleteRolePermission>(),
    sync::<import::ImportRole>(),
    sync::<list::ListRoles>(),
    sync::<list_permissions::ListRolePermissions>(),
    sync::<update::UpdateRole>(),
    sync::<update_permission::UpdateRolePermission>(),
];
