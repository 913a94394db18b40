//! All commands by name.

use super::{Entry, Spec};
use std::collections::BTreeMap;

/// All commands by name; made once, lives for ever.
#[derive(Debug, Clone, Default)]
pub struct Registry(BTreeMap<&'static str, &'static Entry>);

impl Registry {
    /// Gathers the rooms' tables.
    pub fn new(rooms: &[&'static [Entry]]) -> Self {
        Self(
            rooms
                .iter()
                .flat_map(|room| room.iter())
                .map(|entry| (entry.spec.name, entry))
                .collect(),
        )
    }

    /// A command by its exact name.
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        self.0.get(name).copied()
    }

    /// All commands in order of name.
    pub fn all(&self) -> impl Iterator<Item = &'static Entry> + '_ {
        self.0.values().copied()
    }

    /// All specs in order of name.
    pub fn specs(&self) -> impl Iterator<Item = &'static Spec> + '_ {
        self.all().map(|entry| &entry.spec)
    }
}
