//! Instances: from a deploy to an expunge.
//!
//! A deploy decides everything in its admission, in one transaction: the host, its disks' pool, its addresses, its GPUs
//! (`draft`, `placing`). The job then makes it so on the host (`building`), step by step, each safe to repeat. What is
//! given back goes the other way (`clearing`): the domain first, then each device by proof, then the disks.

mod adopt;
pub mod adopting;
mod boot;
mod building;
mod change;
mod clearing;
pub mod decision_view;
mod deploy;
mod destroy;
mod draft;
mod explain;
pub mod explanation;
mod expunge;
mod extra;
mod get;
mod grouping;
mod hand_made;
mod list;
mod list_decisions;
mod not_here;
mod placing;
mod reboot;
mod recover;
mod resizing;
mod scale;
mod seeding;
mod start;
mod stop;
mod update;
mod update_group;
pub mod view;
mod wish;

use crate::command::{Entry, asynchronous, immediate, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<adopt::AdoptVirtualMachine>(),
    sync::<change::ChangeServiceForVirtualMachine>(),
    asynchronous::<deploy::DeployVirtualMachine>(),
    asynchronous::<destroy::DestroyVirtualMachine>(),
    sync::<explain::ExplainPlacement>(),
    asynchronous::<expunge::ExpungeVirtualMachine>(),
    sync::<get::GetVirtualMachineUserData>(),
    sync::<list::ListVirtualMachines>(),
    sync::<list_decisions::ListPlacementDecisions>(),
    asynchronous::<reboot::RebootVirtualMachine>(),
    sync::<recover::RecoverVirtualMachine>(),
    asynchronous::<scale::ScaleVirtualMachine>(),
    asynchronous::<start::StartVirtualMachine>(),
    asynchronous::<stop::StopVirtualMachine>(),
    sync::<update::UpdateVirtualMachine>(),
    immediate::<update_group::UpdateVmAffinityGroup>(),
];
