//! The configuration: one documented tree, every field with a default; a file, then the environment.
//!
//! `csgpu config` prints it with its documentation. A key nobody knows is an error, in the file and in the environment
//! (`CSGPU_DATABASE_URL` is `url` in `[database]`; a list is joined by commas there), so that a typing mistake is not a
//! default. This is the only place that reads the environment; what others need is passed down to them.

mod render;
mod secret;

pub use secret::Secret;

use crate::domain::gpu::rules::{Match, Rules};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// The file that is read when none is named and it exists.
pub const FILE: &str = "/etc/csgpu/csgpu.toml";

/// Declares one table of the configuration: the struct, its defaults and its documentation, from one text.
macro_rules! settings {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $type,)* }
        impl Default for $name {
            fn default() -> Self { Self { $($field: $default,)* } }
        }
        impl $name {
            const ABOUT: &'static [&'static str] = &[$($about),+];
            const FIELDS: &'static [Field] = &[$(Field { name: stringify!($field), about: &[$($doc),+] }),*];
        }
    };
}

settings! {
    /// csgpu's configuration. Every line shows what is in force; what is commented out is not set.
    Config {
        /// The address at which the API answers.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)),
        /// The directory for everything that csgpu keeps outside the database: its SSH key, the images, and the
        /// private database if there is one.
        data: PathBuf = data(),
        /// The database.
        database: Database = Database::default(),
        /// The first user.
        admin: Admin = Admin::default(),
        /// People who log in.
        sessions: Sessions = Sessions::default(),
        /// The machines.
        hosts: Hosts = Hosts::default(),
        /// The instances.
        instances: Instances = Instances::default(),
        /// The GPUs.
        gpus: Gpus = Gpus::default(),
        /// Which host and which devices an instance gets.
        placement: Placement = Placement::default(),
        /// The templates.
        images: Images = Images::default(),
        /// The long work.
        jobs: Jobs = Jobs::default(),
        /// What administrators are alarmed about.
        alerts: Alerts = Alerts::default(),
        /// What monitoring reads.
        metrics: Metrics = Metrics::default(),
        /// The log.
        log: Log = Log::default(),
    }
}

settings! {
    /// Where the inventory is kept: MySQL 8 or MariaDB 10.6 and later, or a cluster of them.
    Database {
        /// mysql://user:password@host:3306/database. Without it csgpu starts a private MariaDB in its data directory.
        url: Option<Secret> = None,
        /// The most connections at a time.
        pool: u32 = 16,
        /// Whether a start brings the schema up to date; otherwise that is left to `csgpu migrate`.
        migrate: bool = true,
    }
}

settings! {
    /// The first user.
    Admin {
        /// The password of the user `admin`, given to it when the database is new and never read again.
        password: Option<Secret> = None,
    }
}

settings! {
    /// People who log in with a password, as the web UI does. Who signs requests with keys has no session.
    Sessions {
        /// A session that was not used for so many minutes is over.
        timeout_minutes: u32 = 30,
        /// Whether browsers may send the cookies of a session over TLS only; for a service behind a TLS proxy.
        secure_cookies: bool = false,
    }
}

settings! {
    /// The machines that run the instances.
    Hosts {
        /// How hosts are reached: "libvirt", or "fake" for hosts that exist in memory only, to develop against.
        connector: ConnectorKind = ConnectorKind::Libvirt,
        /// The directory below which hosts of libvirt's test driver (test:///path.xml) may lie; without it there can
        /// be none.
        test_directory: Option<PathBuf> = None,
        /// Every so many seconds each host is compared with the inventory.
        reconcile_seconds: u32 = 30,
        /// So many seconds a host gets to answer before it counts as unreachable.
        probe_seconds: u32 = 20,
    }
}

settings! {
    /// Instances.
    Instances {
        /// Whether an instance that is stopped gives its GPUs back (gpu.detach.on.stop in CloudStack); otherwise they
        /// stay with it for its next start.
        detach_on_stop: bool = false,
        /// So many seconds a guest that is asked to stop gets to shut down before it is destroyed.
        stop_seconds: u32 = 60,
        /// The names of the elements that people may add to the definition of an instance with extraconfig:
        /// "memoryBacking", "memtune". A hostdev is never taken from there.
        extra_config: Vec<String> = Vec::new(),
        /// A program on this server that may change the definition of an instance before its host gets it. It is given the
        /// host's name and the instance's id as its words, reads the domain XML and prints the one to use, with the same
        /// name, uuid and hostdevs. When it fails, or changes those, the start fails with its last words as the reason.
        domain_hook: Option<PathBuf> = None,
        /// So many seconds that program may take.
        domain_hook_seconds: u32 = 10,
    }
}

