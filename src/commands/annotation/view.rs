//! The `annotation` object, and the field of things that can have some.

use crate::{
    command::{Output, prelude::*},
    domain::EntityType,
    store::annotation::{self, Annotation, Noted},
};
use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// An annotation.
#[derive(Debug, View)]
#[view(object = "annotation")]
pub struct AnnotationView {
    /// the ID of the annotation
    id: Id<Annotation>,
    /// the type of what it is about
    entity_type: String,
    /// the ID of what it is about
    entity_id: Id<EntityType>,
    /// the name of what it is about
    entity_name: Option<String>,
    /// what it says
    annotation: String,
    /// the ID of the user who wrote it
    user_id: Id<id::User>,
    /// the name of the user who wrote it
    username: Option<String>,
    /// whether it is for root administrators alone
    admins_only: bool,
    /// when it was written
    created: Date,
}

/// The views of these annotations. One statement.
pub(super) fn views(conn: &mut Conn, rows: Vec<Annotation>) -> Result<Vec<AnnotationView>> {
    let names = annotation::names(conn, &rows)?;
    let view = |row: Annotation| AnnotationView {
        id: row.id,
        entity_type: row.kind,
        entity_id: row.entity,
        entity_name: names.get(&row.entity).cloned(),
        annotation: row.body,
        user_id: row.user.0,
        username: row.user.1,
        admins_only: row.admins_only,
        created: row.created.into(),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// The view of one.
pub(super) fn one(conn: &mut Conn, row: Annotation) -> Result<AnnotationView> {
    let view = views(conn, vec![row])?.pop();
    view.ok_or_else(|| Error::internal("an annotation without a view"))
}

/// Whether a thing has annotations that the reader sees.
#[derive(Debug, Clone, Copy, Default)]
pub struct HasAnnotations(pub Noted);

impl HasAnnotations {
    /// What was found of a thing.
    fn of<T>(found: &HashMap<Id<T>, Noted>, thing: Id<T>) -> Self {
        Self(found.get(&thing).copied().unwrap_or_default())
    }
}

/// A view that says whether its thing has annotations.
pub trait AnnotatedView: Sized {
    /// The thing.
    type Thing: 'static;
    /// Which one it is, and where its view says so.
    fn note(&mut self) -> (Id<Self::Thing>, &mut HasAnnotations);
}

/// Says of a view with the fields `id` and `has_annotations` what it is a view of.
macro_rules! annotated_view {
    ($view:ty, $thing:ty) => {
        impl $crate::commands::annotation::view::AnnotatedView for $view {
            type Thing = $thing;

            fn note(&mut self) -> (Id<$thing>, &mut HasAnnotations) {
                (self.id, &mut self.has_annotations)
            }
        }
    };
}
pub(crate) use annotated_view;

/// These views, each saying whether its thing has annotations. One statement.
pub fn annotated<V: AnnotatedView>(
    conn: &mut Conn,
    views: impl IntoIterator<Item = V>,
) -> Result<Vec<V>> {
    let mut views: Vec<V> = views.into_iter().collect();
    let ids: Vec<_> = views.iter_mut().map(|view| view.note().0).collect();
    let found = annotation::noted(conn, &ids)?;
    for view in &mut views {
        let (id, says) = view.note();
        *says = HasAnnotations::of(&found, id);
    }
    Ok(views)
}

/// The same of one view.
pub fn annotated_one<V: AnnotatedView>(conn: &mut Conn, mut view: V) -> Result<V> {
    let (id, says) = view.note();
    *says = HasAnnotations::of(&annotation::noted(conn, &[id])?, id);
    Ok(view)
}

impl Serialize for HasAnnotations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(self.0.admins || self.0.all)
    }
}

impl Output for HasAnnotations {
    const KIND: &'static str = "boolean";
    fn restrict(&mut self) {
        self.0.admins = false;
    }
}
