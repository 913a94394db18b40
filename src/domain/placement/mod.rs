//! Which devices of which host a demand gets: candidates in, ordered choices or an explained refusal out.
//!
//! `fleet` compares hosts, `choose` finds the best set within one host, `stock` says what is free there at all. A choice
//! is a proposal from a snapshot: the claim asks again under the host's lock (`gpu::claim`), by the same laws.
//!
//! Topology and fragmentation pull against each other: who always takes the tightest set of an untouched host soon has
//! no untouched host left. So within a host topology comes first, and between hosts both are weighed in one score.

mod capacity;
pub mod choose;
mod damage;
pub mod decision;
mod demand;
mod exact;
mod fleet;
mod looks;
mod nodes;
#[cfg(test)]
mod random;
mod rank;
mod refusal;
#[cfg(test)]
mod samples;
mod seats;
pub mod stock;

pub use capacity::{Left, Shape};
pub use choose::{Chosen, Cost, FreeDevice, Policy, choose};
pub use damage::Mix;
pub use decision::Decision;
pub use demand::{Affinity, Alternative, Candidate, Class, Demand, Disk, Needs, PoolRoom};
pub use exact::Exact;
pub use fleet::Fleet;
pub use nodes::{Load, Narrow, NodeRoom, bind};
pub use rank::{Choice, rank, scan};
pub use refusal::{HostClass, Nearest, Refusal};
pub use stock::{HostDevice, Stock, Why, stock};

text_enum! {
    /// Whether an instance's devices must sit on one NUMA node.
    NumaPolicy {
        /// They must, and it must be known: unknown is not enough.
        Required,
        /// As few nodes as possible.
        Preferred,
        /// No matter.
        Ignored,
    }
}

text_enum! {
    /// Whether instances are put close together or far apart.
    Packing {
        /// Fill what is begun, keep the rest whole.
        Pack,
        /// Use what is emptiest.
        Spread,
    }
}
