//! What an instance asks of GPUs: fixed when it is made, kept with it as JSON.

use crate::domain::{Id, id};
use serde::{Deserialize, Serialize};

/// So many devices of one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// The profile, which is of one card.
    pub profile: Id<id::VgpuProfile>,
    /// How many.
    pub count: u32,
    /// Card and profile, for messages.
    pub name: String,
}

/// Acceptable devices, the best first, and how to choose among hosts and devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The first that fits wins.
    pub alternatives: Vec<Alternative>,
    /// The NUMA policy of the GPU offering, as it is kept there.
    pub numa: String,
    /// The placement policy of the GPU offering, as it is kept there.
    pub placement: String,
}

/// The first alternative of a stored demand.
pub fn first_alternative(text: &str) -> Option<(Id<id::VgpuProfile>, i32)> {
    let demand: Demand = serde_json::from_str(text).ok()?;
    let first = demand.alternatives.first()?;
    Some((first.profile, i32::try_from(first.count).ok()?))
}
