//! Events: what changed, who did it, when; written with the change itself.

use super::{Tx, prepared::prepared, schema::event};
use crate::{
    domain::{Id, Kind, id, identity::Caller},
    error::Result,
};
use diesel::{ExpressionMethods, RunQueryDsl, insert_into, sql_types::Text};
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

/// What a job began or ended, after the event of its admission; nothing for jobs that are no event. One statement.
pub fn follow(tx: &mut Tx<'_>, job: Id<id::Job>, state: &str, failed: Option<&str>) -> Result<()> {
    let (level, lead) = match (state, failed) {
        (_, Some(_)) => ("ERROR", "Error while "),
        ("Started", None) => ("INFO", "Starting job for "),
        (_, None) => ("INFO", "Successfully completed "),
    };
    let why = failed.map(|why| format!(": {why}")).unwrap_or_default();
    let text = "INSERT INTO event (id, kind, level, state, description, user_id, account_id, domain_id, resource_kind, \
        resource_id, job_id, parent_id) \
        SELECT ?, kind, ?, ?, LEFT(CONCAT(?, description, ?), 1000), user_id, account_id, domain_id, resource_kind, \
        resource_id, job_id, id FROM event WHERE job_id = ? AND state = 'Scheduled'";
    prepared(text)
        .bind::<Text, _>(Id::<id::Event>::mint())
        .bind::<Text, _>(level)
        .bind::<Text, _>(state)
        .bind::<Text, _>(lead)
        .bind::<Text, _>(why)
        .bind::<Text, _>(job)
        .execute(&mut **tx)?;
    Ok(())
}
