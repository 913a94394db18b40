//! One command calls others: how a room has things done that belong to another room.
//!
//! They are called as any client would call them, as the same caller, so their checks, jobs and events are the usual
//! ones. A job that waits for others holds a worker; should all workers wait, nobody would do what they wait for, so a
//! job that nobody takes up in time is given up on, and the caller is told to try again.

use super::{Args, Call, Cx};
use crate::{
    domain::{Id, id, job::JobState},
    error::{Error, Result},
    store,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// How long a job may wait for a worker.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a job is looked at.
const PAUSE: Duration = Duration::from_millis(100);

impl Cx {
    /// Calls another command as the same caller. The job that it began, if it is one that takes time.
    pub async fn call(
        &self,
        command: &str,
        params: &[(&str, String)],
    ) -> Result<Option<Id<id::Job>>> {
        let found = self.registry.find(command);
        let entry = found.ok_or_else(|| Error::internal(format!("no command {command}")))?;
        let args = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let args = Args::new(args)?;
        let cx = Self::new(Arc::clone(self.wiring()), Arc::clone(&self.caller), &entry.spec);
        match entry.call {
            Call::Sync(call) => call(cx, args).await.map(|_| None),
            Call::Async(operations) => {
                let answer = (operations.admit)(cx, args).await?;
                let answer: serde_json::Value =
                    serde_json::from_str(&answer).map_err(|error| Error::Internal(error.into()))?;
                Ok(answer["jobid"].as_str().and_then(|job| job.parse().ok()))
            }
        }
    }

    /// Waits until a job has ended. Error: it failed, or nobody took it up.
    pub async fn finished(&self, job: Id<id::Job>) -> Result<()> {
        let mut taken_up_by = Instant::now() + PATIENCE;
        loop {
            let found = self.db.read(move |conn| store::job::get(conn, job)).await?;
            let Some((row, ..)) = found else { return Ok(()) };
            match row.state {
                JobState::Done => return Ok(()),
                JobState::Failed | JobState::Due | JobState::Paying => {
                    let why = row.error_text.unwrap_or_default();
                    return Err(Error::Conflict(format!("{} failed: {why}", row.command)));
                }
                JobState::Queued if Instant::now() > taken_up_by => {
                    return Err(Error::Conflict(format!(
                        "{} is waiting for other jobs, try again later",
                        row.command
                    )));
                }
                JobState::Queued => {}
                JobState::Running | JobState::Undoing => taken_up_by = Instant::now() + PATIENCE,
            }
            sleep(PAUSE).await;
        }
    }

    /// Removes what an account owns, each thing by the command that a client would use: first the instances, for good
    /// and with their devices proven to be back, then what they used.
    pub async fn clear(&self, account: Id<id::Account>) -> Result<()> {
        let owned = self.db.read(move |conn| store::owner::owned(conn, account)).await?;
        let yes = || "true".to_owned();
        let mut jobs = Vec::new();
        for vm in owned.vms {
            let params = [("id", vm.to_string()), ("expunge", yes())];
            jobs.extend(self.call("destroyVirtualMachine", &params).await?);
        }
        self.all_finished(jobs).await?;
        let mut jobs = Vec::new();
        for network in owned.networks {
            jobs.extend(self.call("deleteNetwork", &[("id", network.to_string())]).await?);
        }
        for template in owned.templates {
            let params = [("id", template.to_string()), ("forced", yes())];
            jobs.extend(self.call("deleteTemplate", &params).await?);
        }
        self.all_finished(jobs).await
    }

    async fn all_finished(&self, jobs: Vec<Id<id::Job>>) -> Result<()> {
        for job in jobs {
            self.finished(job).await?;
        }
        Ok(())
    }
}
