//! `createAccount`: an account with its first user.

use super::{grant::check_grantable, view::AccountView};
use crate::{
    command::{Registry, prelude::*, secret, unmet::not_here},
    commands::user::view::UserView,
    domain::identity::RoleType,
    store::{Window, identity, limit, user},
};

/// `createAccount`.
#[derive(Debug)]
pub(super) struct CreateAccount;

/// Its parameters.
#[derive(Params)]
pub(super) struct Request {
    /// the name of the account; the user's name when not given
    account: Option<String>,
    /// the type of the account: 0 user, 1 root admin, 2 domain admin
    account_type: Option<i32>,
    /// the ID of the role; the default one of the type when not given
    role_id: Option<Id<id::Role>>,
    /// the ID of the domain; the caller's when not given
    domain_id: Option<Id<id::Domain>>,
    /// the mail address of the user
    email: String,
    /// the first name of the user
    first_name: String,
    /// the last name of the user
    last_name: String,
    /// the password of the user, as it is
    password: String,
    /// the time zone of the user
    timezone: Option<String>,
    /// the name of the user, unique in its domain
    username: String,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What accounts have elsewhere.
    NotHere {
        refused "networkdomain" string "the DNS domain of its networks, which each network says";
        unused "accountdetails" map "details by name";
    }
}

impl Command for CreateAccount {
    const SPEC: Spec = Spec {
        name: "createAccount",
        about: "Creates an account with its first user",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("ACCOUNT.CREATE"),
    };
    type Request = Request;
    type Response = One<AccountView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let password = request.password.clone();
        let hash = tokio::task::spawn_blocking(move || secret::hash_password(&password));
        let hash = hash.await.map_err(|error| Error::Internal(Box::new(error)))??;
        let registry = cx.registry.clone();
        let (account, users, limits) = cx
            .write(move |tx, caller| {
                let role = role_of(tx, caller, &request, &registry)?;
                let account = make(tx, caller, &request, role.id, &hash)?;
                let filter =
                    user::Filter { accounts: Some(vec![account.id]), ..Default::default() };
                let (_, users) = user::list(tx, &caller.scope(), &filter, &Window::ALL)?;
                let id = account.id.uuid();
                let limits = limit::of_accounts(tx, &[id])?.remove(&id).unwrap_or_default();
                Ok((Some((Kind::Account, id)), (account, users, limits)))
            })
            .await?;
        let users = users.into_iter().map(UserView::from).collect();
        Ok(One(AccountView::new(account, users, limits.into())))
    }
}

/// The role asked for, by id or by type; never one above the caller's.
fn role_of(
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &Request,
    registry: &Registry,
) -> Result<identity::Role> {
    let role = match (request.role_id, request.account_type) {
        (Some(id), _) => identity::role(tx, id)?,
        (None, Some(number)) => {
            let kind = match number {
                0 => RoleType::User,
                1 => RoleType::Admin,
                2 => RoleType::DomainAdmin,
                3 => RoleType::ResourceAdmin,
                _ => return Err(Error::Invalid(format!("{number} is no type of account"))),
            };
            identity::default_role(tx, kind)?
        }
        (None, None) => {
            return Err(Error::invalid("Neither account type and role ID are not provided"));
        }
    };
    let role = role.ok_or_else(|| Error::invalid("there is no role of this type"))?;
    check_grantable(tx, caller, &role, registry)?;
    Ok(role)
}

fn make(
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &Request,
    role: Id<id::Role>,
    hash: &str,
) -> Result<identity::Account> {
    let name = request.account.clone().unwrap_or_else(|| request.username.clone());
    if name.trim().is_empty() || request.username.trim().is_empty() {
        return Err(Error::invalid("the account and its user need names"));
    }
    let (account, home) = (Id::mint(), request.domain_id.unwrap_or(caller.domain));
    identity::insert_account(tx, account, &name, home, role)?;
    let first = user::New {
        id: Id::mint(),
        account,
        domain: home,
        username: request.username.clone(),
        password_hash: hash.to_owned(),
        first_name: request.first_name.clone(),
        last_name: request.last_name.clone(),
        email: request.email.clone(),
        timezone: request.timezone.clone(),
    };
    user::insert(tx, &first)?;
    let filter = identity::AccountFilter { id: Some(account), ..Default::default() };
    let (_, found) = identity::accounts(tx, &caller.scope(), &filter, &Window::ALL)?;
    found.into_iter().next().ok_or_else(|| Error::internal("the account just made is not there"))
}
