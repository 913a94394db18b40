//! Durable jobs: admitted with what they will build, worked under a lease.

use super::{Tx, schema::job};
use crate::{
    domain::{Id, Kind, id, identity::Caller, job::JobState},
    error::Result,
};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, insert_into, update};
use uuid::Uuid;

/// A job to admit.
#[derive(Debug)]
pub struct New<'a> {
    /// The command.
    pub command: &'a str,
    /// What its worker must know, as JSON.
    pub plan: String,
    /// What it works on.
    pub subject: Option<(Kind, Uuid)>,
}

/// Admits a job.
pub fn insert(tx: &mut Tx<'_>, caller: &Caller, new: &New<'_>) -> Result<Id<id::Job>> {
    let job = Id::mint();
    insert_into(job::table)
        .values((
            job::id.eq(job),
            job::command.eq(new.command),
            job::plan.eq(&new.plan),
            job::user_id.eq(caller.user),
            job::account_id.eq(caller.account),
            job::domain_id.eq(caller.domain),
            job::subject_kind.eq(new.subject.map(|(kind, _)| kind.resource())),
            job::subject_id.eq(new.subject.map(|(_, id)| id.hyphenated().to_string())),
            job::state.eq(JobState::Queued),
        ))
        .execute(&mut **tx)?;
    Ok(job)
}

/// Records what a job is doing, in its own words.
pub fn progress(tx: &mut Tx<'_>, job: Id<id::Job>, text: &str) -> Result<()> {
    let text: String = text.chars().take(1000).collect();
    update(job::table.filter(job::id.eq(job))).set(job::progress.eq(text)).execute(&mut **tx)?;
    Ok(())
}
