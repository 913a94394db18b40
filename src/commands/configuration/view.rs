//! The `configuration` object.

use crate::{command::prelude::*, domain::setting::Key};

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
    /// A setting, with its value if it was changed.
    pub(super) fn new(key: Key, value: Option<String>) -> Self {
        let words = key.name.replace('.', " ");
        let mut letters = words.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        Self {
            category: key.category,
            group: key.group,
            subgroup: key.subgroup,
            value: value.unwrap_or_else(|| key.default.clone()),
            default_value: key.default,
            description: key.about,
            is_dynamic: true,
            component: "csgpu",
            display_text: first.into_iter().chain(letters).collect(),
            r#type: key.kind.name(),
            name: key.name,
        }
    }
}
