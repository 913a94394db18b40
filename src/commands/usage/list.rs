//! `listUsageRecords`: what was used, day by day.

use super::view::UsageRecordView;
use crate::{
    command::{When, prelude::*},
    store::{
        owner::{self, Owners, Wanted},
        usage::{self, Filter},
    },
};

/// The most days of one list.
const MOST_DAYS: i64 = 900;

/// `listUsageRecords`.
#[derive(Debug)]
pub(super) struct ListUsageRecords;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the name of the account; needs domainid
    account: Option<String>,
    /// only usage of this domain
    domain_id: Option<Id<id::Domain>>,
    /// the last day, or the moment at which the time ends
    end_date: When,
    /// the first day, or the moment at which the time begins
    start_date: When,
    /// the ID of the account
    account_id: Option<Id<id::Account>>,
    /// only usage of this project; -1 for all projects
    project_id: Option<owner::Projects>,
    /// the number of the usage type
    r#type: Option<i64>,
    /// the ID of what was used; needs type
    usage_id: Option<String>,
    /// whether to list the usage of all child domains too
    #[param(since = "4.15")]
    is_recursive: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListUsageRecords {
    const SPEC: Spec = Spec {
        name: "listUsageRecords",
        about: "Lists what was used, cut at the ends of days in UTC",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<UsageRecordView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let (from, to) = (request.start_date.start(), request.end_date.end());
        if from > to {
            return Err(Error::invalid("Incorrect Date Range. Start date is after end date"));
        }
        if (to - from).num_days() > MOST_DAYS {
            return Err(Error::Invalid(format!("one list covers at most {MOST_DAYS} days")));
        }
        if request.usage_id.is_some() && request.r#type.is_none() {
            return Err(Error::invalid("Usageid must be specified together with usageType"));
        }
        if request.usage_id.as_ref().is_some_and(|id| uuid::Uuid::try_parse(id).is_err()) {
            return Ok(List::whole(Vec::new())); // nothing has such an id
        }
        let kind = request.r#type.map(|kind| i32::try_from(kind).unwrap_or(-1));
        let caller = cx.caller.clone();
        let (count, rows) = cx
            .db
            .read(move |conn| {
                let filter = Filter {
                    owners: whose(conn, &caller, &request)?,
                    from,
                    to,
                    kind,
                    subject: request.usage_id.clone(),
                };
                usage::list(conn, &filter, &request.page.window())
            })
            .await?;
        Ok(List::page(count, rows.into_iter().map(UsageRecordView::from).collect()))
    }
}

/// The account that is named, else everything in the caller's reach; users have their own.
fn whose(conn: &mut Conn, caller: &Caller, request: &Request) -> Result<Owners> {
    if let (Some(account), None) = (request.account_id, request.project_id) {
        return Ok(Owners::Account(account));
    }
    let wanted = Wanted {
        account: request.account.clone(),
        domain: request.domain_id,
        is_recursive: request.is_recursive.unwrap_or(false),
        list_all: request.project_id.is_none(),
        project: request.project_id,
    };
    owner::owners(conn, caller, &wanted, true)
}
