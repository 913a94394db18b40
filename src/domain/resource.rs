//! What is counted of owners and limited: CloudStack's resource types, and the memory of GPUs.

/// For whom there are default limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// One account.
    Account,
    /// One domain, with all that is below it.
    Domain,
    /// One project.
    Project,
}

impl Whose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Account, Self::Domain, Self::Project];

    /// Its word in the names of settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Domain => "domain",
            Self::Project => "project",
        }
    }

    /// Whether it can have this: a project has no projects.
    pub fn has(self, resource: Resource) -> bool {
        self != Self::Project || resource != Resource::Project
    }
}

/// Of what the tags are that a part of a resource needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagScope {
    /// Of hosts.
    Host,
    /// Of storage pools.
    Storage,
}

impl TagScope {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Host, Self::Storage];

    /// Its word in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Storage => "storage",
        }
    }

    /// The setting that says which tags have limits.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Host => "resource.limit.host.tags",
            Self::Storage => "resource.limit.storage.tags",
        }
    }
}

/// How many bytes a limit of storage counts in.
const GIB: i64 = 1 << 30;

macro_rules! resources {
    ($($(#[$doc:meta])* $variant:ident $number:literal $name:literal $setting:literal $label:literal
        ($account:literal, $domain:literal, $project:literal);)*) => {
        /// A kind of thing that owners have a number of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Resource { $($(#[$doc])* $variant),* }

        impl Resource {
            /// All of them, in order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Its number on the wire and in the store.
            pub const fn number(self) -> i32 { match self { $(Self::$variant => $number),* } }
            /// Its name on the wire.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),* } }
            /// The end of the settings that say its default limits: `max.account.` and this.
            pub const fn setting(self) -> &'static str { match self { $(Self::$variant => $setting),* } }
            /// The fields of accounts and domains: limit, total, available.
            pub const fn fields(self) -> [&'static str; 3] {
                match self { $(Self::$variant =>
                    [concat!($label, "limit"), concat!($label, "total"), concat!($label, "available")]),* }
            }
            /// The limit when nothing else is said, as settings say it; -1: none.
            pub const fn default_of(self, whose: Whose) -> i64 {
                match (self, whose) { $(
                    (Self::$variant, Whose::Account) => $account,
                    (Self::$variant, Whose::Domain) => $domain,
                    (Self::$variant, Whose::Project) => $project,
                )* }
            }
        }
    };
}

resources! {
    /// Instances.
    UserVm 0 "user_vm" "user.vms" "vm" (20, 40, 20);
    /// Public addresses.
    PublicIp 1 "public_ip" "public.ips" "ip" (20, 40, 20);
    /// Volumes.
    Volume 2 "volume" "volumes" "volume" (20, 40, 20);
    /// Snapshots.
    Snapshot 3 "snapshot" "snapshots" "snapshot" (20, 40, 20);
    /// Templates.
    Template 4 "template" "templates" "template" (20, 40, 20);
    /// Projects.
    Project 5 "project" "projects" "project" (10, 50, -1);
    /// Networks of one account.
    Network 6 "network" "networks" "network" (20, 40, 20);
    /// Virtual private clouds.
    Vpc 7 "vpc" "vpcs" "vpc" (20, 40, 20);
    /// Virtual CPUs.
    Cpu 8 "cpu" "cpus" "cpu" (40, 80, 40);
    /// Memory in MiB.
    Memory 9 "memory" "memory" "memory" (40960, 81920, 40960);
    /// Bytes of volumes.
    PrimaryStorage 10 "primary_storage" "primary.storage" "primarystorage" (200, 400, 200);
    /// Bytes of templates.
    SecondaryStorage 11 "secondary_storage" "secondary.storage" "secondarystorage" (400, 800, 400);
    /// Backups.
    Backup 12 "backup" "backups" "backup" (20, 40, 20);
    /// Bytes of backups.
    BackupStorage 13 "backup_storage" "backup.storage" "backupstorage" (400, 800, 400);
    /// Buckets.
    Bucket 14 "bucket" "buckets" "bucket" (20, 40, 20);
    /// Bytes of objects.
    ObjectStorage 15 "object_storage" "object.storage" "objectstorage" (400, 800, 400);
    /// GPU devices that are reserved or held.
    Gpu 16 "gpu" "gpus" "gpu" (20, 20, 20);
    /// Memory of those devices in MiB.
    GpuMemory 116 "gpu_memory" "gpu.memory" "gpumemory" (-1, -1, -1);
}

impl Resource {
    /// The resource with this number.
    pub fn of_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|resource| resource.number() == number)
    }

    /// The resource with this name, whatever its case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|resource| resource.name().eq_ignore_ascii_case(name))
    }

    /// Whose tags a limit of it can be for; none: there is but one limit.
    pub const fn tagged_by(self) -> Option<TagScope> {
        match self {
            Self::UserVm | Self::Cpu | Self::Memory | Self::Gpu | Self::GpuMemory => {
                Some(TagScope::Host)
            }
            Self::Volume | Self::PrimaryStorage => Some(TagScope::Storage),
            _ => None,
        }
    }

    /// How much is counted for one of what limits and totals say: storage is limited in GiB and counted in bytes.
    pub const fn unit(self) -> i64 {
        match self {
            Self::PrimaryStorage
            | Self::SecondaryStorage
            | Self::BackupStorage
            | Self::ObjectStorage => GIB,
            _ => 1,
        }
    }

    /// An amount as errors say it: bytes also in a form that people read.
    pub fn text(self, amount: i64) -> String {
        if self.unit() == 1 {
            return amount.to_string();
        }
        format!("({}) {amount}", readable(amount))
    }
}

/// `8.00 GB`.
fn readable(bytes: i64) -> String {
    const STEPS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut size = bytes as f64;
    let mut name = STEPS[0];
    for step in STEPS {
        size /= 1024.0;
        name = step;
        if size < 1024.0 {
            break;
        }
    }
    format!("{size:.2} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_found_by_number_and_name() {
        assert_eq!(Resource::of_number(16), Some(Resource::Gpu));
        assert_eq!(Resource::of_number(116), Some(Resource::GpuMemory));
        assert_eq!(Resource::of_number(17), None);
        assert_eq!(Resource::of_name("USER_VM"), Some(Resource::UserVm));
        assert_eq!(Resource::Gpu.fields()[2], "gpuavailable");
    }

    #[test]
    fn bytes_are_shown_twice() {
        assert_eq!(Resource::PrimaryStorage.text(8 << 30), "(8.00 GB) 8589934592");
        assert_eq!(Resource::PrimaryStorage.text(12), "(12 bytes) 12");
        assert_eq!(Resource::Gpu.text(8), "8");
    }
}
