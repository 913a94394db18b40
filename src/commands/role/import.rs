//! `importRole`: a role with all its rules in one request.

use super::{
    rule_text::{check_own, kind_named, rule},
    view::RoleView,
};
use crate::{
    command::prelude::*,
    store::{Window, identity, role},
};

/// `importRole`.
#[derive(Debug)]
pub(super) struct ImportRole;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the role
    name: String,
    /// the rules in order, by index: rule, permission and description of each
    #[param(map = "records")]
    rules: Vec<BTreeMap<String, String>>,
    /// whether a role of that name gets these rules instead of its own
    forced: Option<bool>,
    /// whether others than root admins see the role
    is_public: Option<bool>,
    /// the kind of the role: Admin, ResourceAdmin, DomainAdmin or User
    #[param(name = "type")]
    kind: Option<String>,
    /// what the role is for
    description: Option<String>,
}

impl Command for ImportRole {
    const SPEC: Spec = Spec {
        name: "importRole",
        about: "Creates or replaces a role together with its rules",
        since: "4.15.0",
        roles: Role::ADMIN,
        event: Some("ROLE.IMPORT"),
    };
    type Request = Request;
    type Response = One<RoleView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, rules, forced, is_public, kind, description } = request;
        let kind = kind.ok_or_else(|| Error::invalid("Either role type or role ID is required"))?;
        let kind = kind_named(&kind)?;
        if rules.is_empty() {
            return Err(Error::invalid("a role to import needs rules"));
        }
        let rules = rules.iter().map(|record| {
            let field = |name: &str| record.get(name).map(String::as_str);
            rule(
                field("rule").unwrap_or_default(),
                field("permission").unwrap_or_default(),
                field("description"),
            )
        });
        let rules = rules.collect::<Result<Vec<_>>>()?;
        let made = cx
            .write(move |tx, _| {
                let filter = role::Filter { name: Some(name.clone()), ..Default::default() };
                let before = role::list(tx, &filter, &Window::ALL)?.1.into_iter().next();
                let new = identity::Role {
                    id: before.as_ref().map_or_else(Id::mint, |before| before.id),
                    name: name.clone(),
                    kind,
                    description: description.clone().unwrap_or_default(),
                    is_default: false,
                    is_public: is_public.unwrap_or(true),
                    revision: 0,
                };
                match before {
                    None => role::insert(tx, &new)?,
                    Some(_) if forced != Some(true) => {
                        return Err(Error::invalid("Role already exists"));
                    }
                    Some(before) => {
                        check_own(&before, "Default roles cannot be updated")?;
                        if before.kind != kind && role::is_used(tx, before.id)? {
                            return Err(Error::Forbidden(
                                "Found accounts that have role in use, won't allow to update role type"
                                    .to_owned(),
                            ));
                        }
                        role::write(tx, &new)?;
                    }
                }
                role::revise(tx, new.id)?;
                role::clear(tx, new.id)?;
                role::append(tx, new.id, &rules)?;
                Ok((Some((Kind::Role, new.id.uuid())), new))
            })
            .await?;
        Ok(One(made.into()))
    }
}
