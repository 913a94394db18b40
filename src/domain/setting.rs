//! Which settings there are: those that something depends on, and those that clients read and that cannot be changed.

use super::{
    access,
    resource::{Resource, TagScope, Whose},
};

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A whole number; -1 is no limit.
    Number,
    /// So many days; 0 is never.
    Days,
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// A number with a fraction.
    Decimal,
    /// A share, from 0 to 1.
    Share,
    /// Ranges of addresses, separated by commas.
    Ranges,
}

impl Type {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number | Self::Days => "Number",
            Self::Boolean => "Boolean",
            Self::Text | Self::Ranges => "String",
            Self::Decimal | Self::Share => "Decimal",
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
    /// Which tags have limits it says, if it does.
    pub tags: Option<TagScope>,
    /// Whether it always has its default.
    pub is_fixed: bool,
}

/// Whether a stop gives devices back.
pub const DETACH_ON_STOP: &str = "gpu.detach.on.stop";
/// How many minutes a job can be asked for after its end.
pub const JOB_EXPIRY: &str = "job.expire.minutes";
/// A day.
pub const JOB_MINUTES: i64 = 1440;

/// After how many days events are removed.
pub const EVENT_DAYS: &str = "event.purge.delay";
/// After how many days alerts that are over are removed.
pub const ALERT_DAYS: &str = "alert.purge.delay";

/// Whether who is added to a project must accept an invitation.
pub const INVITE_REQUIRED: &str = "project.invite.required";
/// How many milliseconds an invitation can be accepted.
pub const INVITE_TIMEOUT: &str = "project.invite.timeout";
/// A day.
pub const INVITE_MILLISECONDS: i64 = 86_400_000;

/// The settings that say from which share of what there is on an alert is raised.
#[expect(missing_docs, reason = "what is watched")]
pub mod threshold {
    pub const CPU: &str = "cluster.cpu.allocated.capacity.notificationthreshold";
    pub const GPU: &str = "cluster.gpu.allocated.capacity.notificationthreshold";
    pub const LOCAL_STORAGE: &str = "cluster.localStorage.capacity.notificationthreshold";
    pub const MEMORY: &str = "cluster.memory.allocated.capacity.notificationthreshold";
    pub const SHARED_ADDRESSES: &str = "zone.directnetwork.publicip.capacity.notificationthreshold";
    pub const STORAGE: &str = "cluster.storage.capacity.notificationthreshold";
    pub const STORAGE_ALLOCATED: &str = "cluster.storage.allocated.capacity.notificationthreshold";
}
/// What such a threshold is where nobody changed it.
pub const USUAL_THRESHOLD: &str = "0.75";

