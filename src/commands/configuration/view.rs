//! The `configuration` object.

use crate::{
    command::prelude::*,
    domain::setting::{Key, Scope},
};

/// A setting.
#[derive(Debug, View)]
#[view(object = "configuration")]
pub struct ConfigurationView {
    /// the category of the setting
    category: &'static str,
    /// the group of the setting
    group: &'static str,
    /// the part of the group
    subgroup: &'static str,
    /// the name of the setting
    name: String,
    /// the value in force
    value: String,
    /// the kind of thing that the value is for, unless it is for all
    scope: Option<&'static str>,
    /// the value when nobody changed it
    default_value: String,
    /// what the setting does
    description: String,
    /// whether a change takes effect without a restart
    is_dynamic: bool,
    /// the part of the service that depends on it
    component: &'static str,
    /// the name as people read it
    display_text: String,
    /// what values it takes
    r#type: &'static str,
}

impl ConfigurationView {
    /// A setting, with its value if it was changed, and for what.
    pub(super) fn new(key: Key, value: Option<String>, scope: Option<Scope>) -> Self {
        let words = key.name.replace('.', " ");
        let mut letters = words.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        Self {
            category: key.category,
            group: key.group,
            subgroup: key.subgroup,
            value: value.filter(|_| !key.is_fixed).unwrap_or_else(|| key.default.clone()),
            default_value: key.default,
            description: key.about,
            scope: scope.map(Scope::name),
            is_dynamic: !key.is_fixed,
            component: "csgpu",
            display_text: first.into_iter().chain(letters).collect(),
            r#type: key.kind.name(),
            name: key.name,
        }
    }
}

/// A group of settings.
#[derive(Debug, View)]
#[view(object = "configurationgroup")]
pub struct ConfigurationGroupView {
    /// the name of the group
    pub(super) name: &'static str,
    /// the parts of the group
    pub(super) subgroup: Vec<ConfigurationSubgroupView>,
    /// what the group is about
    pub(super) description: &'static str,
    /// the place of the group among the groups
    pub(super) precedence: i64,
}

/// A part of a group of settings.
#[derive(Debug, View)]
#[view(object = "configurationsubgroup")]
pub struct ConfigurationSubgroupView {
    /// the name of the part
    pub(super) name: &'static str,
    /// the place of the part in its group
    pub(super) precedence: i64,
}
