//! The service: every layer made once and wired to the others.

use crate::{
    command::{Kernel, Nudge, Registry, Settings, Wiring},
    commands::ROOMS,
    config::{Config, ConnectorKind},
    domain::Id,
    http::Server,
    hypervisor::{Connector, Hosts, fake::FakeConnector},
    jobs::{self, Pace},
    store::{self, Db},
};
use std::{io, sync::Arc, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the service until it is told to stop, then lets it finish what it is doing.
pub async fn run(config: &Config, db: Db) -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = Id::mint();
    let wiring = Arc::new(Wiring {
        db: db.clone(),
        hosts: Arc::new(Hosts::new(connector(config)?)),
        settings: Arc::new(settings(config)),
        registry: Registry::new(ROOMS),
        nudge: Nudge::default(),
        server,
    });
    let listening =
        Server::bind(&[config.listen], Kernel::new(Arc::clone(&wiring))).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen at {}: {error}", config.listen))
        })?;
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let enter = move |tx: &mut store::Tx<'_>| {
        store::server::enter(tx, server, name.trim(), env!("CARGO_PKG_VERSION"))
    };
    db.txn("enter", enter).await.map_err(io::Error::other)?;
    let stop = listening.stop();
    let workers = jobs::start(wiring, pace(config));
    tracing::info!(addresses = ?listening.addresses(), "ready");
    let asked = async {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("stopping");
        stop.gently().await;
        Ok(())
    };
    tokio::try_join!(listening.run(), asked)?;
    workers.stop(Duration::from_secs(30)).await;
    let left = db.txn("leave", move |tx| store::server::leave(tx, server)).await;
    left.map_err(io::Error::other)
}

fn connector(config: &Config) -> io::Result<Arc<dyn Connector>> {
    match config.hosts.connector {
        ConnectorKind::Fake => Ok(Arc::new(FakeConnector::default())),
        ConnectorKind::Libvirt => {
            Err(io::Error::other("this build has no libvirt: set connector = \"fake\" in [hosts]"))
        }
    }
}

fn settings(config: &Config) -> Settings {
    let test_hosts = config.hosts.test_directory.clone();
    Settings {
        images: config.images(),
        test_hosts,
        data: config.data.clone(),
        ..Settings::default()
    }
}

fn pace(config: &Config) -> Pace {
    let (workers, lease_seconds) = (config.jobs.workers, config.jobs.lease_seconds);
    Pace { workers, lease_seconds, ..Pace::default() }
}
