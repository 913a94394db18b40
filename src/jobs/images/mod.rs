//! Templates' files: fetched by one server at a time under a lease, looked at, then ready or refused with the reason.
//!
//! A server that dies leaves a lease that runs out; the next one starts the file anew. A file is written beside its
//! place and moved there when it is whole and good, so what has a template's name is always usable.

mod download;
mod gate;
mod reach;

use crate::{
    command::Wiring,
    domain::{checksum::Checksum, infra::ImageFormat},
    error::{Error, Result},
    store::template::{self, Fetch},
};
use download::{Order, Seen};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

/// How many files one server fetches at once.
const AT_ONCE: usize = 4;
/// Seconds of a lease.
const LEASE: u32 = 30;
/// How often progress is written down, which also extends the lease.
const STEP: Duration = Duration::from_secs(2);
/// How often to look for files that nobody announced.
const POLL: Duration = Duration::from_secs(20);

/// Starts fetching; ends when it is aborted.
pub(super) fn start(wiring: Arc<Wiring>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            while running.try_join_next().is_some() {}
            match take(&wiring).await {
                Ok(Some(fetch)) => {
                    let wiring = Arc::clone(&wiring);
                    running.spawn(async move {
                        let id = fetch.template.id;
                        if let Err(error) = bring(&wiring, fetch).await {
                            // the lease runs out, then it is tried again
                            tracing::error!(template = %id, %error, "could not write down a template's state");
                        }
                        drop(slot);
                    });
                }
                Ok(None) => {
                    drop(slot);
                    tokio::select! { () = wiring.nudge.image_wanted() => {}, () = sleep(POLL) => {} }
                }
                Err(error) => {
                    drop(slot);
                    tracing::warn!(%error, "cannot look for templates to fetch");
                    sleep(POLL).await;
                }
            }
        }
    })
}

async fn take(wiring: &Wiring) -> Result<Option<Fetch>> {
    if !wiring.db.read(template::is_wanted).await? {
        return Ok(None);
    }
    let server = wiring.server;
    wiring.db.txn("fetch template", move |tx| template::claim(tx, server, LEASE)).await
}

/// Brings one file, or writes down why not.
async fn bring(wiring: &Wiring, fetch: Fetch) -> Result<()> {
    let id = fetch.template.id;
    let images = &wiring.settings.images;
    let directory = fetch.directory.as_ref().map_or_else(|| images.clone(), PathBuf::from);
    let part = directory.join(format!(".{id}.part"));
    let outcome = file(wiring, &fetch, &directory, &part).await;
    let _ = std::fs::remove_file(&part);
    match outcome {
        Ok(Some((name, sizes))) => {
            let whole = directory.join(&name);
            let own = images.canonicalize().ok() == directory.canonicalize().ok();
            let kept = if own { name } else { whole.display().to_string() };
            let ready = move |tx: &mut crate::store::Tx<'_>| template::ready(tx, id, &kept, sizes);
            if !wiring.db.txn("template ready", ready).await? {
                let _ = std::fs::remove_file(&whole);
            }
            Ok(())
        }
        Ok(None) => Ok(()), // nobody wants it any more
        Err(Trouble::Ours(error)) => Err(error),
        Err(Trouble::Theirs(why)) => {
            tracing::info!(template = %id, why, "a template was refused");
            wiring.db.txn("template failed", move |tx| template::fail(tx, id, &why)).await
        }
    }
}

/// Why a file is not there.
enum Trouble {
    /// The database did not answer: nothing is known.
    Ours(Error),
    /// Something about the file; the owner reads it.
    Theirs(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// The file's name and its sizes; `None`: the template is gone.
async fn file(
    wiring: &Wiring,
    fetch: &Fetch,
    directory: &std::path::Path,
    part: &std::path::Path,
) -> Result<Option<(String, (u64, u64))>, Trouble> {
    std::fs::create_dir_all(directory).map_err(|error| {
        Trouble::Theirs(format!("the directory of images cannot be written: {error}"))
    })?;
    let wanted = &fetch.template;
    let checksum = wanted.checksum.as_deref().map(str::parse::<Checksum>).transpose();
    let order = Order {
        url: wanted.url.clone().unwrap_or_default(),
        images: wiring.settings.images.clone(),
        part: part.to_path_buf(),
        checksum: checksum.map_err(Trouble::Theirs)?,
        by_root: fetch.by_root,
    };
    let Some(size) = watched(wiring, fetch, order).await? else { return Ok(None) };
    let virtual_size = gate::look(part, wanted.format, size).await.map_err(Trouble::Theirs)?;
    let extension = match wanted.format {
        ImageFormat::QCOW2 => "qcow2",
        ImageFormat::RAW => "raw",
        ImageFormat::VHD => "vhd",
    };
    let name = format!("{}.{extension}", wanted.id);
    std::fs::rename(part, directory.join(&name)).map_err(|error| {
        Trouble::Theirs(format!("the file cannot be moved to its place: {error}"))
    })?;
    Ok(Some((name, (size, virtual_size))))
}

/// Downloads while writing down how far it is; the file's size. `None`: the template is gone, or no longer ours.
async fn watched(wiring: &Wiring, fetch: &Fetch, order: Order) -> Result<Option<u64>, Trouble> {
    let (tell, seen) = watch::channel(Seen::default());
    let mut work = tokio::task::spawn_blocking(move || download::get(&order, &tell));
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (id, server) = (fetch.template.id, wiring.server);
    loop {
        tokio::select! {
            done = &mut work => {
                let done = done.map_err(|error| Error::Internal(Box::new(error)))?;
                return done.map(Some).map_err(Trouble::Theirs);
            }
            _ = ticks.tick() => {
                let (percent, status) = seen.borrow().words();
                let kept = wiring
                    .db
                    .txn("template progress", move |tx| {
                        template::progress(tx, id, server, (percent, &status), LEASE)
                    })
                    .await?;
                if !kept {
                    return Ok(None); // the download ends when it finds that nobody listens
                }
            }
        }
    }
}
