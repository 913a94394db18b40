//! Which commands exist: one room per noun, one file per command.

use crate::command::Entry;

pub mod account;
pub mod affinity_group;
pub mod alert;
pub mod annotation;
pub mod api;
pub mod api_limit;
pub mod capacity;
pub mod cluster;
pub mod configuration;
pub mod disk_offering;
mod disk_rates;
pub mod domain;
pub mod event;
pub mod gpu_capacity;
pub mod gpu_card;
pub mod gpu_device;
pub mod gpu_drift;
pub mod gpu_offering;
pub mod host;
pub mod hypervisor;
pub mod image_store;
pub mod job;
pub mod limit;
pub mod login_page;
pub mod management_server;
pub mod network;
pub mod network_offering;
pub mod os_type;
pub mod physical_network;
pub mod pod;
pub mod project;
pub mod resource_detail;
pub mod role;
pub mod service_offering;
pub mod ssh_key_pair;
pub mod storage_pool;
pub mod tag;
pub mod template;
pub mod usage;
pub mod user;
pub mod vgpu_profile;
pub mod vm;
pub mod volume;
pub mod zone;

/// All rooms. A static, not a constant: every program that names a constant compiles all commands anew.
pub static ROOMS: &[&[Entry]] = &[
    account::COMMANDS,
    affinity_group::COMMANDS,
    alert::COMMANDS,
    annotation::COMMANDS,
    resource_detail::COMMANDS,
    tag::COMMANDS,
    template::COMMANDS,
    storage_pool::COMMANDS,
    physical_network::COMMANDS,
    network::COMMANDS,
    management_server::COMMANDS,
    image_store::COMMANDS,
    hypervisor::COMMANDS,
    capacity::COMMANDS,
    api::COMMANDS,
    api_limit::COMMANDS,
    cluster::COMMANDS,
    configuration::COMMANDS,
    disk_offering::COMMANDS,
    domain::COMMANDS,
    event::COMMANDS,
    gpu_capacity::COMMANDS,
    gpu_card::COMMANDS,
    gpu_device::COMMANDS,
    gpu_drift::COMMANDS,
    gpu_offering::COMMANDS,
    host::COMMANDS,
    job::COMMANDS,
    limit::COMMANDS,
    login_page::COMMANDS,
    network_offering::COMMANDS,
    os_type::COMMANDS,
    pod::COMMANDS,
    project::COMMANDS,
    role::COMMANDS,
    service_offering::COMMANDS,
    ssh_key_pair::COMMANDS,
    usage::COMMANDS,
    user::COMMANDS,
    vgpu_profile::COMMANDS,
    vm::COMMANDS,
    volume::COMMANDS,
    zone::COMMANDS,
];
