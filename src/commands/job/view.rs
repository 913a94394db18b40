//! A job as its owner reads it.

use crate::{command::prelude::*, domain::identity::shown_path, store::job::Named};
use serde_json::{Value, json};

/// A job.
#[derive(Debug, View)]
#[view(object = "asyncjobs")]
pub struct JobView {
    /// the account that started the job
    account_id: Id<id::Account>,
    /// the name of the account
    account: String,
    /// the domain of the account
    domain_id: Id<id::Domain>,
    /// the path of the domain
    domain_path: String,
    /// the user who started the job
    user_id: Id<id::User>,
    /// the command
    cmd: String,
    /// the progress of the job
    job_proc_status: i32,
    /// 0, or the error code
    job_result_code: i32,
    /// the kind of result
    job_result_type: Option<&'static str>,
    /// the result, or the error
    job_result: Option<Value>,
    /// the kind of thing the job works on
    job_instance_type: Option<String>,
    /// the thing the job works on
    job_instance_id: Option<String>,
    /// the server that works on the job
    #[view(admin)]
    management_server_id: Option<String>,
    /// what the job is doing
    progress: Option<String>,
    /// when the job was admitted
    created: Date,
    /// when the job ended
    completed: Option<Date>,
    /// the ID of the job
    job_id: Id<id::Job>,
    /// 0 in progress, 1 succeeded, 2 failed
    job_status: i32,
}

impl From<Named> for JobView {
    fn from((job, account, path): Named) -> Self {
        let is_over = job.state.status() != 0;
        let result = match job.state.status() {
            1 => Some(result(job.result.as_deref())),
            2 => Some(json!({"errorcode": job.error_code.unwrap_or(530),
                "errortext": job.error_text.as_deref().unwrap_or("Command failed due to Internal Server Error")})),
            _ => None,
        };
        Self {
            account_id: job.account_id,
            account,
            domain_id: job.domain_id,
            domain_path: shown_path(&path),
            user_id: job.user_id,
            cmd: job.command,
            job_proc_status: 0,
            job_result_code: if job.state.status() == 2 {
                job.error_code.unwrap_or(530)
            } else {
                0
            },
            job_result_type: is_over.then_some("object"),
            job_result: result,
            job_instance_type: job.subject_kind,
            job_instance_id: job.subject_id,
            management_server_id: job.lease_owner.map(|server| server.to_string()),
            progress: job.progress.filter(|_| !is_over),
            created: job.created.into(),
            completed: job.finished.map(Into::into),
            job_id: job.id,
            job_status: job.state.status(),
        }
    }
}

/// The stored result; a success's text is called `details` in a job's answer.
fn result(stored: Option<&str>) -> Value {
    let mut value =
        stored.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
    if let Some(text) = value.as_object_mut().and_then(|object| object.shift_remove("displaytext"))
    {
        value["details"] = text;
    }
    value
}
