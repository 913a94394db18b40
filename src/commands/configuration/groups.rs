//! `listConfigurationGroups`: how the settings are grouped.

use super::view::{ConfigurationGroupView, ConfigurationSubgroupView};
use crate::{command::prelude::*, domain::setting::keys};

/// `listConfigurationGroups`.
#[derive(Debug)]
pub(super) struct ListConfigurationGroups;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// only the group with this name
    group: Option<String>,
    #[param(group)]
    page: Page,
}

/// The groups in the order that they are shown in, and what they are about.
const GROUPS: &[(&str, &str)] = &[
    ("Access", "Who may have how much"),
    ("Compute", "Instances"),
    ("Storage", "Where volumes are"),
    ("Hypervisor", "The hosts"),
    ("Management Server", "The service itself"),
    ("Miscellaneous", "Everything else"),
];

impl Command for ListConfigurationGroups {
    const SPEC: Spec = Spec {
        name: "listConfigurationGroups",
        about: "Lists the groups of settings",
        since: "4.18.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<ConfigurationGroupView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { group, page } = request;
        let keys = keys(cx.settings.detach_on_stop);
        let mut groups: Vec<_> = (1..)
            .zip(GROUPS)
            .map(|(precedence, (name, description))| {
                let mut parts: Vec<&'static str> =
                    keys.iter().filter(|key| key.group == *name).map(|key| key.subgroup).collect();
                parts.sort_unstable();
                parts.dedup();
                let part = |(precedence, name)| ConfigurationSubgroupView { name, precedence };
                let subgroup = (1..).zip(parts).map(part).collect();
                ConfigurationGroupView { name, subgroup, description, precedence }
            })
            .collect();
        let word = page.keyword.as_deref().map(str::to_lowercase);
        groups.retain(|found| {
            group.as_deref().is_none_or(|group| group == found.name)
                && word.as_deref().is_none_or(|word| found.name.to_lowercase().contains(word))
        });
        let count = i64::try_from(groups.len()).unwrap_or(i64::MAX);
        let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Ok(List::page(count, groups.into_iter().skip(skip).take(most).collect()))
    }
}