settings! {
    /// Which devices of the hosts are GPUs. A rule is a vendor and a device, "10de:20b2", or a whole vendor, "10de:*".
    Gpus {
        /// Whether new devices may be given to instances at once; otherwise each waits for manageGpuDevice.
        manage_discovered: bool = true,
        /// What is a GPU whatever its PCI class, and even if it looks like the display chip of a management controller.
        include: Vec<String> = Vec::new(),
        /// What is never a GPU, even if it is included above. Devices that are in the books already go missing.
        exclude: Vec<String> = Vec::new(),
        /// Drivers of the host that let a device go and take it back without harm, though csgpu would not trust them:
        /// "nvidia".
        trusted_drivers: Vec<String> = Vec::new(),
        /// A program on this server that has the last word on every device that is given back, after its reset and before
        /// anybody else gets it. It is given the device's address, the host's name, the vendor and device id, and the id of
        /// the instance that had it; when it fails the device is quarantined, with its last words as the reason.
        release_hook: Option<PathBuf> = None,
        /// So many seconds that program may take.
        release_hook_seconds: u32 = 60,
    }
}

settings! {
    /// Which host and which devices an instance gets.
    Placement {
        /// What share of the requests is expected to be for 1, 2, 4 and 8 GPUs: as many free sets of each size are
        /// kept together.
        demand_mix: String = "50/20/20/10".to_owned(),
        /// A file that says which GPUs of a host are wired to each other, and which partitions of them may be used:
        /// `[[board]]` with host (a name or "*"), partitions ("1,2,3,4 5,6,7,8 1,3") and modules ({"0000:1b:00.0" = 5}).
        fabric: Option<PathBuf> = None,
    }
}

settings! {
    /// Templates.
    Images {
        /// Where they are kept; a relative path is below the data directory. All servers of one cloud must see the same.
        directory: PathBuf = PathBuf::from("images"),
    }
}

settings! {
    /// The work that outlives a request.
    Jobs {
        /// How many jobs this server runs at a time.
        workers: u32 = 8,
        /// So many seconds after a server was last heard of, another one takes its jobs over.
        lease_seconds: u32 = 30,
    }
}

settings! {
    /// Alerts: hosts that are away, GPUs that cannot be trusted, disagreements between hosts and books. listAlerts lists them.
    Alerts {
        /// An address (http or https) that is sent each alert as one JSON object by POST: when it is raised, and when it is
        /// over. Tried again later and later for some hours.
        webhook: Option<Secret> = None,
    }
}

settings! {
    /// What monitoring reads.
    Metrics {
        /// The address at which /metrics answers, for Prometheus: "127.0.0.1:9180". It needs no key and names hosts, accounts and
        /// domains, so it is apart from the API, and without an address there is none.
        listen: Option<SocketAddr> = None,
    }
}

settings! {
    /// What is written to standard error.
    Log {
        /// error, warn, info, debug or trace; also per module: "info,csgpu::store=debug" shows every statement.
        level: String = "info,actix_server=warn".to_owned(),
        /// One JSON object a line, for machines.
        json: bool = false,
    }
}

/// Elements of a definition that are csgpu's own.
const FIXED: &[&str] = &[
    "name",
    "uuid",
    "memory",
    "currentMemory",
    "vcpu",
    "cputune",
    "numatune",
    "os",
    "features",
    "cpu",
    "clock",
    "on_poweroff",
    "on_reboot",
    "on_crash",
    "devices",
    "metadata",
    "hostdev",
];

/// How hosts are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    /// Through libvirt.
    Libvirt,
    /// In memory.
    Fake,
}

/// The name and the documentation of one field.
struct Field {
    name: &'static str,
    about: &'static [&'static str],
}

