//! `updateRole`: another name, description, kind or visibility.

use super::{
    rule_text::{check_own, found, kind_named},
    view::RoleView,
};
use crate::{command::prelude::*, store::role};

/// `updateRole`.
#[derive(Debug)]
pub(super) struct UpdateRole;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the role
    id: Id<id::Role>,
    /// the name of the role
    name: Option<String>,
    /// what the role is for
    description: Option<String>,
    /// whether others than root admins see the role
    is_public: Option<bool>,
    /// the kind of the role; only while no account has it
    #[param(name = "type")]
    kind: Option<String>,
}

impl Command for UpdateRole {
    const SPEC: Spec = Spec {
        name: "updateRole",
        about: "Updates a role",
        since: "4.9.0",
        roles: Role::ADMIN,
        event: Some("ROLE.UPDATE"),
    };
    type Request = Request;
    type Response = One<RoleView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, description, is_public, kind } = request;
        let kind = kind.as_deref().map(kind_named).transpose()?;
        let changed = cx
            .write(move |tx, _| {
                let mut changed = found(tx, id)?;
                check_own(&changed, "Default roles cannot be updated")?;
                if let Some(kind) = kind.filter(|kind| *kind != changed.kind) {
                    if role::is_used(tx, id)? {
                        return Err(Error::Forbidden(
                            "Found accounts that have role in use, won't allow to update role type"
                                .to_owned(),
                        ));
                    }
                    changed.kind = kind;
                }
                if let Some(name) = name.clone().filter(|name| !name.trim().is_empty()) {
                    changed.name = name;
                }
                changed.description = description.clone().unwrap_or(changed.description);
                changed.is_public = is_public.unwrap_or(changed.is_public);
                role::write(tx, &changed)?;
                Ok((Some((Kind::Role, id.uuid())), changed))
            })
            .await?;
        Ok(One(changed.into()))
    }
}
