//! The service: every layer made once and wired to the others.
//!
//! The order of a start: schema (in `main`), listener, seed, server row, ssh key, workers. The listener comes first so that
//! a start that fails for want of it has told no keys; nothing is answered before the cloud is whole. The order of a stop is the reverse: requests under way,
//! then jobs under way, then the server's row; a job that takes too long is left to the next server by its lease.

mod boards;
mod first_start;
pub mod usage;

use crate::{
    command::{
        Kernel, Nudge, Registry, Sessions, Settings, Throttle, Webhook, Wiring, proof::ReleaseHook,
    },
    commands::ROOMS,
    config::{Config, ConnectorKind},
    domain::Id,
    error::Result,
    http::Server,
    hypervisor::{
        AnyConnector, Connector, Hosts,
        fake::FakeConnector,
        libvirt::{DomainHook, LibvirtConnector, LibvirtSettings, ensure_key},
    },
    jobs::{self, Pace},
    store::{self, Db},
};
use std::{
    error::Error,
    io::{self, Write as _},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

/// How long a stop waits for the jobs under way; others take over what takes longer.
const JOBS_TO_END: Duration = Duration::from_secs(10);

/// Runs the service until it is told to stop, then lets it finish what it is doing.
pub async fn run(config: &Config, db: Db) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = Id::mint();
    let wiring = Arc::new(Wiring {
        db: db.clone(),
        hosts: Arc::new(Hosts::new(connector(config)?)),
        settings: Arc::new(settings(config)?),
        registry: Registry::new(ROOMS),
        fleets: Arc::default(),
        throttle: Throttle::default(),
        nudge: Nudge::default(),
        server,
    });
    let kernel = Kernel::new(Arc::clone(&wiring));
    let listening = Server::bind(&[config.listen], kernel.clone())
        .map_err(|error| cannot_listen(config.listen, &error))?;
    let monitoring = monitoring(config, kernel)?;
    if let Some(admin) = first_start::seed(&db, config.admin.password.as_ref()).await? {
        say(&admin)?;
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let enter = move |tx: &mut store::Tx<'_>| {
        store::server::enter(tx, server, name.trim(), env!("CARGO_PKG_VERSION"))
    };
    db.txn("enter", enter).await?;
    tokio::spawn(key_pair(wiring.settings.ssh_keys()));
    let keeper = jobs::hosts::start(Arc::clone(&wiring), keeping(config));
    let workers = jobs::start(wiring, pace(config));
    let stop = listening.stop();
    let addresses = listening.addresses().to_vec();
    let served = tokio::spawn(listening.run());
    say(&ready(&addresses))?;
    let monitoring = monitoring.map(|server| tokio::spawn(server.run()));
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    tracing::info!("stopping; asked again, it does not wait for what is under way");
    let in_order = async {
        stop.gently().await;
        workers.stop(JOBS_TO_END).await;
    };
    tokio::select! {
        () = in_order => {}
        _ = term.recv() => stop.at_once().await,
        _ = int.recv() => stop.at_once().await,
    }
    keeper.abort();
    monitoring.inspect(tokio::task::JoinHandle::abort);
    db.txn("leave", move |tx| store::server::leave(tx, server)).await?;
    Ok(served.await??)
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen at {address}: {error}"))
}

/// The listener of monitoring, if there is to be one.
fn monitoring(config: &Config, kernel: Kernel) -> io::Result<Option<Server>> {
    let Some(address) = config.metrics.listen else { return Ok(None) };
    let server =
        Server::bind_metrics(&[address], kernel).map_err(|error| cannot_listen(address, &error))?;
    for address in server.addresses() {
        tracing::info!("metrics at http://{address}/metrics");
    }
    Ok(Some(server))
}

/// The public key by which this service logs in to its hosts; makes the pair if there is none.
pub async fn public_key(config: &Config) -> Result<String> {
    ensure_key(&settings(config)?.ssh_keys()).await
}

/// Makes the key pair at the first start, so that an administrator finds it before the first host is added.
async fn key_pair(directory: std::path::PathBuf) {
    if let Err(error) = ensure_key(&directory).await {
        tracing::warn!(%error, "there is no ssh key, hosts cannot be reached");
    }
}

/// Tells whoever started the service. What is meant for the log goes to the log.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn ready(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| format!("ready: http://{address}/client/api\n")).collect()
}

