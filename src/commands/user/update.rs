//! `updateUser`: another name, address, password or pair of keys. A new password ends every session of the user.

use super::{check_power_over, view::UserView};
use crate::{
    command::{prelude::*, secret, unmet::not_here},
    store::user,
};

/// `updateUser`.
#[derive(Debug)]
pub(super) struct UpdateUser;

/// Its parameters.
#[derive(Params)]
pub(super) struct Request {
    /// the ID of the user
    id: Id<id::User>,
    /// the mail address
    email: Option<String>,
    /// the first name
    #[param(name = "firstname")]
    first_name: Option<String>,
    /// the last name
    #[param(name = "lastname")]
    last_name: Option<String>,
    /// the new password, as it is
    password: Option<String>,
    /// the password up to now; users must give it with a new one
    #[param(name = "currentpassword")]
    current_password: Option<String>,
    /// the time zone
    timezone: Option<String>,
    /// the name to sign in with, unique in its domain
    username: Option<String>,
    /// the API key; together with the secret key
    #[param(name = "userapikey")]
    user_api_key: Option<String>,
    /// the secret key; together with the API key
    #[param(name = "usersecretkey")]
    user_secret_key: Option<String>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What users have elsewhere.
    NotHere {
        refused "apikeyaccess" string "whether the user may call with keys: disable or lock who may not";
        refused "mandate2fa" boolean "whether the user must log in with a second factor, of which there is none";
    }
}

impl Command for UpdateUser {
    const SPEC: Spec = Spec {
        name: "updateUser",
        about: "Updates a user",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("USER.UPDATE"),
    };
    type Request = Request;
    type Response = One<UserView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let id = request.id;
        check_names(&request)?;
        let keys = keys(&request)?;
        let password = password(cx, &request).await?;
        let change = user::Change {
            username: request.username,
            first_name: request.first_name,
            last_name: request.last_name,
            email: request.email,
            timezone: request.timezone,
            password_hash: password.as_ref().map(|password| password.new.clone()),
        };
        let changed = cx
            .write(move |tx, caller| {
                let found = user::get(tx, id)?;
                check_power_over(tx, caller, &found)?;
                if let Some(password) = &password
                    && user::password_hash(tx, id)? != password.old
                {
                    return Err(Error::LostRace("the password"));
                }
                user::update_one(tx, id, &change)?;
                if let Some((api_key, secret_key)) = &keys {
                    user::set_keys(tx, id, api_key, secret_key)?;
                }
                Ok((Some((Kind::User, id.uuid())), user::get(tx, id)?))
            })
            .await?;
        Ok(One(changed.into()))
    }
}

fn check_names(request: &Request) -> Result<()> {
    let given = [
        ("username", &request.username),
        ("firstname", &request.first_name),
        ("lastname", &request.last_name),
        ("email", &request.email),
    ];
    match given.iter().find(|(_, value)| value.as_ref().is_some_and(|text| text.trim().is_empty()))
    {
        Some((name, _)) => Err(Error::Invalid(format!("the {name} of a user cannot be empty"))),
        None => Ok(()),
    }
}

/// Both keys or none; keys are ASCII and long enough not to be guessed.
fn keys(request: &Request) -> Result<Option<(String, String)>> {
    match (&request.user_api_key, &request.user_secret_key) {
        (None, None) => Ok(None),
        (Some(api), Some(secret)) => {
            let is_key = |key: &str| {
                (32..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
            };
            if is_key(api) && is_key(secret) {
                return Ok(Some((api.clone(), secret.clone())));
            }
            Err(Error::invalid("a key is 32 to 128 printable ASCII characters without blanks"))
        }
        _ => Err(Error::invalid("Please provide an userApiKey/userSecretKey pair")),
    }
}

/// The hash of the new password, and the one that it replaces.
struct NewPassword {
    old: String,
    new: String,
}

/// Administrators set passwords; users change their own, and prove that it is they.
async fn password(cx: &Cx, request: &Request) -> Result<Option<NewPassword>> {
    let Some(new) = request.password.clone() else { return Ok(None) };
    if new.trim().is_empty() {
        return Err(Error::invalid("Password cannot be empty or blank."));
    }
    let (id, caller) = (request.id, cx.caller.clone());
    let old = cx
        .db
        .read(move |conn| {
            let found = user::get(conn, id)?;
            check_power_over(conn, &caller, &found)?;
            user::password_hash(conn, id)
        })
        .await?;
    let is_trusted = cx.caller.is_admin() || cx.caller.role == Role::DomainAdmin;
    let current = match (&request.current_password, is_trusted) {
        (_, true) => None,
        (Some(current), false) if !current.is_empty() => Some(current.clone()),
        _ => {
            return Err(Error::invalid(
                "To set a new password the current password must be provided.",
            ));
        }
    };
    let work = move || {
        if let Some(current) = current
            && !secret::is_password_of(&current, Some(&old))
        {
            return Err(Error::invalid("Current password is incorrect."));
        }
        Ok(NewPassword { new: secret::hash_password(&new)?, old })
    };
    let hashed = tokio::task::spawn_blocking(work).await;
    hashed.map_err(|error| Error::Internal(Box::new(error)))?.map(Some)
}
