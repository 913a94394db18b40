//! Alerts: what an administrator must look at; told once, kept when over.

mod archive;
mod delete;
mod generate;
mod list;
mod types;
pub mod view;

use crate::{
    command::{Entry, When, immediate, prelude::*, sync},
    store::alert_list::Filter,
};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<archive::ArchiveAlerts>(),
    sync::<delete::DeleteAlerts>(),
    immediate::<generate::GenerateAlert>(),
    sync::<list::ListAlerts>(),
    sync::<types::ListAlertTypes>(),
];

/// Which alerts a request archives or deletes.
#[derive(Debug, Clone, Params)]
struct Choice {
    /// the IDs of the alerts
    ids: Vec<Id<id::Alert>>,
    /// only alerts before this day or moment, the day itself included
    end_date: Option<When>,
    /// only alerts from this day or moment on
    start_date: Option<When>,
    /// only alerts of the type with this number
    r#type: Option<String>,
}

impl Choice {
    /// Without any word nothing is chosen.
    fn filter(self) -> Result<Filter> {
        let Self { ids, end_date, start_date, r#type: kind } = self;
        if ids.is_empty() && kind.is_none() && end_date.is_none() {
            return Err(Error::invalid("either ids, type or enddate must be specified"));
        }
        if start_date.is_some() && end_date.is_none() {
            return Err(Error::invalid("enddate must be specified with startdate parameter"));
        }
        Ok(Filter {
            ids,
            number: kind.as_deref().map(number),
            name: None,
            from: start_date.map(When::start),
            to: end_date.map(When::end),
        })
    }
}

/// The number of a type; what is none is the number of no type.
fn number(text: &str) -> i32 {
    text.trim().parse().unwrap_or(-1)
}
