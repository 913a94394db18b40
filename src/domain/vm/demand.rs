//! What an instance asks of GPUs: fixed when it is made, kept with it as JSON.

use crate::domain::{
    Id, id,
    placement::{Alternative, Exact, NumaPolicy, Packing},
};
use serde::{Deserialize, Serialize};

/// So many devices of one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The profile, which is of one card.
    pub profile: Id<id::VgpuProfile>,
    /// How many.
    pub count: u32,
    /// Card and profile, for messages.
    pub name: String,
}

/// Acceptable devices, the best first, and how to choose among hosts and devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuDemand {
    /// The first that fits wins.
    pub choices: Vec<Choice>,
    /// About NUMA nodes.
    pub numa: NumaPolicy,
    /// About the rest.
    pub packing: Packing,
    /// Whether some of them are slices, which may have to be made.
    pub slices: bool,
    /// Exactly these, whatever they are; then there are no choices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exact: Vec<Exact>,
}

impl GpuDemand {
    /// A stored demand; `None` when there is none.
    pub fn read(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok()
    }

    /// As placement wants it.
    pub fn alternatives(&self) -> Vec<Alternative> {
        let of = |choice: &Choice| Alternative {
            profile: choice.profile,
            name: choice.name.clone(),
            count: choice.count,
        };
        self.choices.iter().map(of).collect()
    }
}

/// The first alternative of a stored demand.
pub fn first_choice(text: &str) -> Option<(Id<id::VgpuProfile>, i32)> {
    let demand = GpuDemand::read(Some(text))?;
    let first = demand.choices.first()?;
    Some((first.profile, i32::try_from(first.count).ok()?))
}
