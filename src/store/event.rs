//! Events: what changed, who did it, when; written with the change itself.

use super::{Tx, schema::event};
use crate::{
    domain::{Id, Kind, id, identity::Caller},
    error::Result,
};
use diesel::{ExpressionMethods, RunQueryDsl, insert_into};
use uuid::Uuid;

/// An event to record.
#[derive(Debug)]
pub struct New<'a> {
    /// Its type: `GPU.CARD.CREATE`.
    pub kind: &'a str,
    /// `INFO`, `WARN` or `ERROR`.
    pub level: &'static str,
    /// `Scheduled`, `Started` or `Completed`.
    pub state: &'static str,
    /// One sentence.
    pub text: &'a str,
    /// What it is about.
    pub subject: Option<(Kind, Uuid)>,
    /// The job that does it.
    pub job: Option<Id<id::Job>>,
}

impl<'a> New<'a> {
    /// A change that is made.
    pub const fn done(kind: &'a str, text: &'a str, subject: Option<(Kind, Uuid)>) -> Self {
        Self { kind, level: "INFO", state: "Completed", text, subject, job: None }
    }

    /// A change that a job will make.
    pub const fn scheduled(
        kind: &'a str,
        text: &'a str,
        subject: Option<(Kind, Uuid)>,
        job: Id<id::Job>,
    ) -> Self {
        Self { kind, level: "INFO", state: "Scheduled", text, subject, job: Some(job) }
    }
}

/// Records an event.
pub fn record(tx: &mut Tx<'_>, caller: &Caller, new: &New<'_>) -> Result<()> {
    let text: String = new.text.chars().take(1000).collect();
    insert_into(event::table)
        .values((
            event::id.eq(Id::<id::Event>::mint()),
            event::kind.eq(new.kind),
            event::level.eq(new.level),
            event::state.eq(new.state),
            event::description.eq(text),
            event::user_id.eq(caller.user),
            event::account_id.eq(caller.account),
            event::domain_id.eq(caller.domain),
            event::resource_kind.eq(new.subject.map(|(kind, _)| kind.resource())),
            event::resource_id.eq(new.subject.map(|(_, id)| id.hyphenated().to_string())),
            event::job_id.eq(new.job),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
