//! `addAnnotation`: writes something about a thing.

use super::view::{AnnotationView, one};
use crate::{
    command::{Annotated, prelude::*},
    store::{annotation, owner},
};

/// `addAnnotation`.
#[derive(Debug)]
pub(super) struct AddAnnotation;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// what it says
    annotation: Option<String>,
    /// whether it is for root administrators alone
    #[param(since = "4.16.0")]
    admins_only: Option<bool>,
    #[param(group)]
    thing: Annotated,
}

impl Command for AddAnnotation {
    const SPEC: Spec = Spec {
        name: "addAnnotation",
        about: "Writes an annotation about an entity",
        since: "4.11.0",
        roles: Role::ADMIN,
        event: Some("ANNOTATION.CREATE"),
    };
    type Request = Request;
    type Response = One<AnnotationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { annotation, admins_only, thing: Annotated { of, kind, id } } = request;
        let text = annotation.unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Error::invalid("an annotation needs a text"));
        }
        let is_admin = cx.caller.is_admin();
        if !is_admin && !of.is_of_users {
            return Err(Error::Conflict(format!(
                "User: {} is not allowed to add annotations on type: {}",
                cx.caller.username, of.name
            )));
        }
        // what is for root administrators alone is theirs to say
        let admins_only = is_admin && admins_only.unwrap_or(false);
        let view = cx
            .write(move |tx, caller| {
                let whose = annotation::whose(tx, kind, id)?;
                if let Some(whose) = &whose {
                    owner::check_reach(tx, caller, whose.account_id, &whose.path)?;
                }
                let said = (caller.user, text.as_str(), admins_only);
                let new = annotation::insert(tx, (of, id), whose.as_ref(), said)?;
                let row = annotation::get(tx, caller, new)?;
                Ok((Some((kind, id.uuid())), one(tx, row)?))
            })
            .await?;
        Ok(One(view))
    }
}

/// What an annotation is about, for its events.
pub(super) fn subject(of: &annotation::Annotation) -> Option<(Kind, uuid::Uuid)> {
    let kind = crate::domain::EntityType::named(&of.kind)?.kind?;
    Some((kind, of.entity.uuid()))
}
