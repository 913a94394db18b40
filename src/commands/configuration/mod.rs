//! Settings that administrators change while the service runs; each takes effect at once. Some can have another value
//! for one account or domain; those that clients read and that nothing here depends on are listed and cannot be changed.

mod groups;
mod list;
mod place;
mod reset;
mod update;
pub mod view;

use crate::{
    command::{Entry, Settings, prelude::*, sync},
    domain::setting::{Key, keys},
};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<list::ListConfigurations>(),
    sync::<update::UpdateConfiguration>(),
    sync::<reset::ResetConfiguration>(),
    sync::<groups::ListConfigurationGroups>(),
];

/// The setting of this name.
fn key(settings: &Settings, name: &str) -> Result<Key> {
    keys(settings.detach_on_stop)
        .into_iter()
        .find(|key| key.name == name)
        .ok_or_else(|| Error::Invalid(format!("Config parameter with name {name} doesn't exist")))
}
