//! `deleteTemplate`: refused while instances are made of it, unless forced; then what their disks lie on stays.

use super::update::may_change;
use crate::{
    command::prelude::*,
    domain::{
        infra::pool_on_host,
        machine::{VolumeRef, names},
    },
    store::{host, template},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long one host may take; one that is away keeps a copy that nobody uses.
const PATIENCE: Duration = Duration::from_secs(15);

/// `deleteTemplate`.
#[derive(Debug)]
pub(super) struct DeleteTemplate;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the template
    id: Id<id::Template>,
    /// the ID of the zone; a template disappears from all its zones at once
    zone_id: Option<Id<id::Zone>>,
    /// true to remove a template that instances are made of; their disks stay whole
    forced: Option<bool>,
}

/// What its job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    template: Id<id::Template>,
    file: Option<String>,
}

impl AsyncCommand for DeleteTemplate {
    const SPEC: Spec = Spec {
        name: "deleteTemplate",
        about: "Removes a template with its file and its copies",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("TEMPLATE.DELETE"),
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
        let _ = request.zone_id;
        let found = template::get(tx, request.id)?;
        may_change(tx, &found, caller)?;
        let gone = template::remove(tx, request.id, request.forced == Some(true))?;
        Ok(Admitted {
            plan: Plan { template: gone.id, file: gone.file },
            subject: Some((Kind::Template, gone.id.uuid())),
            created: None,
            describe: Some(format!("deleting template {}", gone.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Self::Response> {
        let id = plan.template;
        for copy in cx.db.read(move |conn| template::copies(conn, id)).await? {
            let pool = pool_on_host(copy.pool, copy.kind, &copy.path).name;
            let filter =
                host::Filter { id: copy.host, cluster: copy.cluster, ..host::Filter::default() };
            let read = move |conn: &mut Conn| host::list(conn, &filter, &crate::store::Window::ALL);
            let (_, hosts) = cx.db.read(read).await?;
            let volume = VolumeRef { pool, volume: names::template(id) };
            for (host, ..) in hosts {
                let asked = async { cx.hosts.at(host.id)?.ensure_no_volume(&volume).await };
                match tokio::time::timeout(PATIENCE, asked).await {
                    Ok(Ok(())) => {
                        let pool = copy.pool;
                        let forget = move |tx: &mut Tx<'_>| template::forget_copy(tx, id, pool);
                        cx.db.txn("forget copy", forget).await?;
                        break; // hosts of one pool see the same files
                    }
                    other => {
                        tracing::warn!(host = host.name, template = %id, ?other, "the copy stays there")
                    }
                }
            }
        }
        if let Some(file) = &plan.file {
            let file = cx.settings.images.join(file);
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(file = %file.display(), %error, "the template's file stays");
                }
                _ => {}
            }
        }
        Ok(Success::YES)
    }

    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
