//! `createRole`: a role of a kind, or one like another with the same rules.

use super::{
    rule_text::{found, kind_named},
    view::RoleView,
};
use crate::{
    command::prelude::*,
    store::{identity, role},
};

/// `createRole`.
#[derive(Debug)]
pub(super) struct CreateRole;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the role
    name: String,
    /// the ID of the role to take kind and rules from
    #[param(name = "roleid")]
    role_id: Option<Id<id::Role>>,
    /// whether others than root admins see the role
    is_public: Option<bool>,
    /// the kind of the role: Admin, ResourceAdmin, DomainAdmin or User
    #[param(name = "type")]
    kind: Option<String>,
    /// what the role is for
    description: Option<String>,
}

impl Command for CreateRole {
    const SPEC: Spec = Spec {
        name: "createRole",
        about: "Creates a role",
        since: "4.9.0",
        roles: Role::ADMIN,
        event: Some("ROLE.CREATE"),
    };
    type Request = Request;
    type Response = One<RoleView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, role_id, is_public, kind, description } = request;
        let kind = match (&kind, role_id) {
            (Some(kind), None) => Some(kind_named(kind)?),
            (None, Some(_)) => None,
            (None, None) => return Err(Error::invalid("Either role type or role ID is required")),
            (Some(_), Some(_)) => {
                return Err(Error::invalid("Both role type and role ID should not be specified"));
            }
        };
        let made = cx
            .write(move |tx, _| {
                let model = role_id.map(|id| found(tx, id)).transpose()?;
                let kind = kind.or(model.as_ref().map(|model| model.kind));
                let new = identity::Role {
                    id: Id::mint(),
                    name: name.clone(),
                    kind: kind.ok_or_else(|| Error::internal("a role without a kind"))?,
                    description: description.clone().unwrap_or_default(),
                    is_default: false,
                    is_public: is_public.unwrap_or(true),
                    revision: 0,
                };
                role::insert(tx, &new)?;
                if let Some(model) = model {
                    let rules = role::rules(tx, model.id)?;
                    role::append(tx, new.id, &rules)?;
                    role::revise(tx, new.id)?;
                }
                Ok((Some((Kind::Role, new.id.uuid())), new))
            })
            .await?;
        Ok(One(made.into()))
    }
}
