//! The `adoption` object: a domain made by hand, and whether it can become an instance.

use crate::{
    command::prelude::*,
    store::{adoption::Stray, volume::Volume},
};

/// A domain that runs with GPUs and is no instance, or has just become one.
#[derive(Debug, View)]
#[view(object = "adoption")]
pub struct AdoptionView {
    /// the UUID of the domain, which becomes the ID of the instance
    id: Id<id::Vm>,
    /// the name of the domain on its host
    domain_name: String,
    /// the ID of the host
    host_id: Id<id::Host>,
    /// the IDs of the GPU devices it uses
    gpu_device_ids: Vec<String>,
    /// what it uses, by card and profile
    gpus: Vec<String>,
    /// its disks, each of which becomes a volume
    disks: Vec<String>,
    /// its network interfaces that become interfaces of the instance, with their networks
    nics: Vec<String>,
    /// what stays with the domain alone, and why
    notes: Option<Vec<String>>,
    /// whether it can be taken over
    adoptable: bool,
    /// whether it was taken over now
    adopted: bool,
    /// why it cannot be taken over
    reasons: Option<Vec<String>>,
}

impl AdoptionView {
    /// What was found, what speaks against it, and whether it was taken over.
    pub(super) fn new(host_id: Id<id::Host>, stray: &Stray, adopted: bool) -> Self {
        let mut gpus: Vec<String> =
            stray.counts().into_values().map(|(count, name)| format!("{count} x {name}")).collect();
        gpus.sort();
        let parts = &stray.parts;
        let disk = |it: &Volume| format!("{} {} ({} bytes)", it.kind, it.path, it.size);
        Self {
            id: Id::from_uuid(stray.domain.uuid),
            domain_name: stray.domain.name.clone(),
            host_id,
            gpu_device_ids: stray.devices.iter().map(|device| device.id.to_string()).collect(),
            gpus,
            disks: parts.volumes.iter().map(disk).collect(),
            nics: parts.plugs.clone(),
            notes: (!parts.notes.is_empty()).then(|| parts.notes.clone()),
            adoptable: stray.against.is_empty(),
            adopted,
            reasons: (!stray.against.is_empty()).then(|| stray.against.clone()),
        }
    }
}
