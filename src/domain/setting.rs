//! Which settings there are: those that something depends on, and those that clients read and that cannot be changed.

use super::resource::{Resource, Whose};

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A whole number; -1 is no limit.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// A number with a fraction.
    Decimal,
}

impl Type {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "Number",
            Self::Boolean => "Boolean",
            Self::Text => "String",
            Self::Decimal => "Decimal",
        }
    }
}

/// For what a setting can have a value of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A zone.
    Zone,
    /// A cluster.
    Cluster,
    /// A storage pool.
    StoragePool,
    /// An image store.
    ImageStore,
    /// A domain and those below it.
    Domain,
    /// An account.
    Account,
}

impl Scope {
    /// Its name, on the wire and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Cluster => "cluster",
            Self::StoragePool => "storagepool",
            Self::ImageStore => "imagestore",
            Self::Domain => "domain",
            Self::Account => "account",
        }
    }
}

/// A setting.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: &'static str,
    /// The group that the UI shows it in.
    pub group: &'static str,
    /// The part of the group.
    pub subgroup: &'static str,
    /// What it is when nobody changed it.
    pub default: String,
    /// What it does.
    pub about: String,
    /// What values it takes.
    pub kind: Type,
    /// Whose default limit of what it is.
    pub limit: Option<(Whose, Resource)>,
    /// What may have a value of its own.
    pub scopes: &'static [Scope],
    /// Whether it always has its default.
    pub is_fixed: bool,
}

/// Whether a stop gives devices back.
pub const DETACH_ON_STOP: &str = "gpu.detach.on.stop";
/// How many minutes a job can be asked for after its end.
pub const JOB_EXPIRY: &str = "job.expire.minutes";
/// A day.
pub const JOB_MINUTES: i64 = 1440;