/// Category, group and part of the group.
type Place = (&'static str, &'static str, &'static str);

const OTHERS: Place = ("Advanced", "Miscellaneous", "Others");
const INSTANCES: Place = ("Advanced", "Compute", "Virtual Machine");
const HYPERVISOR: Place = ("Advanced", "Hypervisor", "Hypervisor");
const ALERTS: Place = ("Alert", "Management Server", "Alerts");
const API: Place = ("Advanced", "Management Server", "API");
const PROXY: Place = ("Advanced", "Management Server", "Proxy");

/// Name, place, type, value, what it can be listed for, what it says.
type Fixed = (&'static str, Place, Type, &'static str, &'static [Scope], &'static str);

/// What can be changed, with the value where nobody changed it.
const CHANGEABLE: &[Fixed] = &[
    (
        access::THROTTLING,
        API,
        Type::Boolean,
        "false",
        &[],
        "Whether accounts may call only so often; root administrators always may",
    ),
    (
        access::THROTTLING_INTERVAL,
        API,
        Type::Number,
        "1",
        &[],
        "The seconds in which the calls of an account are counted",
    ),
    (
        access::THROTTLING_MAX,
        API,
        Type::Number,
        "25",
        &[],
        "The most calls of an account in those seconds, at each server",
    ),
    (
        access::THROTTLING_CACHE,
        API,
        Type::Number,
        "50000",
        &[],
        "How many accounts a server counts at a time",
    ),
    (
        access::SOURCES_CHECKED,
        API,
        Type::Boolean,
        "true",
        &[],
        "Whether it matters from where an account calls",
    ),
    (
        access::SOURCES,
        API,
        Type::Ranges,
        access::EVERYWHERE,
        &[Scope::Account],
        "The ranges of addresses from which accounts may log in and call",
    ),
    (
        EVENT_DAYS,
        OTHERS,
        Type::Days,
        "0",
        &[],
        "After how many days events are removed, archived or not; 0 is never",
    ),
    (
        ALERT_DAYS,
        ALERTS,
        Type::Days,
        "0",
        &[],
        "After how many days alerts that are over are removed, archived or not; 0 is never",
    ),
    (
        INVITE_REQUIRED,
        ("Advanced", "Access", "Project"),
        Type::Boolean,
        "false",
        &[],
        "Whether who is added to a project must accept an invitation",
    ),
    (
        INVITE_TIMEOUT,
        ("Advanced", "Access", "Project"),
        Type::Number,
        "86400000",
        &[],
        "How many milliseconds an invitation can be accepted",
    ),
    (
        access::PROXY_VERIFY,
        PROXY,
        Type::Boolean,
        "false",
        &[],
        "Whether proxies are believed when they say from where a call comes",
    ),
    (
        access::PROXY_NAMES,
        PROXY,
        Type::Text,
        access::USUAL_NAMES,
        &[],
        "The headers in which proxies say it; the first that is there counts, so name only what all of them overwrite or add to",
    ),
    (
        access::PROXIES,
        PROXY,
        Type::Ranges,
        "",
        &[],
        "The ranges of addresses of the proxies that are believed",
    ),
];

/// From which share on alerts are raised: the setting, what has one of its own, of what.
const THRESHOLDS: &[(&str, &[Scope], &str)] = &[
    (threshold::CPU, &[Scope::Cluster], "a cluster's CPU speed that instances are promised"),
    (threshold::GPU, &[Scope::Cluster], "a cluster's GPUs that instances hold"),
    (threshold::LOCAL_STORAGE, &[Scope::Cluster], "the storage of a cluster's single hosts in use"),
    (threshold::MEMORY, &[Scope::Cluster], "a cluster's memory that instances are promised"),
    (threshold::SHARED_ADDRESSES, &[], "the addresses of a zone's shared networks in use"),
    (threshold::STORAGE, &[Scope::Cluster], "a cluster's shared storage in use"),
    (
        threshold::STORAGE_ALLOCATED,
        &[Scope::Cluster],
        "a cluster's storage that volumes are promised",
    ),
];

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
    keys.extend(TagScope::ALL.map(|scope| {
        let about = format!(
            "Tags of {} of which owners may have limits of their own, joined by commas: what asks for such a tag is counted apart too",
            scope.name()
        );
        let place = ("Advanced", "Compute", "Limits");
        Key { tags: Some(scope), ..key(scope.setting(), place, Type::Text, "", &about) }
    }));
    keys.extend(FIXED.iter().map(|(name, place, kind, value, scopes, about)| Key {
        scopes,
        is_fixed: true,
        ..key(name, *place, *kind, value, about)
    }));
    keys.extend(CHANGEABLE.iter().map(|(name, place, kind, value, scopes, about)| Key {
        scopes,
        ..key(name, *place, *kind, value, about)
    }));
    keys.extend(THRESHOLDS.iter().map(|(name, scopes, what)| {
        let about = format!("The share of {what}, from 0 to 1, above which an alert is raised");
        Key { scopes, ..key(name, ALERTS, Type::Share, USUAL_THRESHOLD, &about) }
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
        tags: None,
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
            Type::Days => match value.parse::<u32>() {
                Ok(days @ 0..=36_500) => Ok(days.to_string()),
                _ => Err(format!("{value} is no number of days from 0 to 36500")),
            },
            Type::Share => match value.parse::<f64>() {
                Ok(number) if (0.0..=1.0).contains(&number) => Ok(number.to_string()),
                _ => Err(format!("{value} is no number from 0 to 1")),
            },
            Type::Ranges => match value.parse::<access::Ranges>()? {
                ranges if ranges.is_empty() && !self.default.is_empty() => {
                    Err(format!("no address at all would be left; {} is all", self.default))
                }
                _ => Ok(value.to_owned()),
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
