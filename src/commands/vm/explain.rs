//! `explainPlacement`: where an instance would go, or why it would go nowhere. Takes what a deploy takes, changes nothing.

use super::{deploy::Request, draft, explanation::PlacementView, placing};
use crate::{command::prelude::*, store::affinity_group};
use std::sync::Arc;

/// `explainPlacement`.
#[derive(Debug)]
pub(super) struct ExplainPlacement;

impl Command for ExplainPlacement {
    const SPEC: Spec = Spec {
        name: "explainPlacement",
        about: "Says where an instance would be placed, or why it would not; changes nothing",
        since: "4.22.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = One<PlacementView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let (env, caller) = (cx.env(), Arc::clone(&cx.caller));
        let view = cx
            .db
            .txn("explain placement", move |tx| {
                let mut draft = draft::draw(&env, tx, &caller, &request)?;
                draft.order.demand.affinity =
                    affinity_group::around(tx, &draft.groups, draft.vm.id)?;
                let (hosts, found) = placing::consider(&env, tx, &caller, &draft.order)?;
                match found {
                    Ok(choices) => PlacementView::fits(tx, &draft.order.demand, hosts, &choices),
                    Err(refusal) => Ok(PlacementView::refused(&caller, &refusal)),
                }
            })
            .await?;
        Ok(One(view))
    }
}
