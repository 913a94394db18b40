//! `deleteNetwork`: refused while instances have interfaces in it; its NAT networks disappear from the hosts.

use crate::{
    command::prelude::*,
    domain::{identity::Reach, infra::GuestType, machine::names},
    store::{host, network, owner},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long one host may take; one that is away keeps a network that nobody uses.
const PATIENCE: Duration = Duration::from_secs(10);

/// `deleteNetwork`.
#[derive(Debug)]
pub(super) struct DeleteNetwork;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the network
    id: Id<id::Network>,
    /// accepted and without meaning: a network that is in use is never removed
    forced: Option<bool>,
}

/// What its job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    network: Id<id::Network>,
    zone: Id<id::Zone>,
    on_hosts: bool,
}

impl AsyncCommand for DeleteNetwork {
    const SPEC: Spec = Spec {
        name: "deleteNetwork",
        about: "Removes a network",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("NETWORK.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let _ = request.forced;
        let found = network::get(tx, request.id)?;
        may_change(tx, &found, caller)?;
        let gone = network::remove(tx, request.id)?;
        Ok(Admitted {
            plan: Plan {
                network: gone.id,
                zone: gone.zone_id,
                on_hosts: gone.guest_type == GuestType::Isolated,
            },
            subject: Some((Kind::Network, gone.id.uuid())),
            created: None,
            describe: Some(format!("deleting network {}", gone.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Self::Response> {
        if !plan.on_hosts {
            return Ok(Success::YES);
        }
        let filter = host::Filter { zone: Some(plan.zone), ..host::Filter::default() };
        let read = move |conn: &mut Conn| host::list(conn, &filter, &crate::store::Window::ALL);
        let (_, hosts) = cx.db.read(read).await?;
        let name = names::network(plan.network);
        for (host, ..) in hosts {
            let asked = async { cx.hosts.at(host.id)?.ensure_no_network(&name).await };
            match tokio::time::timeout(PATIENCE, asked).await {
                Ok(Ok(())) => {}
                other => tracing::warn!(
                    host = host.name,
                    network = name,
                    ?other,
                    "the network stays there"
                ),
            }
        }
        Ok(Success::YES)
    }

    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}

/// A shared network is visible to all and changed by administrators only.
pub(super) fn may_change(tx: &mut Tx<'_>, found: &network::Network, caller: &Caller) -> Result<()> {
    if caller.is_admin() || owner::is_theirs(tx, caller, found.account_id)? {
        return Ok(());
    }
    let is_above = matches!(caller.scope().reach(), Reach::Domain { .. });
    if is_above && found.acl_type == "Account" {
        return Ok(()); // in the caller's domain or below it, as the kernel has seen
    }
    Err(Error::not_permitted())
}
