//! What monitoring reads: this server's answers, and the cloud as the books say it is, in Prometheus' text format.
//!
//! Names of accounts and hosts are labels, so it is for administrators: it has a listener of its own, if it is asked for. What
//! the books say is the same on every server; a scrape of it is a fixed number of statements, and one or two for each zone. When the
//! database does not answer, what the server itself knows is still told.

use super::{Kernel, meter::BOUNDS};
use crate::{
    command::prelude::{Id, id},
    domain::placement::Fleet,
    error::Result,
    store::{
        Conn, Window,
        metrics::{self, Row},
        placement, zone,
    },
};
use std::fmt::{self, Write as _};

/// A text that grows.
#[derive(Default)]
struct Page(String);

impl Page {
    /// What the next samples are.
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        self.0.push_str(name);
        for (n, (label, text)) in labels.iter().enumerate() {
            let _ =
                write!(self.0, "{}{label}=\"{}\"", if n == 0 { '{' } else { ',' }, Escaped(text));
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    /// One number.
    fn gauge(&mut self, name: &str, help: &str, value: impl fmt::Display) {
        self.about(name, "gauge", help);
        self.sample(name, &[], value);
    }
}

/// The value of a label: a name may hold anything.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// What is left of a profile in a zone.
struct Left {
    zone: String,
    profile: Id<id::VgpuProfile>,
    free: u64,
    /// Devices of an instance, and how many such still fit.
    shapes: Vec<(u32, u64)>,
}

impl Kernel {
    /// All metrics of this server and of the cloud.
    pub async fn metrics(&self) -> String {
        let mut page = Page::default();
        page.about("csgpu_build_info", "gauge", "The version of this server.");
        page.sample("csgpu_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        self.answers(&mut page);
        let pool = self.wiring().db.pool();
        page.gauge("csgpu_database_connections_max", "The most connections.", pool.most);
        page.gauge("csgpu_database_connections_open", "Connections that are open.", pool.open);
        page.gauge("csgpu_database_connections_busy", "Connections in use now.", pool.busy);
        page.about("csgpu_database_statements_total", "counter", "Statements sent so far.");
        page.sample("csgpu_database_statements_total", &[], self.wiring().db.statements());
        let env = super::Env {
            settings: self.wiring().settings.clone(),
            fleets: self.wiring().fleets.clone(),
        };
        let read = move |conn: &mut Conn| {
            let rows = metrics::rows(conn)?;
            let (left, names) = left(conn, &env)?;
            Ok((rows, left, names))
        };
        let read = self.wiring().db.read(read).await;
        let help = "1: the database answered this scrape; what follows is there only then.";
        page.gauge("csgpu_database_up", help, i32::from(read.is_ok()));
        match read {
            Ok((rows, left, names)) => {
                cloud(&mut page, &rows);
                shapes(&mut page, &left, &names);
            }
            Err(error) => tracing::warn!(%error, "the books could not be read for metrics"),
        }
        page.0
    }

    /// What this server answered since it started.
    fn answers(&self, page: &mut Page) {
        let all = self.meter.all();
        let (requests, seconds) = ("csgpu_requests_total", "csgpu_request_seconds");
        page.about(requests, "counter", "Requests answered, by command and HTTP status.");
        for (command, tally) in &all {
            for (status, count) in &tally.answers {
                let status = status.to_string();
                page.sample(requests, &[("command", command), ("status", &status)], count);
            }
        }
        page.about(seconds, "histogram", "How long answers took, by command.");
        for (command, tally) in &all {
            let mut below = 0;
            for (count, bound) in tally.buckets.iter().zip(BOUNDS) {
                below += count;
                let labels = [("command", *command), ("le", &bound.to_string())];
                page.sample(&format!("{seconds}_bucket"), &labels, below);
            }
            let labels = [("command", *command), ("le", "+Inf")];
            page.sample(&format!("{seconds}_bucket"), &labels, tally.count());
            page.sample(&format!("{seconds}_sum"), &labels[..1], tally.seconds);
            page.sample(&format!("{seconds}_count"), &labels[..1], tally.count());
        }
    }
}

/// What there is in the books: the family of a row, its help and the names of its labels.
const FAMILIES: &[(&str, &str, &[&str])] = &[
    ("csgpu_jobs", "Jobs that have not ended, by state.", &["state"]),
    ("csgpu_jobs_oldest_seconds", "The age of the oldest job of each state.", &["state"]),
    ("csgpu_hosts", "Hosts, by state and resource state.", &["state", "resource_state"]),
    (
        "csgpu_gpu_devices",
        "GPU devices by holder's step (Free: none), health, management and type.",
        &["allocation", "health", "managed", "type"],
    ),
    ("csgpu_instances", "Instances that are not expunged, by state.", &["state"]),
    ("csgpu_servers", "Servers, by version, that were heard of in the last minute.", &["version"]),
    ("csgpu_drift", "Disagreements of hosts and books that nobody accepted.", &[]),
    ("csgpu_alerts_open", "Alerts that are not over.", &[]),
    ("csgpu_gpu_releasing", "GPU devices that are given back and not proven clean yet.", &[]),
    ("csgpu_gpu_releasing_oldest_seconds", "For how long the oldest of them is.", &[]),
    ("csgpu_gpu_unsealed_oldest_seconds", "How long the oldest step waits for the history.", &[]),
    ("csgpu_host_debts", "Undoings that hosts still owe.", &[]),
    (
        "csgpu_limit_used_ratio",
        "Limits of which nine tenths or more are used; the fullest hundred.",
        &["scope", "owner", "domain", "resource"],
    ),
];

fn cloud(page: &mut Page, rows: &[Row]) {
    for (name, help, labels) in FAMILIES {
        page.about(name, "gauge", help);
        for row in rows.iter().filter(|row| row.family == *name) {
            let labels: Vec<(&str, &str)> =
                labels.iter().copied().zip(row.labels.iter().map(String::as_str)).collect();
            page.sample(name, &labels, row.value);
        }
    }
}

type Names = std::collections::HashMap<Id<id::VgpuProfile>, (String, String)>;

/// What is left in each zone.
fn left(conn: &mut Conn, env: &super::Env) -> Result<(Vec<Left>, Names)> {
    let (_, zones) = zone::list(conn, &zone::Filter::default(), &Window::ALL)?;
    let mut all = Vec::new();
    for zone in zones {
        let fleet = env.fleet(zone.id);
        fleet.look_at_all(conn)?;
        all.extend(fleet.ask(Fleet::left).into_iter().map(|left| Left {
            zone: zone.name.clone(),
            profile: left.profile,
            free: left.free,
            shapes: left.shapes.iter().map(|shape| (shape.count, shape.anywhere)).collect(),
        }));
    }
    let ids: Vec<_> = all.iter().map(|left| left.profile).collect();
    let names = placement::profile_names(conn, &ids)?;
    let names = names.into_iter().map(|(id, name)| (id, (name.card_name, name.name))).collect();
    Ok((all, names))
}

fn shapes(page: &mut Page, all: &[Left], names: &Names) {
    let (free, fit) = ("csgpu_gpu_free", "csgpu_gpu_instances_fit");
    page.about(free, "gauge", "GPU devices that may be taken now, by zone, card and profile.");
    for left in all {
        let Some((card, profile)) = names.get(&left.profile) else { continue };
        page.sample(free, &[("zone", &left.zone), ("card", card), ("profile", profile)], left.free);
    }
    page.about(fit, "gauge", "Instances of 1, 2, 4 and 8 GPU devices that still fit.");
    for left in all {
        let Some((card, profile)) = names.get(&left.profile) else { continue };
        for (gpus, count) in &left.shapes {
            let gpus = gpus.to_string();
            let labels =
                [("zone", &*left.zone), ("card", card), ("profile", profile), ("gpus", &gpus)];
            page.sample(fit, &labels, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_any_name() {
        let mut page = Page::default();
        page.sample("x", &[("a", "back\\slash \"quote\"\nline"), ("b", "")], 1.5);
        page.gauge("y", "help", 2);
        assert_eq!(
            page.0,
            "x{a=\"back\\\\slash \\\"quote\\\"\\nline\",b=\"\"} 1.5\n# HELP y help\n# TYPE y gauge\ny 2\n"
        );
    }
}
