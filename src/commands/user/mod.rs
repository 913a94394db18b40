//! Users: who signs requests.

mod create;
mod delete;
mod get_keys;
mod list;
mod register_keys;
pub mod view;

use crate::{
    command::{Entry, prelude::*, sync},
    domain::identity::RoleType,
    store::user::User,
};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateUser>(),
    sync::<delete::DeleteUser>(),
    sync::<get_keys::GetUserKeys>(),
    sync::<list::ListUsers>(),
    sync::<register_keys::RegisterUserKeys>(),
];

/// Nobody but a root admin acts on a root admin's user, and a user acts on no other user.
fn check_power_over(caller: &Caller, user: &User) -> Result<()> {
    let is_own = user.id == caller.user;
    let is_above = caller.role != RoleType::User && user.role.2 != RoleType::Admin;
    if caller.is_admin() || is_own || is_above {
        return Ok(());
    }
    Err(Error::Forbidden(
        "Caller does not have permission to operate with provided resource.".into(),
    ))
}
