//! `updateAnnotationVisibility`: for root administrators alone, or for everyone who sees the thing.

use super::view::{AnnotationView, one};
use crate::{command::prelude::*, store::annotation};

/// `updateAnnotationVisibility`.
#[derive(Debug)]
pub(super) struct UpdateAnnotationVisibility;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the annotation
    id: String,
    /// whether it is for root administrators alone
    admins_only: bool,
}

impl Command for UpdateAnnotationVisibility {
    const SPEC: Spec = Spec {
        name: "updateAnnotationVisibility",
        about: "Changes who sees an annotation",
        since: "4.16.0",
        roles: Role::ADMIN,
        event: Some("ANNOTATION.UPDATE"),
    };
    type Request = Request;
    type Response = One<AnnotationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, admins_only } = request;
        let refused = |id: &str, why: &str| {
            Error::Conflict(format!(
                "Only admins can update annotations' visibility. Cannot update visibility for annotation with id: {id} - {why}"
            ))
        };
        let unknown = refused(&id, &format!("Annotation id:{id} does not exist"));
        let Ok(which) = id.parse() else { return Err(unknown) };
        let view = cx
            .write(move |tx, caller| {
                let found = annotation::get(tx, caller, which).map_err(|error| match error {
                    Error::NotFound { .. } => {
                        refused(&id, &format!("Annotation id:{id} does not exist"))
                    }
                    other => other,
                })?;
                if !caller.is_admin() {
                    return Err(refused(&id, &format!("Type: {}", found.kind)));
                }
                annotation::show(tx, which, admins_only)?;
                let now = annotation::get(tx, caller, which)?;
                Ok((super::add::subject(&now), one(tx, now)?))
            })
            .await?;
        Ok(One(view))
    }
}