/// The tables, in the order in which they are printed.
const TABLES: &[(&str, &[&str], &[Field])] = &[
    ("database", Database::ABOUT, Database::FIELDS),
    ("admin", Admin::ABOUT, Admin::FIELDS),
    ("sessions", Sessions::ABOUT, Sessions::FIELDS),
    ("hosts", Hosts::ABOUT, Hosts::FIELDS),
    ("instances", Instances::ABOUT, Instances::FIELDS),
    ("gpus", Gpus::ABOUT, Gpus::FIELDS),
    ("placement", Placement::ABOUT, Placement::FIELDS),
    ("images", Images::ABOUT, Images::FIELDS),
    ("jobs", Jobs::ABOUT, Jobs::FIELDS),
    ("alerts", Alerts::ABOUT, Alerts::FIELDS),
    ("metrics", Metrics::ABOUT, Metrics::FIELDS),
    ("log", Log::ABOUT, Log::FIELDS),
];

impl Config {
    /// Reads the file (else the one that `CSGPU_CONFIG` names, else [`FILE`] if it exists), then the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, String> {
        // one that is there and may not be read is an error, not a default
        let there = |path: &PathBuf| !matches!(path.try_exists(), Ok(false));
        let usual = || Some(PathBuf::from(FILE)).filter(there);
        let named = || std::env::var_os("CSGPU_CONFIG").map(PathBuf::from);
        let text = match file.map(Path::to_owned).or_else(named).or_else(usual) {
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
                Self::from_text(&text).map_err(|why| format!("{}, {why}", path.display()))?;
                text
            }
            None => String::new(),
        };
        Self::from_parts(&text, std::env::vars())
            .map_err(|error| format!("the configuration is not understood: {error}"))
    }

    /// The configuration that a file's text makes; a complaint names the line.
    fn from_text(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let place = error.span().and_then(|span| text.get(..span.start));
            let line = place.map_or(0, |before| before.matches('\n').count());
            // its key, not its value, which may be a secret
            let key = text.lines().nth(line).and_then(|line| line.split_once('='));
            let key = key.map(|(key, _)| format!(", {}", key.trim())).unwrap_or_default();
            format!("line {}{key}: {}", line + 1, in_a_line(&error))
        })
    }

    /// The configuration that a file's text and an environment make.
    pub fn from_parts(
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        Self::from_text(text)?;
        let mut table: Table = toml::from_str(text).map_err(|error| in_a_line(&error))?;
        for (name, value) in environment {
            // the tests' own variables are not ours to judge
            let theirs = ["CSGPU_TEST_", "CSGPU_RIG_", "CSGPU_CONFIG"];
            let theirs = theirs.iter().any(|start| name.starts_with(start));
            match name.strip_prefix("CSGPU_") {
                Some(key) if !theirs => {
                    let put = put(&mut table, key, &value);
                    put.and_then(|()| Self::from_table(&table))
                        .map_err(|why| format!("{name}: {why}"))?;
                }
                _ => {}
            }
        }
        let config = Self::from_table(&table)?;
        config.check()?;
        Ok(config)
    }

    fn from_table(table: &Table) -> Result<Self, String> {
        table.clone().try_into().map_err(|error| in_a_line(&error))
    }

    /// The effective file, documented; secrets are not shown.
    pub fn render(&self) -> String {
        render::render(self)
    }

    /// The directory of the images.
    pub fn images(&self) -> PathBuf {
        self.data.join(&self.images.directory)
    }

    /// Which PCI functions are GPUs. Error: a rule that is none, with the key it stands under.
    pub fn gpu_rules(&self) -> Result<Rules, String> {
        let rules = |key: &str, list: &[String]| -> Result<Vec<Match>, String> {
            let rule =
                |text: &String| text.parse().map_err(|why| format!("{key} in [gpus]: {why}"));
            list.iter().map(rule).collect()
        };
        let is_name = |text: &str| {
            let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            !text.is_empty() && text.bytes().all(is_letter)
        };
        if let Some(text) = self.gpus.trusted_drivers.iter().find(|text| !is_name(text)) {
            return Err(format!("trusted_drivers in [gpus]: \"{text}\" is no name of a driver"));
        }
        Ok(Rules {
            include: rules("include", &self.gpus.include)?,
            exclude: rules("exclude", &self.gpus.exclude)?,
            trusted_drivers: self.gpus.trusted_drivers.clone(),
        })
    }

    fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: u32, least: u32, most: u32| match value {
            value if (least..=most).contains(&value) => Ok(()),
            value => Err(format!("{name} is {value}, allowed are {least} to {most}")),
        };
        if self.data.as_os_str().is_empty() {
            return Err("data is empty, it must name a directory".to_owned());
        }
        within("pool in [database]", self.database.pool, 2, 1000)?;
        within("timeout_minutes in [sessions]", self.sessions.timeout_minutes, 1, 10_080)?;
        within("reconcile_seconds in [hosts]", self.hosts.reconcile_seconds, 1, 3600)?;
        within("probe_seconds in [hosts]", self.hosts.probe_seconds, 1, 600)?;
        within("stop_seconds in [instances]", self.instances.stop_seconds, 1, 3600)?;
        within("domain_hook_seconds in [instances]", self.instances.domain_hook_seconds, 1, 600)?;
        within("release_hook_seconds in [gpus]", self.gpus.release_hook_seconds, 1, 3600)?;
        if self.gpus.release_hook.as_ref().is_some_and(|program| !program.is_absolute()) {
            return Err("release_hook in [gpus] is no absolute path".to_owned());
        }
        let webhook = self.alerts.webhook.as_ref().map(Secret::reveal);
        if webhook.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err("webhook in [alerts] is no http or https address".to_owned());
        }
        self.instances.check()?;
        self.gpu_rules()?;
        self.placement.demand_mix.parse::<crate::domain::placement::Mix>()?;
        within("workers in [jobs]", self.jobs.workers, 1, 256)?;
        within("lease_seconds in [jobs]", self.jobs.lease_seconds, 5, 3600)
    }
}

