//! `listConfigurations`: the settings and their values.

use super::{place::Place, view::ConfigurationView};
use crate::{
    command::prelude::*,
    domain::setting::{Key, keys},
    store::setting,
};

/// `listConfigurations`.
#[derive(Debug)]
pub(super) struct ListConfigurations;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// only settings of this category
    category: Option<String>,
    /// only the setting with this name
    name: Option<String>,
    /// only settings of this group
    #[param(since = "4.18.0")]
    group: Option<String>,
    /// only settings of this part of a group
    #[param(since = "4.18.0")]
    subgroup: Option<String>,
    /// only settings below this one; no setting is below another
    #[param(since = "4.18.0")]
    parent: Option<String>,
    #[param(group)]
    place: Place,
    /// the image store that the values are for
    #[param(name = "imagestoreuuid")]
    image_store: Option<Id<id::ImageStore>>,
    #[param(group)]
    page: Page,
}

impl Command for ListConfigurations {
    const SPEC: Spec = Spec {
        name: "listConfigurations",
        about: "Lists the settings with their values",
        since: "0.1",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<ConfigurationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { category, name, group, subgroup, parent, place, image_store, page } = request;
        let place = place.scope(image_store)?;
        let is_wanted = |key: &Key| {
            let word = page.keyword.as_deref().map(str::to_lowercase);
            parent.is_none()
                && place.is_none_or(|(scope, _)| key.scopes.contains(&scope))
                && category.as_deref().is_none_or(|category| category == key.category)
                && name.as_deref().is_none_or(|name| name == key.name)
                && group.as_deref().is_none_or(|group| group == key.group)
                && subgroup.as_deref().is_none_or(|subgroup| subgroup == key.subgroup)
                && word.is_none_or(|word| key.name.contains(&word))
        };
        let read = move |conn: &mut Conn| match place {
            Some((scope, of)) => setting::changed_for(conn, scope, of),
            None => setting::changed(conn),
        };
        let mut values = cx.db.read(read).await?;
        let found: Vec<Key> =
            keys(cx.settings.detach_on_stop).into_iter().filter(is_wanted).collect();
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let view = |key: Key| {
            let value = values.remove(&key.name);
            ConfigurationView::new(key, value, place.map(|(scope, _)| scope))
        };
        Ok(List::page(count, found.into_iter().skip(skip).take(most).map(view).collect()))
    }
}
