//! `listAffinityGroupTypes`: the types that affinity groups can have.

use super::view::TypeView;
use crate::{command::prelude::*, domain::affinity::GroupKind};

/// `listAffinityGroupTypes`.
#[derive(Debug)]
pub(super) struct ListAffinityGroupTypes;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    page: Page,
}

impl Command for ListAffinityGroupTypes {
    const SPEC: Spec = Spec {
        name: "listAffinityGroupTypes",
        about: "Lists the types of affinity groups",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<TypeView>;

    async fn run(_: &Cx, request: Request) -> Result<Self::Response> {
        let Page { keyword: _, offset, limit } = request.page;
        let number = |value: i64| usize::try_from(value).unwrap_or_default();
        let view = |kind: &GroupKind| TypeView { r#type: kind.as_str().to_owned() };
        let some = GroupKind::ALL.iter().skip(number(offset));
        let some = some.take(limit.map_or(usize::MAX, number)).map(view).collect();
        Ok(List::page(GroupKind::ALL.len() as i64, some))
    }
}
