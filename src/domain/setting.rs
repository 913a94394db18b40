//! Which settings there are: those that something depends on, and no others.

use super::resource::Resource;

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A whole number; -1 is no limit.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl Type {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "Number",
            Self::Boolean => "Boolean",
        }
    }
}

/// A setting.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: &'static str,
    /// The group that the UI shows it in.
    pub group: &'static str,
    /// The part of the group.
    pub subgroup: &'static str,
    /// What it is when nobody changed it.
    pub default: String,
    /// What it does.
    pub about: String,
    /// What values it takes.
    pub kind: Type,
    /// Whose default limit of what it is.
    pub limit: Option<(&'static str, Resource)>,
}

/// Whether a stop gives devices back.
pub const DETACH_ON_STOP: &str = "gpu.detach.on.stop";

/// All settings, in order of their names. `detach_on_stop`: what the configuration file says of it.
pub fn keys(detach_on_stop: bool) -> Vec<Key> {
    let mut keys = vec![Key {
        name: DETACH_ON_STOP.to_owned(),
        category: "Advanced",
        group: "Miscellaneous",
        subgroup: "Others",
        default: detach_on_stop.to_string(),
        about: "Whether an instance that is stopped gives its GPU devices back".to_owned(),
        kind: Type::Boolean,
        limit: None,
    }];
    for resource in Resource::ALL {
        let (account, domain) = resource.defaults();
        for (whose, default, category, subgroup) in [
            ("account", account, "Account Defaults", "Account"),
            ("domain", domain, "Domain Defaults", "Domain"),
        ] {
            keys.push(Key {
                name: format!("max.{whose}.{}", resource.setting()),
                category,
                group: "Access",
                subgroup,
                default: default.to_string(),
                about: format!(
                    "The most of {} that one {whose} may have, where nothing else was set; -1 is no limit",
                    resource.name()
                ),
                kind: Type::Number,
                limit: Some((whose, *resource)),
            });
        }
    }
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    keys
}

impl Key {
    /// The value as it is kept, or why it is none.
    pub fn check(&self, value: &str) -> Result<String, String> {
        let value = value.trim();
        match self.kind {
            Type::Boolean => match value.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => Ok(word.to_owned()),
                _ => Err(format!("{value} is neither true nor false")),
            },
            Type::Number => match value.parse::<i64>() {
                Ok(number) if number >= -1 => Ok(number.to_string()),
                _ => Err(format!("{value} is no number from -1 on")),
            },
        }
    }
}
