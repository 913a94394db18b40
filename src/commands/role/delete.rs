//! `deleteRole`: a role that no account has.

use super::rule_text::{check_own, found};
use crate::{command::prelude::*, store::role};

/// `deleteRole`.
#[derive(Debug)]
pub(super) struct DeleteRole;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the role
    id: Id<id::Role>,
}

impl Command for DeleteRole {
    const SPEC: Spec = Spec {
        name: "deleteRole",
        about: "Deletes a role",
        since: "4.9.0",
        roles: Role::ADMIN,
        event: Some("ROLE.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Success> {
        cx.write(move |tx, _| {
            let gone = found(tx, id)?;
            check_own(&gone, "Default roles cannot be deleted")?;
            if role::is_used(tx, id)? {
                return Err(Error::Forbidden(
                    "Found accounts that have role in use, won't allow to delete role".to_owned(),
                ));
            }
            role::remove(tx, &gone)?;
            Ok((Some((Kind::Role, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