impl Instances {
    fn check(&self) -> Result<(), String> {
        if self.domain_hook.as_ref().is_some_and(|program| !program.is_absolute()) {
            return Err("domain_hook in [instances] is no absolute path".to_owned());
        }
        let fixed = |name: &&String| FIXED.contains(&name.as_str()) || name.contains(':');
        match self.extra_config.iter().find(fixed) {
            Some(name) => Err(format!("extra_config in [instances] cannot allow {name}")),
            None => Ok(()),
        }
    }
}

/// What is wrong, in one line.
fn in_a_line(error: &toml::de::Error) -> String {
    error.message().trim_end().replace('\n', "; ")
}

/// Puts a value of the environment where its name says, in the type that the field has.
fn put(table: &mut Table, key: &str, text: &str) -> Result<(), String> {
    let is = |section: &str, field: &Field| {
        let name = format!("{section}{}", field.name);
        name.eq_ignore_ascii_case(key)
    };
    let mut tables = TABLES.iter();
    let found = tables.find_map(|(name, _, fields)| {
        let field = fields.iter().find(|field| is(&format!("{name}_"), field))?;
        Some((Some(*name), field.name))
    });
    let plain = || {
        let mut fields = Config::FIELDS.iter();
        let field = fields.find(|field| !render::is_table(field.name) && is("", field))?;
        Some((None, field.name))
    };
    let (section, field) = found.or_else(plain).ok_or("there is no such setting")?;
    let defaults = Table::try_from(Config::default()).map_err(|error| error.to_string())?;
    let kind = match section {
        Some(section) => defaults.get(section).and_then(|table| table.get(field)),
        None => defaults.get(field),
    };
    let value = match kind {
        Some(Value::Integer(_)) => {
            Value::Integer(text.trim().parse().map_err(|_| format!("{text} is no number"))?)
        }
        Some(Value::Boolean(_)) => {
            Value::Boolean(text.trim().parse().map_err(|_| format!("{text} is not true or false"))?)
        }
        Some(Value::Array(_)) => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            Value::Array(words.map(|word| Value::String(word.to_owned())).collect())
        }
        _ => Value::String(text.to_owned()),
    };
    let target = match section {
        None => table,
        Some(section) => table
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or("not a table")?,
    };
    target.insert(field.to_owned(), value);
    Ok(())
}

/// Where data goes if nobody says: the place that systemd made for us, root's usual one, or the user's.
fn data() -> PathBuf {
    if let Some(state) = std::env::var_os("STATE_DIRECTORY") {
        return state.into();
    }
    match std::env::var_os("HOME").map(PathBuf::from) {
        Some(home) if home != Path::new("/root") && home != Path::new("/") => {
            home.join(".local/share/csgpu")
        }
        _ => PathBuf::from("/var/lib/csgpu"),
    }
}

#[cfg(test)]
mod tests;
