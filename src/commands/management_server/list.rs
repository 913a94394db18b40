//! `listManagementServers`: the running copies of this service.

use crate::{
    command::prelude::*,
    store::{self, server},
};
use chrono::TimeDelta;

/// A server that was silent for longer is down.
const SILENCE: TimeDelta = TimeDelta::seconds(60);

/// `listManagementServers`.
#[derive(Debug)]
pub(super) struct ListManagementServers;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the management server
    id: Option<Id<id::Server>>,
    /// the name of the management server
    name: Option<String>,
    #[param(group)]
    page: Page,
}

/// A management server.
#[derive(Debug, View)]
#[view(object = "managementserver")]
pub(super) struct ManagementServerView {
    /// the ID of the management server
    id: Id<id::Server>,
    /// the name of the management server
    name: String,
    /// whether the management server runs
    state: &'static str,
    /// the version of the dialect that it speaks
    version: &'static str,
    /// the version of the service
    csgpu_version: String,
    /// when the management server was started
    last_server_start: Date,
}

impl Command for ListManagementServers {
    const SPEC: Spec = Spec {
        name: "listManagementServers",
        about: "Lists the management servers",
        since: "4.15.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<ManagementServerView>;

    async fn run(cx: &Cx, Request { id, name, page }: Request) -> Result<Self::Response> {
        let (rows, now) = cx.db.read(|conn| Ok((server::all(conn)?, store::now(conn)?))).await?;
        let word = page.keyword.unwrap_or_default().to_lowercase();
        let views: Vec<ManagementServerView> = rows
            .into_iter()
            .filter(|row| id.is_none_or(|id| id == row.id))
            .filter(|row| name.as_ref().is_none_or(|name| row.name.eq_ignore_ascii_case(name)))
            .filter(|row| row.name.to_lowercase().contains(&word))
            .map(|row| ManagementServerView {
                id: row.id,
                name: row.name,
                state: if now - row.heartbeat < SILENCE { "Up" } else { "Down" },
                version: "4.22.0.0",
                csgpu_version: row.version,
                last_server_start: Date(row.started),
            })
            .collect();
        let count = i64::try_from(views.len()).unwrap_or(i64::MAX);
        let first = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        Ok(List::page(count, views.into_iter().skip(first).take(most).collect()))
    }
}