/// Category, group and part of the group.
type Place = (&'static str, &'static str, &'static str);

const OTHERS: Place = ("Advanced", "Miscellaneous", "Others");
const INSTANCES: Place = ("Advanced", "Compute", "Virtual Machine");
const HYPERVISOR: Place = ("Advanced", "Hypervisor", "Hypervisor");
const API: Place = ("Advanced", "Management Server", "API");

/// Name, place, type, value, what it can be listed for, what it says.
type Fixed = (&'static str, Place, Type, &'static str, &'static [Scope], &'static str);

/// What clients read; the service knows no other value.
const FIXED: &[Fixed] = &[
    (
        "allow.user.expunge.recover.vm",
        INSTANCES,
        Type::Boolean,
        "false",
        &[],
        "Whether users expunge and recover their own instances; administrators always may",
    ),
    (
        "cloud.kubernetes.service.enabled",
        ("Advanced", "Compute", "Kubernetes"),
        Type::Boolean,
        "false",
        &[],
        "Whether there is a Kubernetes service",
    ),
    (
        "cpu.overprovisioning.factor",
        ("Advanced", "Compute", "CPU"),
        Type::Decimal,
        "1.0",
        &[Scope::Cluster],
        "How much more CPU than hosts have is given to instances",
    ),
    ("default.page.size", API, Type::Number, "500", &[], "The most rows of a page of a list"),
    ("default.ui.page.size", API, Type::Number, "20", &[], "Rows of a page in the user interface"),
    (
        "enable.dynamic.scale.vm",
        INSTANCES,
        Type::Boolean,
        "false",
        &[Scope::Zone],
        "Whether offerings can be changed on running instances",
    ),
    (
        "hypervisor.custom.display.name",
        HYPERVISOR,
        Type::Text,
        "Custom",
        &[],
        "The name of the custom hypervisor",
    ),
    (
        "implicit.host.tags",
        HYPERVISOR,
        Type::Text,
        "",
        &[],
        "Tags of hosts by what they have; none is needed to keep other instances off hosts with GPUs",
    ),
    (
        "mem.overprovisioning.factor",
        ("Advanced", "Compute", "Memory"),
        Type::Decimal,
        "1.0",
        &[Scope::Cluster],
        "How much more memory than hosts have is given to instances",
    ),
    (
        "project.invite.required",
        ("Advanced", "Access", "Project"),
        Type::Boolean,
        "false",
        &[],
        "Whether who is added to a project must accept an invitation",
    ),
    (
        "resource.count.running.vms.only",
        OTHERS,
        Type::Boolean,
        "false",
        &[],
        "Whether stopped instances do not count against limits",
    ),
    (
        "storage.overprovisioning.factor",
        ("Advanced", "Storage", "Primary Storage"),
        Type::Decimal,
        "1.0",
        &[Scope::StoragePool],
        "How much more storage than pools have is given to volumes",
    ),
    (
        "vm.destroy.forcestop",
        INSTANCES,
        Type::Boolean,
        "true",
        &[],
        "Whether an instance that is destroyed is stopped without asking its guest",
    ),
    (
        "vm.userdata.max.length",
        INSTANCES,
        Type::Number,
        "1000000",
        &[],
        "The most bytes of user data",
    ),
];

/// All settings, in order of their names. `detach_on_stop`: what the configuration file says of it.
pub fn keys(detach_on_stop: bool) -> Vec<Key> {
    let stop = "Whether an instance that is stopped gives its GPU devices back";
    let expiry = "How many minutes a job and its result can be asked for after its end";
    let stop = key(DETACH_ON_STOP, OTHERS, Type::Boolean, &detach_on_stop.to_string(), stop);
    let mut keys = vec![
        Key { scopes: &[Scope::Domain, Scope::Account], ..stop },
        key(JOB_EXPIRY, OTHERS, Type::Number, &JOB_MINUTES.to_string(), expiry),
    ];
    keys.extend(FIXED.iter().map(|(name, place, kind, value, scopes, about)| Key {
        scopes,
        is_fixed: true,
        ..key(name, *place, *kind, value, about)
    }));
    for resource in Resource::ALL {
        for (whose, category, subgroup) in [
            (Whose::Account, "Account Defaults", "Account"),
            (Whose::Domain, "Domain Defaults", "Domain"),
            (Whose::Project, "Project Defaults", "Project"),
        ] {
            if !whose.has(*resource) {
                continue;
            }
            let name = format!("max.{}.{}", whose.name(), resource.setting());
            let about = format!(
                "The most of {} that one {} may have, where nothing else was set; -1 is no limit",
                resource.name(),
                whose.name()
            );
            let value = resource.default_of(whose).to_string();
            let place = (category, "Access", subgroup);
            let limit = Some((whose, *resource));
            keys.push(Key { limit, ..key(&name, place, Type::Number, &value, &about) });
        }
    }
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    keys
}

fn key(name: &str, place: Place, kind: Type, default: &str, about: &str) -> Key {
    Key {
        name: name.to_owned(),
        category: place.0,
        group: place.1,
        subgroup: place.2,
        default: default.to_owned(),
        about: about.to_owned(),
        kind,
        limit: None,
        scopes: &[],
        is_fixed: false,
    }
}

impl Key {
    /// The value as it is kept, or why it is none.
    pub fn check(&self, value: &str) -> Result<String, String> {
        let value = value.trim();
        if self.is_fixed {
            return Err(format!("this is always {} and cannot be changed", self.default));
        }
        match self.kind {
            Type::Boolean => match value.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => Ok(word.to_owned()),
                _ => Err(format!("{value} is neither true nor false")),
            },
            Type::Number => match value.parse::<i64>() {
                Ok(number) if number >= self.least() => Ok(number.to_string()),
                _ => Err(format!("{value} is no number from {} on", self.least())),
            },
            Type::Text | Type::Decimal => Ok(value.to_owned()),
        }
    }

    /// The least number: a limit may be none.
    fn least(&self) -> i64 {
        if self.limit.is_some() { -1 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_names_of_their_own_and_defaults_that_they_take() {
        let all = keys(false);
        for key in all.iter().filter(|key| !key.is_fixed) {
            assert_eq!(key.check(&key.default).as_deref(), Ok(&*key.default), "{}", key.name);
        }
        assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name));
        let fixed = all.iter().find(|key| key.is_fixed).expect("one");
        assert!(fixed.check(&fixed.default).is_err());
    }
}