fn connector(config: &Config) -> Result<Arc<dyn Connector>> {
    let fake = (config.hosts.connector == ConnectorKind::Fake).then(FakeConnector::default);
    let settings = settings(config)?;
    let libvirt = LibvirtConnector::new(LibvirtSettings {
        keys: settings.ssh_keys(),
        scratch: scratch(&config.data),
        simulators: settings.test_hosts,
        hook: domain_hook(config),
    })?;
    Ok(Arc::new(AnyConnector { fake, libvirt }))
}

/// The operator's program that may change definitions.
fn domain_hook(config: &Config) -> Option<DomainHook> {
    let limit = Duration::from_secs(u64::from(config.instances.domain_hook_seconds));
    config.instances.domain_hook.clone().map(|program| DomainHook { program, limit })
}

/// Files of running processes: sockets and the like.
fn scratch(data: &Path) -> std::path::PathBuf {
    data.join("run")
}

/// What commands need to know of the configuration. Error: a rule about GPUs that is none, or a file that is not
/// understood.
pub fn settings(config: &Config) -> Result<Settings> {
    let boards = config.placement.fabric.as_deref().map(boards::read).transpose();
    let boards = boards.map_err(crate::error::Error::invalid)?.unwrap_or_default();
    Ok(Settings {
        images: config.images(),
        test_hosts: config.hosts.test_directory.clone(),
        data: config.data.clone(),
        detach_on_stop: config.instances.detach_on_stop,
        stop_seconds: config.instances.stop_seconds,
        extra_config: config.instances.extra_config.clone(),
        has_domain_hook: config.instances.domain_hook.is_some(),
        manage_discovered: config.gpus.manage_discovered,
        gpu_rules: config.gpu_rules().map_err(crate::error::Error::invalid)?,
        release_hook: config.gpus.release_hook.clone().map(|program| ReleaseHook {
            program,
            limit: Duration::from_secs(u64::from(config.gpus.release_hook_seconds)),
        }),
        alert_webhook: config.alerts.webhook.as_ref().map(|url| Webhook::new(url.reveal())),
        sessions: Sessions {
            idle_seconds: config.sessions.timeout_minutes.saturating_mul(60),
            is_secure: config.sessions.secure_cookies,
        },
        boards,
        demand_mix: config.placement.demand_mix.parse().map_err(crate::error::Error::invalid)?,
    })
}

fn keeping(config: &Config) -> jobs::hosts::Pace {
    let seconds = |count: u32| Duration::from_secs(u64::from(count.max(1)));
    jobs::hosts::Pace {
        round: seconds(config.hosts.reconcile_seconds),
        answer: seconds(config.hosts.probe_seconds),
        ..jobs::hosts::Pace::default()
    }
}

fn pace(config: &Config) -> Pace {
    let (workers, lease_seconds) = (config.jobs.workers, config.jobs.lease_seconds);
    Pace { workers, lease_seconds, ..Pace::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reaches_the_part_it_is_for() {
        let file = "[hosts]\nreconcile_seconds = 7\nprobe_seconds = 9\n[jobs]\nworkers = 3\nlease_seconds = 11\n\
            [instances]\ndetach_on_stop = true\nstop_seconds = 13\nextra_config = ['memtune']\n\
            domain_hook = '/usr/bin/cat'\ndomain_hook_seconds = 19\n\
            [gpus]\nmanage_discovered = false\ntrusted_drivers = ['nvidia']\n\
            release_hook = '/usr/bin/true'\nrelease_hook_seconds = 17\n";
        let config = Config::from_parts(file, []).unwrap();
        let workers = pace(&config);
        assert_eq!((workers.workers, workers.lease_seconds), (3, 11));
        let keeper = keeping(&config);
        let seconds = [keeper.round.as_secs(), keeper.answer.as_secs()];
        assert_eq!(seconds, [7, 9]);
        let settings = settings(&config).unwrap();
        assert!(settings.detach_on_stop && !settings.manage_discovered);
        assert_eq!(
            (settings.stop_seconds, &*settings.gpu_rules.trusted_drivers[0]),
            (13, "nvidia")
        );
        assert!(settings.has_domain_hook && settings.extra_config == ["memtune"]);
        let hook = domain_hook(&config).unwrap();
        assert_eq!((hook.program.to_str(), hook.limit.as_secs()), (Some("/usr/bin/cat"), 19));
        let hook = settings.release_hook.unwrap();
        assert_eq!((hook.program.to_str(), hook.limit.as_secs()), (Some("/usr/bin/true"), 17));
    }
}
