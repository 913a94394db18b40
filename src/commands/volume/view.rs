//! The `volume` object.

use crate::{
    command::{OwnerFields, prelude::*},
    commands::{
        annotation::view::HasAnnotations,
        tag::view::{TagView, views},
    },
    domain::{identity::shown_path, vm::VmState},
    store::volume::Listed,
};

/// A volume.
#[derive(Debug, View)]
#[view(object = "volume")]
pub struct VolumeView {
    /// the ID of the volume
    id: Id<id::Volume>,
    /// the name of the volume
    name: String,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// ROOT or DATADISK
    r#type: String,
    /// the place of the volume in its instance, from 0
    device_id: i64,
    /// the ID of the instance
    virtual_machine_id: Option<Id<id::Vm>>,
    /// the ID of the template it was made of
    template_id: Option<Id<id::Template>>,
    /// the name of the template it was made of
    template_name: Option<String>,
    /// the description of the template it was made of
    template_display_text: Option<String>,
    /// the host name of the instance
    vm_name: Option<String>,
    /// the name of the instance that its owner sees
    vm_display_name: Option<String>,
    /// the state of the instance
    vm_state: Option<String>,
    /// how the volume is provisioned: thin
    provisioning_type: &'static str,
    /// the size of the volume in bytes
    size: i64,
    /// when the volume was created
    created: Date,
    /// Allocated until it exists on a host, then Ready
    state: String,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the owner's domain
    domain_id: Id<id::Domain>,
    /// the name of the owner's domain
    domain: String,
    /// the path of the owner's domain
    domain_path: String,
    /// the kind of storage: shared or local
    storage_type: Option<&'static str>,
    /// the kind of host the volume is for
    hypervisor: Option<String>,
    /// the name of the storage pool
    #[view(admin)]
    storage: Option<String>,
    /// when the volume was attached
    attached: Option<Date>,
    /// whether the volume was destroyed
    destroyed: bool,
    /// the ID of the service offering of the instance
    service_offering_id: Option<Id<id::ServiceOffering>>,
    /// the name of the service offering of the instance
    service_offering_name: Option<String>,
    /// whether the volume can be downloaded
    is_extractable: bool,
    /// whether its owner sees the volume
    display_volume: bool,
    /// the name of the volume in its pool
    #[view(admin)]
    path: Option<String>,
    /// the ID of the storage pool
    #[view(admin)]
    storage_id: Option<Id<id::StoragePool>>,
    /// whether the volume is protected from being deleted
    delete_protection: bool,
    /// the tags of the volume
    tags: Vec<TagView>,
    /// whether the volume has annotations
    has_annotations: HasAnnotations,
}

impl From<Listed> for VolumeView {
    fn from(listed: Listed) -> Self {
        let Listed { volume, created, zone, owner, domain, vm, offering, pool, template, .. } =
            listed;
        let is_ready = volume.state == "Ready";
        let is_destroyed = vm.as_ref().is_some_and(|vm| vm.2 == VmState::Destroyed);
        let (vm_name, vm_shown, vm_state, hypervisor) = match vm {
            None => (None, None, None, None),
            Some((name, shown, state, hypervisor)) => {
                (Some(name), Some(shown), Some(state.to_string()), Some(hypervisor))
            }
        };
        let (template_name, template_text) = template.unzip();
        let (offering_id, offering_name) = offering.unzip();
        let storage_type =
            pool.as_ref().map(|(_, scope)| if scope == "HOST" { "local" } else { "shared" });
        Self {
            id: volume.id,
            name: volume.name,
            zone_id: volume.zone_id,
            zone_name: zone,
            r#type: volume.kind,
            device_id: i64::from(volume.device_index),
            virtual_machine_id: volume.vm_id,
            template_id: volume.template_id,
            template_name,
            template_display_text: template_text,
            vm_name,
            vm_display_name: vm_shown,
            vm_state,
            provisioning_type: "thin",
            size: volume.size,
            created: created.into(),
            state: volume.state,
            owner: owner.into(),
            domain_id: volume.domain_id,
            domain: domain.0,
            domain_path: shown_path(&domain.1),
            storage_type,
            hypervisor,
            storage: pool.map(|(name, _)| name),
            attached: volume.vm_id.map(|_| created.into()),
            destroyed: is_destroyed,
            service_offering_id: offering_id,
            service_offering_name: offering_name,
            is_extractable: false,
            display_volume: true,
            path: is_ready.then_some(volume.path),
            storage_id: volume.pool_id,
            delete_protection: false,
            tags: views(Some(listed.tags)),
            has_annotations: HasAnnotations(listed.noted),
        }
    }
}
