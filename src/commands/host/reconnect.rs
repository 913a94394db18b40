//! `reconnectHost`: connects anew and looks at the host at once.

use super::view::{HostView, one};
use crate::{
    command::{
        host_link::{Enrolment, Link, address},
        inventory,
        prelude::*,
    },
    domain::infra::HostState,
    store::host,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a host may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// `reconnectHost`.
#[derive(Debug)]
pub(super) struct ReconnectHost;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
    /// true to trust the ssh host key that the host shows now
    #[param(name = "acceptnewhostkey")]
    accept_new_host_key: Option<bool>,
}

/// What its job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    host: Id<id::Host>,
    accept: bool,
}

impl AsyncCommand for ReconnectHost {
    const SPEC: Spec = Spec {
        name: "reconnectHost",
        about: "Connects to a host anew",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("HOST.RECONNECT"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<HostView>;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        let found = host::hold(tx, request.id)?;
        Ok(Admitted {
            plan: Plan { host: found.id, accept: request.accept_new_host_key == Some(true) },
            subject: Some((Kind::Host, found.id.uuid())),
            created: None,
            describe: Some(format!("reconnecting host {}", found.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Self::Response> {
        let (id, server) = (plan.host, cx.server);
        let mut found = cx.db.read(move |conn| host::get(conn, id)).await?;
        if plan.accept {
            let seen =
                cx.hosts.enrol(&Enrolment { uri: found.uri.clone(), password: None }).await?;
            found.host_key.clone_from(&seen.host_key);
            let changes = host::Changes { host_key: Some(seen.host_key), ..Default::default() };
            cx.db.txn("new host key", move |tx| host::change(tx, id, &changes)).await?;
        }
        let is_up = cx.hosts.at(id).is_ok_and(|driver| driver.link() == Link::Up);
        if plan.accept || !is_up {
            cx.hosts.keep(id, cx.hosts.try_open(&address(&found))?);
        }
        let driver = cx.hosts.at(id)?;
        let answer = tokio::time::timeout(PATIENCE, driver.probe()).await;
        let outcome = match answer {
            Ok(Ok(facts)) if facts.identity != found.identity => Err(Error::Unavailable(format!(
                "host {} answers, but it is another machine: {} instead of {}",
                found.name, facts.identity, found.identity
            ))),
            Ok(Ok(facts)) => Ok(facts),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Unreachable {
                host: found.name.clone(),
                why: format!("it did not answer within {} seconds", PATIENCE.as_secs()),
            }),
        };
        cx.nudge.reconcile();
        let size = host::Size::from(&outcome?);
        cx.db
            .txn("host reconnected", move |tx| {
                host::resize(tx, id, &size)?;
                host::set_state(tx, id, HostState::Up, None)
            })
            .await?;
        inventory::refresh(cx.wiring(), id).await?;
        Ok(One(cx.db.read(move |conn| one(conn, id, server)).await?))
    }

    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
