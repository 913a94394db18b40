//! `removeAnnotation`: by who wrote it, or a root administrator.

use super::view::{AnnotationView, one};
use crate::{command::prelude::*, store::annotation};

/// `removeAnnotation`.
#[derive(Debug)]
pub(super) struct RemoveAnnotation;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the annotation
    id: String,
}

impl Command for RemoveAnnotation {
    const SPEC: Spec = Spec {
        name: "removeAnnotation",
        about: "Removes an annotation",
        since: "4.11.0",
        roles: Role::ADMIN,
        event: Some("ANNOTATION.REMOVE"),
    };
    type Request = Request;
    type Response = One<AnnotationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let gone = || Error::NotFound { what: "annotation", id: request.id.clone() };
        let id = request.id.parse().map_err(|_| gone())?;
        let view = cx
            .write(move |tx, caller| {
                let found = annotation::get(tx, caller, id)?;
                if !caller.is_admin() && found.user.0 != caller.user {
                    return Err(Error::Conflict(format!(
                        "Only administrators or entity owner users can delete annotations, cannot remove annotation with uuid: {id} - type: {} ",
                        found.kind
                    )));
                }
                annotation::remove(tx, id)?;
                Ok((super::add::subject(&found), one(tx, found)?))
            })
            .await?;
        Ok(One(view))
    }
}
