//! Which account a request means, and which of them the caller has power over.

use super::view::AccountView;
use crate::{
    command::{
        Registry,
        prelude::*,
        roles::{above, is_root},
    },
    commands::user::view::UserView,
    domain::identity::{AccountState, RoleType},
    store::{Window, identity, limit, user},
};

/// The account of a request: by id, or by name in a domain.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) id: Option<Id<id::Account>>,
    pub(super) name: Option<String>,
    pub(super) domain: Option<Id<id::Domain>>,
}

/// The account that is meant, which the caller may change.
pub(super) fn changeable(
    tx: &mut Tx<'_>,
    caller: &Caller,
    wanted: &Wanted,
) -> Result<identity::Account> {
    let filter = match wanted {
        Wanted { id: Some(id), .. } => {
            identity::AccountFilter { id: Some(*id), ..Default::default() }
        }
        Wanted { name: Some(name), domain: Some(domain), .. } => identity::AccountFilter {
            name: Some(name.clone()),
            domain: Some(*domain),
            ..Default::default()
        },
        _ => {
            return Err(Error::invalid(
                "either the ID of the account is needed, or its name and the ID of its domain",
            ));
        }
    };
    let (_, found) = identity::accounts(tx, &caller.scope(), &filter, &Window::ALL)?;
    let found = found.into_iter().next().ok_or_else(|| {
        let (id, name) = (wanted.id.map(|id| id.to_string()), wanted.name.clone());
        Error::NotFound { what: "active account", id: id.or(name).unwrap_or_default() }
    })?;
    if !has_power_over(tx, caller, &found)? {
        return Err(Error::not_permitted());
    }
    Ok(found)
}

/// Lets an account act or not. Accounts that every cloud has stay, and so does the caller's own.
pub(super) fn set_state(
    tx: &mut Tx<'_>,
    caller: &Caller,
    wanted: &Wanted,
    state: AccountState,
) -> Result<identity::Account> {
    let found = changeable(tx, caller, wanted)?;
    if state != AccountState::Enabled && (found.is_default || found.id == caller.account) {
        let how = state.as_str().to_lowercase();
        return Err(Error::Forbidden(format!("the account {} cannot be {how}", found.name)));
    }
    identity::set_account_state(tx, found.id, state)?;
    changeable(tx, caller, &Wanted { id: Some(found.id), name: None, domain: None })
}

/// A role that the caller may give to others: never one above the caller's, nor one that may call what the caller may
/// not.
pub(super) fn check_grantable(
    conn: &mut Conn,
    caller: &Caller,
    granted: &identity::Role,
    registry: &Registry,
) -> Result<()> {
    let asked = (granted.id, granted.name.clone(), granted.kind);
    match above(conn, caller, &asked, registry.specs())? {
        None => Ok(()),
        Some(why) => Err(Error::Forbidden(why)),
    }
}

/// Whether the caller may change or remove an account: not one whose role is above the caller's.
pub(super) fn has_power_over(
    conn: &mut Conn,
    caller: &Caller,
    account: &identity::Account,
) -> Result<bool> {
    if is_root(caller) || account.id == caller.account {
        return Ok(true);
    }
    let specs = crate::commands::ROOMS.iter().flat_map(|room| room.iter());
    let specs = specs.map(|entry| &entry.spec);
    Ok(account.role.2 != RoleType::Admin && above(conn, caller, &account.role, specs)?.is_none())
}

/// An account with its users, as answers show it.
pub(super) fn shown(
    conn: &mut Conn,
    caller: &Caller,
    account: identity::Account,
) -> Result<AccountView> {
    let filter = user::Filter { accounts: Some(vec![account.id]), ..Default::default() };
    let (_, users) = user::list(conn, &caller.scope(), &filter, &Window::ALL)?;
    let id = account.id.uuid();
    let limits = limit::of_accounts(conn, &[id])?.remove(&id).unwrap_or_default();
    let users = users.into_iter().map(UserView::from).collect();
    Ok(AccountView::new(account, users, limits.into()))
}
