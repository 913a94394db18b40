//! Users: who signs requests.

mod create;
mod delete;
mod disable;
mod enable;
mod get;
mod get_keys;
mod list;
mod lock;
mod register_keys;
mod update;
pub mod view;

use crate::{
    command::{
        Entry, immediate,
        prelude::*,
        roles::{above, is_root},
        sync,
    },
    domain::identity::{AccountState, RoleType},
    store::user::{self, User},
};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateUser>(),
    sync::<delete::DeleteUser>(),
    immediate::<disable::DisableUser>(),
    sync::<enable::EnableUser>(),
    sync::<get::GetUser>(),
    sync::<get_keys::GetUserKeys>(),
    sync::<list::ListUsers>(),
    sync::<lock::LockUser>(),
    sync::<register_keys::RegisterUserKeys>(),
    sync::<update::UpdateUser>(),
];

/// A user acts on no other user, and on an administrator's nobody acts but who may call everything. Nor does anybody
/// act on those who may call more: a role with fewer rights would only have to take the other's keys.
fn check_power_over(conn: &mut Conn, caller: &Caller, user: &User) -> Result<()> {
    if is_root(caller) || user.id == caller.user {
        return Ok(());
    }
    if !is_above(conn, caller, &user.role)? {
        return Ok(());
    }
    Err(Error::not_permitted())
}

/// Whether who has this role is above the caller, who may not call everything.
fn is_above(
    conn: &mut Conn,
    caller: &Caller,
    role: &(Id<id::Role>, String, RoleType),
) -> Result<bool> {
    let specs = super::ROOMS.iter().flat_map(|room| room.iter()).map(|entry| &entry.spec);
    Ok(role.2 == RoleType::Admin || above(conn, caller, role, specs)?.is_some())
}

/// Lets a user act, or not; whoever may not loses every session.
fn set_state(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: Id<id::User>,
    state: AccountState,
) -> Result<User> {
    let found = user::get(tx, id)?;
    check_power_over(tx, caller, &found)?;
    if found.is_default && state != AccountState::Enabled {
        return Err(Error::Invalid(format!(
            "The user {} is one that every cloud has, it cannot be {}",
            found.username,
            state.as_str().to_lowercase()
        )));
    }
    user::set_state(tx, id, state)?;
    user::get(tx, id)
}
