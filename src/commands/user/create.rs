//! `createUser`: one more user of an account.

use super::{is_above, view::UserView};
use crate::{
    command::{prelude::*, roles::is_root, secret},
    store::{identity, user},
};

/// `createUser`.
#[derive(Debug)]
pub(super) struct CreateUser;

/// Its parameters.
#[derive(Params)]
pub(super) struct Request {
    /// the name of the account
    account: String,
    /// the ID of the account's domain; the caller's when not given
    domain_id: Option<Id<id::Domain>>,
    /// the mail address
    email: String,
    /// the first name
    #[param(name = "firstname")]
    first_name: String,
    /// the last name
    #[param(name = "lastname")]
    last_name: String,
    /// the password, as it is
    password: String,
    /// the time zone
    timezone: Option<String>,
    /// the name to sign in with, unique in its domain
    username: String,
}

impl Command for CreateUser {
    const SPEC: Spec = Spec {
        name: "createUser",
        about: "Creates a user of an account",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("USER.CREATE"),
    };
    type Request = Request;
    type Response = One<UserView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request {
            account,
            domain_id,
            email,
            first_name,
            last_name,
            password,
            timezone,
            username,
        } = request;
        let home = domain_id.unwrap_or(cx.caller.domain);
        let password_hash = tokio::task::spawn_blocking(move || secret::hash_password(&password))
            .await
            .map_err(|error| Error::Internal(Box::new(error)))??;
        let made = cx
            .write(move |tx, caller| {
                let filter = identity::AccountFilter {
                    name: Some(account.clone()),
                    domain: Some(home),
                    ..Default::default()
                };
                let (_, found) =
                    identity::accounts(tx, &caller.scope(), &filter, &crate::store::Window::ALL)?;
                let Some(owner) = found.into_iter().next() else {
                    return Err(Error::Invalid(format!(
                        "Unable to find account {account} in domain id={home} to create user"
                    )));
                };
                if !is_root(caller)
                    && owner.id != caller.account
                    && is_above(tx, caller, &owner.role)?
                {
                    return Err(Error::not_permitted());
                }
                let new = user::New {
                    id: Id::mint(),
                    account: owner.id,
                    domain: home,
                    username: username.clone(),
                    password_hash: password_hash.clone(),
                    first_name: first_name.clone(),
                    last_name: last_name.clone(),
                    email: email.clone(),
                    timezone: timezone.clone(),
                };
                user::insert(tx, &new)?;
                Ok((Some((Kind::User, new.id.uuid())), user::get(tx, new.id)?))
            })
            .await?;
        Ok(One(made.into()))
    }
}
