//! `updateAccount`: another name or another role, which holds from the next request on.

use super::{
    grant::{Wanted, changeable, check_grantable, shown},
    view::AccountView,
};
use crate::{
    command::{prelude::*, unmet::not_here},
    store::identity,
};

/// `updateAccount`.
#[derive(Debug)]
pub(super) struct UpdateAccount;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the account
    id: Option<Id<id::Account>>,
    /// the name of the account
    account: Option<String>,
    /// the ID of the domain of the account
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the new role
    role_id: Option<Id<id::Role>>,
    /// the new name of the account
    #[param(name = "newname")]
    new_name: Option<String>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What accounts have elsewhere.
    NotHere {
        refused "apikeyaccess" string "whether its users may call with keys: disable or lock who may not";
        refused "networkdomain" string "the DNS domain of its networks, which each network says";
        unused "accountdetails" map "details by name";
    }
}

impl Command for UpdateAccount {
    const SPEC: Spec = Spec {
        name: "updateAccount",
        about: "Updates an account",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("ACCOUNT.UPDATE"),
    };
    type Request = Request;
    type Response = One<AccountView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, account, domain_id, role_id, new_name, _not_here: _ } = request;
        if new_name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::invalid("the name of an account cannot be empty"));
        }
        let wanted = Wanted { id, name: account, domain: domain_id };
        let registry = cx.registry.clone();
        let changed = cx
            .write(move |tx, caller| {
                let found = changeable(tx, caller, &wanted)?;
                if let Some(role) = role_id.filter(|role| *role != found.role.0) {
                    if found.is_default || found.id == caller.account {
                        return Err(Error::Forbidden(format!(
                            "the role of the account {} cannot be changed",
                            found.name
                        )));
                    }
                    let role = identity::role(tx, role)?
                        .ok_or_else(|| Error::NotFound { what: "role", id: role.to_string() })?;
                    check_grantable(tx, caller, &role, &registry)?;
                }
                if found.is_default && new_name.is_some() {
                    return Err(Error::Forbidden(format!(
                        "the account {} keeps its name",
                        found.name
                    )));
                }
                identity::update_account(tx, found.id, new_name.as_deref(), role_id)?;
                let again = Wanted { id: Some(found.id), name: None, domain: None };
                let changed = changeable(tx, caller, &again)?;
                let subject = Some((Kind::Account, changed.id.uuid()));
                Ok((subject, shown(tx, caller, changed)?))
            })
            .await?;
        Ok(One(changed))
    }
}
