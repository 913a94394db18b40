//! Events: what was done, by whom, and when; every change writes one with itself, a job three.

mod archive;
mod delete;
mod list;
mod types;
pub mod view;

use crate::{
    command::{Entry, When, prelude::*, sync},
    store::{
        event_list::Filter,
        owner::{self, Wanted},
    },
};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<archive::ArchiveEvents>(),
    sync::<delete::DeleteEvents>(),
    sync::<list::ListEvents>(),
    sync::<types::ListEventTypes>(),
];

/// Which events a request archives or deletes.
#[derive(Debug, Clone, Params)]
struct Choice {
    /// the IDs of the events
    ids: Vec<Id<id::Event>>,
    /// only events before this day or moment, the day itself included
    end_date: Option<When>,
    /// only events from this day or moment on
    start_date: Option<When>,
    /// only events of this type
    r#type: Option<String>,
}

/// What the caller may see of it; without any word nothing is chosen.
fn chosen(conn: &mut Conn, caller: &Caller, choice: &Choice) -> Result<Filter> {
    let Choice { ids, end_date, start_date, r#type: kind } = choice;
    let is_said = !ids.is_empty() || end_date.is_some() || start_date.is_some() || kind.is_some();
    if !is_said {
        return Err(Error::invalid("either ids, type, startdate or enddate must be specified"));
    }
    let all = Wanted { list_all: true, ..Wanted::default() };
    Ok(Filter {
        owners: owner::owners(conn, caller, &all, !ids.is_empty())?,
        ids: ids.clone(),
        kind: kind.clone(),
        level: None,
        state: None,
        from: start_date.map(When::start),
        to: end_date.map(When::end),
        start: None,
        resource: None,
        resource_kind: None,
        archived: false,
    })
}
