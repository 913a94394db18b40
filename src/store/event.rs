//! Events: what changed, who did it, when; written with the change itself.

use super::{Tx, prepared::prepared};
use crate::{
    domain::{Id, Kind, id, identity::Caller},
    error::Result,
};
use diesel::{
    RunQueryDsl,
    sql_types::{Nullable, Text},
};
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

/// Records an event. What happens to a thing of a project is the project's event, whoever does it.
pub fn record(tx: &mut Tx<'_>, caller: &Caller, new: &New<'_>) -> Result<()> {
    let text: String = new.text.chars().take(1000).collect();
    let subject = new.subject.map(|(_, id)| id.hyphenated().to_string());
    let (account, domain) = (caller.account.to_string(), caller.domain.to_string());
    let owned = new.subject.and_then(|(kind, _)| owned_table(kind));
    // one statement whose the thing is: a look before it would be one more on the way of every deploy
    let owner = |column: &str| match owned {
        Some(table) => format!(
            "COALESCE((SELECT project.{column} FROM {table} t JOIN project ON project.account_id = t.account_id \
             WHERE t.id = ?), ?)"
        ),
        None => "?".to_owned(),
    };
    let values = format!(
        "INSERT INTO event (id, kind, level, state, description, user_id, account_id, domain_id, resource_kind, \
         resource_id, job_id) VALUES (?, ?, ?, ?, ?, ?, {}, {}, ?, ?, ?)",
        owner("account_id"),
        owner("domain_id")
    );
    let thing = owned.and(subject.clone());
    prepared(values)
        .bind::<Text, _>(Id::<id::Event>::mint())
        .bind::<Text, _>(new.kind)
        .bind::<Text, _>(new.level)
        .bind::<Text, _>(new.state)
        .bind::<Text, _>(text)
        .bind::<Text, _>(caller.user)
        .bind_all::<Text, _>(thing.clone())
        .bind::<Text, _>(account)
        .bind_all::<Text, _>(thing)
        .bind::<Text, _>(domain)
        .bind::<Nullable<Text>, _>(new.subject.map(|(kind, _)| kind.resource()))
        .bind::<Nullable<Text>, _>(subject)
        .bind::<Nullable<Text>, _>(new.job)
        .execute(&mut **tx)?;
    Ok(())
}

/// The table of things that a project may own.
pub(super) const fn owned_table(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Vm => "vm",
        Kind::Volume => "volume",
        Kind::Network => "network",
        Kind::Template => "template",
        Kind::SshKeyPair => "ssh_key_pair",
        Kind::AffinityGroup => "affinity_group",
        _ => return None,
    })
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
