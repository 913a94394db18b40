//! The `alert` and `alerttype` objects.

use crate::{command::prelude::*, store::alert_list::Alert};

/// An alert.
#[derive(Debug, View)]
#[view(object = "alert")]
pub struct AlertView {
    /// the ID of the alert
    id: Id<id::Alert>,
    /// the number of its type
    r#type: i16,
    /// the name of its type
    name: String,
    /// what it says
    description: String,
    /// when it was raised
    sent: Date,
    /// when what it tells was over; absent while it is so
    resolved: Option<Date>,
    /// the kind of what it is about
    resource_type: Option<String>,
    /// the ID of what it is about
    resource_id: Option<String>,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        Self {
            id: alert.id,
            r#type: i16::try_from(alert.number).unwrap_or(i16::MAX),
            name: alert.kind,
            description: alert.description,
            sent: alert.created.into(),
            resolved: alert.resolved.map(Date::from),
            resource_type: alert.resource_kind,
            resource_id: alert.resource_id,
        }
    }
}

/// A type of alert.
#[derive(Debug, View)]
#[view(object = "alerttype")]
pub struct AlertTypeView {
    /// the number of the type
    pub(super) alert_type_id: i16,
    /// the name of the type
    pub(super) name: &'static str,
}
