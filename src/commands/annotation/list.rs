//! `listAnnotations`: what was written about things that the caller sees.

use super::view::{AnnotationView, views};
use crate::{
    command::prelude::*,
    store::annotation::{self, Filter},
};
use std::{str::FromStr, sync::Arc};

/// `listAnnotations`.
#[derive(Debug)]
pub(super) struct ListAnnotations;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the annotation
    id: Option<String>,
    /// the type of what it is about, as addAnnotation takes it
    entity_type: Option<String>,
    /// the ID of what it is about
    entity_id: Option<String>,
    /// the ID of the user who wrote it
    #[param(since = "4.16.0")]
    user_id: Option<String>,
    /// self: only the caller's own; all
    #[param(since = "4.16.0")]
    annotation_filter: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListAnnotations {
    const SPEC: Spec = Spec {
        name: "listAnnotations",
        about: "Lists annotations",
        since: "4.11.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<AnnotationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, entity_type, entity_id, user_id, annotation_filter, page } = request;
        // no annotation has an id that is none
        let (Ok(id), Ok(entity), Ok(user)) = (read(id), read(entity_id), read(user_id)) else {
            return Ok(List::whole(Vec::new()));
        };
        let own = match annotation_filter.as_deref() {
            None | Some("") => None,
            Some(word) if word.eq_ignore_ascii_case("all") => None,
            Some(word) if word.eq_ignore_ascii_case("self") => Some(cx.caller.user),
            Some(word) => {
                return Err(Error::Invalid(format!("annotationfilter is self or all, not {word}")));
            }
        };
        let kind = entity_type.filter(|kind| !kind.is_empty());
        let filter = Filter { id, kind, entity, user: user.or(own) };
        let caller = Arc::clone(&cx.caller);
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = annotation::list(conn, &caller, &filter, &page.window())?;
                Ok((count, views(conn, rows)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}

/// An id, unless it is blank. Error: it is none.
fn read<T: FromStr>(text: Option<String>) -> Result<Option<T>, T::Err> {
    text.filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()
}
