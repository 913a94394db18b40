//! The `gpudevicehistory` object.

use crate::{
    command::prelude::*,
    domain::identity::shown_path,
    store::gpu_history::{Holding, Verdict},
};

/// Somebody held a GPU device.
#[derive(Debug, View)]
#[view(object = "gpudevicehistory")]
pub struct GpuDeviceHistoryView {
    /// the ID of the GPU device
    gpu_device_id: String,
    /// the ID of the physical GPU that it is, or is a part of
    physical_gpu_id: Id<id::GpuDevice>,
    /// the ID of the instance
    virtual_machine_id: String,
    /// the name that the instance had
    virtual_machine_name: Option<String>,
    /// the name of the account
    account: Option<String>,
    /// the ID of the account
    account_id: Option<String>,
    /// the path of the domain
    domain_path: Option<String>,
    /// the ID of the domain
    domain_id: Option<String>,
    /// the name of the project
    project: Option<String>,
    /// the ID of the project
    project_id: Option<String>,
    /// the ID of the host
    host_id: String,
    /// the name of the host
    hostname: Option<String>,
    /// the ID of the vGPU profile
    vgpu_profile_id: Option<String>,
    /// the memory of the GPU in MiB
    memory: i64,
    /// since when nobody else could have it
    from: Date,
    /// since when the instance had it
    allocated: Option<Date>,
    /// since when the instance was giving it back
    releasing: Option<Date>,
    /// until when nobody else could have it; not there: it is still held
    to: Option<Date>,
    /// the type of the event with which it began
    began_by: Option<String>,
    /// the type of the event with which it ended
    ended_by: Option<String>,
    /// what the release came to: clean, never used, or the reason for which it was quarantined
    outcome: Option<String>,
    /// true when the history up to here is complete and unchanged
    verified: bool,
    /// the number of the first entry of this GPU's history that is missing or was changed
    broken_at: Option<i64>,
    /// in what way
    broken_why: Option<String>,
}

impl GpuDeviceHistoryView {
    /// A row of a chain that is worth this.
    pub(super) fn new(row: Holding, verdict: &Verdict) -> Self {
        let broken = verdict.broken.clone();
        Self {
            gpu_device_id: row.device_id,
            physical_gpu_id: row.chain_id,
            virtual_machine_id: row.vm_id,
            virtual_machine_name: row.vm_name,
            account: row.account,
            account_id: row.account_id,
            domain_path: row.domain_path.as_deref().map(shown_path),
            domain_id: row.domain_id,
            project: row.project,
            project_id: row.project_id,
            host_id: row.host_id,
            hostname: row.host,
            vgpu_profile_id: row.profile_id,
            memory: row.memory_mib,
            from: row.reserved.into(),
            allocated: row.allocated.map(Into::into),
            releasing: row.releasing.map(Into::into),
            to: row.released.map(Into::into),
            began_by: row.began_by,
            ended_by: row.ended_by,
            outcome: row.proof,
            verified: broken.as_ref().is_none_or(|(at, _)| row.last < *at),
            broken_at: broken.as_ref().map(|(at, _)| *at),
            broken_why: broken.map(|(_, why)| why),
        }
    }
}
