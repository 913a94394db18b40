//! The `usagerecord` and `usagetype` objects.

use crate::{
    command::{OwnerFields, prelude::*},
    domain::identity::shown_path,
    store::{
        owner::OwnerName,
        usage::{Record, Usage},
    },
};

/// What was used on one day.
#[derive(Debug, View)]
#[view(object = "usagerecord")]
pub struct UsageRecordView {
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the account
    account_id: Id<id::Account>,
    /// the ID of the domain
    domain_id: Id<id::Domain>,
    /// the name of the domain
    domain: String,
    /// the path of the domain
    domain_path: String,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// what was used
    description: String,
    /// for how many hours, in words
    usage: String,
    /// the number of the usage type
    usage_type: i32,
    /// for how many hours
    raw_usage: String,
    /// for how many seconds, to the microsecond
    seconds: String,
    /// the ID of the instance
    virtual_machine_id: Option<Id<id::Vm>>,
    /// the name of the instance, volume or template, or the address
    name: String,
    /// the ID of the service offering
    offering_id: Option<Id<id::ServiceOffering>>,
    /// the ID of the template
    template_id: Option<Id<id::Template>>,
    /// the ID of what was used
    usage_id: String,
    /// the hypervisor's word for it, which there is none for
    r#type: Option<String>,
    /// the size in bytes of a volume or template; in MiB of the memory of a GPU
    size: Option<i64>,
    /// the number of virtual CPUs
    cpu_number: Option<i32>,
    /// the speed of each in MHz
    cpu_speed: Option<i32>,
    /// the memory in MiB
    memory: Option<i64>,
    /// the ID of the GPU device
    gpu_device_id: Option<String>,
    /// the ID of the vGPU profile
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the ID of the host of the GPU device
    #[view(admin)]
    host_id: Option<Id<id::Host>>,
    /// from when on
    start_date: Date,
    /// until when
    end_date: Date,
}

impl From<Record> for UsageRecordView {
    fn from(record: Record) -> Self {
        let of_gpu = matches!(record.kind, 101 | 102);
        let hours = record.microseconds as f64 / 3_600_000_000.0;
        let (_, words) = Usage::of_number(record.kind).map_or(("", ""), Usage::words);
        let of_vm = matches!(record.kind, 1 | 2);
        Self {
            owner: OwnerName::new(record.account, record.project_id, record.project).into(),
            account_id: record.account_id,
            domain_id: record.domain_id,
            domain: record.domain,
            domain_path: shown_path(&record.domain_path),
            zone_id: record.zone_id,
            description: format!("{words} of {}", record.name),
            usage: format!("{} Hrs", trimmed(hours, 2)),
            usage_type: record.kind,
            raw_usage: trimmed(hours, 6),
            seconds: format!(
                "{}.{:06}",
                record.microseconds / 1_000_000,
                record.microseconds.unsigned_abs() % 1_000_000
            ),
            virtual_machine_id: record.vm_id,
            name: record.name,
            offering_id: record.offering_id,
            template_id: record.template_id,
            r#type: None,
            size: if record.kind == 102 { record.memory_mib } else { record.size },
            cpu_number: record.cpu_number,
            cpu_speed: record.cpu_speed,
            memory: record.memory_mib.filter(|_| of_vm),
            gpu_device_id: of_gpu.then(|| record.subject_id.clone()),
            usage_id: record.subject_id,
            vgpu_profile_id: record.profile_id,
            host_id: record.host_id,
            start_date: record.began.into(),
            end_date: record.until.into(),
        }
    }
}

/// The number without zeros at the end.
fn trimmed(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A type of usage.
#[derive(Debug, View)]
#[view(object = "usagetype")]
pub struct UsageTypeView {
    /// the number of the type
    id: i32,
    /// the name of the type
    name: &'static str,
    /// what it says
    description: &'static str,
}

impl From<Usage> for UsageTypeView {
    fn from(usage: Usage) -> Self {
        let (name, description) = usage.words();
        Self { id: usage.number(), name, description }
    }
}
