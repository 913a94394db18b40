//! `listUsageTypes`: what kinds of usage there are.

use super::view::UsageTypeView;
use crate::{command::prelude::*, store::usage::Usage};

/// `listUsageTypes`.
#[derive(Debug)]
pub(super) struct ListUsageTypes;

/// Its parameters: none.
#[derive(Debug, Params)]
pub(super) struct Request {}

impl Command for ListUsageTypes {
    const SPEC: Spec = Spec {
        name: "listUsageTypes",
        about: "Lists the types of usage",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<UsageTypeView>;

    async fn run(_: &Cx, request: Request) -> Result<Self::Response> {
        let Request {} = request;
        Ok(List::whole(Usage::ALL.iter().map(|usage| UsageTypeView::from(*usage)).collect()))
    }
}
