//! One file, from its address to the disk, hashed on the way. Blocks.

use super::reach::Reach;
use crate::domain::checksum::{Algorithm, Checksum};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::watch;
use ureq::{Agent, config::Config, unversioned::transport::DefaultConnector};

/// The longest a server may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// The largest file.
const MOST: u64 = 1 << 40;

/// What to fetch.
#[derive(Debug)]
pub(super) struct Order {
    /// From where.
    pub(super) url: String,
    /// The directory that `file://` may read from.
    pub(super) images: PathBuf,
    /// To where.
    pub(super) part: PathBuf,
    /// What it must hash to.
    pub(super) checksum: Option<Checksum>,
    /// Whether any address may be named.
    pub(super) by_root: bool,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    bytes: u64,
    total: Option<u64>,
}

impl Seen {
    /// In percent and in words, as clients know them.
    pub(super) fn words(&self) -> (i32, String) {
        match self.total {
            Some(total) if total > 0 => {
                let percent = i32::try_from(self.bytes * 100 / total).unwrap_or(100).min(99);
                (percent, format!("{percent}% Downloaded"))
            }
            _ if self.bytes == 0 => (0, "0% Downloaded".to_owned()),
            _ => (0, format!("{} MB Downloaded", self.bytes >> 20)),
        }
    }
}

/// Fetches it; its size. The error is for its owner.
pub(super) fn get(order: &Order, tell: &watch::Sender<Seen>) -> Result<u64, String> {
    let (mut source, total) = open(order)?;
    if total.is_some_and(|total| total > MOST) {
        return Err("the file is larger than 1 TiB".to_owned());
    }
    let mut file = File::create(&order.part).map_err(|error| written(&error))?;
    let mut hasher = order.checksum.as_ref().map(|wanted| Hasher::new(wanted.algorithm));
    let (mut buffer, mut bytes) = (vec![0; 1 << 18], 0_u64);
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("the download broke off: {error}")),
        };
        let piece = buffer.get(..count).unwrap_or_default();
        file.write_all(piece).map_err(|error| written(&error))?;
        if let Some(hasher) = &mut hasher {
            hasher.update(piece);
        }
        bytes += count as u64;
        if bytes > MOST {
            return Err("the file is larger than 1 TiB".to_owned());
        }
        if tell.send(Seen { bytes, total }).is_err() {
            return Err("nobody wants it any more".to_owned());
        }
    }
    if let Some(total) = total.filter(|total| *total != bytes) {
        return Err(format!("the download broke off: {bytes} of {total} bytes came"));
    }
    file.sync_all().map_err(|error| written(&error))?;
    match (&order.checksum, hasher) {
        (Some(wanted), Some(hasher)) => {
            let hex = hasher.hex();
            if hex == wanted.hex {
                return Ok(bytes);
            }
            let found = Checksum { algorithm: wanted.algorithm, hex };
            Err(format!("the checksum does not match: expected {wanted}, the file has {found}"))
        }
        _ => Ok(bytes),
    }
}

fn written(error: &std::io::Error) -> String {
    format!("the file cannot be written on the management server: {error}")
}

type Source = (Box<dyn Read>, Option<u64>);

fn open(order: &Order) -> Result<Source, String> {
    match order.url.split_once("://") {
        Some(("file", path)) => local(Path::new(path), &order.images),
        _ => remote(order),
    }
}

/// The directory is looked at again: a link may have been put there since.
fn local(path: &Path, images: &Path) -> Result<Source, String> {
    let gone = |error: std::io::Error| format!("{}: {error}", path.display());
    let (real, images) = (path.canonicalize().map_err(gone)?, images.canonicalize().map_err(gone)?);
    if !real.starts_with(&images) || !real.is_file() {
        return Err(format!(
            "{} is no file below the service's directory of images",
            path.display()
        ));
    }
    let file = File::open(real).map_err(gone)?;
    let size = file.metadata().map_err(gone)?.len();
    Ok((Box::new(file), Some(size)))
}

fn remote(order: &Order) -> Result<Source, String> {
    let config = || {
        Agent::config_builder()
            .timeout_resolve(Some(SILENCE))
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .max_redirects(5)
            .accept_encoding("identity")
            .user_agent("csgpu")
    };
    let (config, reach): (Config, Reach) = if order.by_root {
        (config().build(), Reach::from(&order.url))
    } else {
        // a proxy would resolve names by itself
        (config().proxy(None).build(), Reach::public())
    };
    let agent = Agent::with_parts(config, DefaultConnector::default(), reach);
    let response = agent.get(&order.url).call().map_err(|error| match error {
        ureq::Error::StatusCode(code) => format!("the server answered {code}"),
        error => format!("the file cannot be fetched: {error}"),
    })?;
    let body = response.into_body();
    let total = body.content_length();
    Ok((Box::new(body.into_with_config().limit(MOST + 1).reader()), total))
}

/// One of the ways to hash.
enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5(Md5::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha224 => Self::Sha224(Sha224::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(piece),
            Self::Sha1(hasher) => hasher.update(piece),
            Self::Sha224(hasher) => hasher.update(piece),
            Self::Sha256(hasher) => hasher.update(piece),
            Self::Sha384(hasher) => hasher.update(piece),
            Self::Sha512(hasher) => hasher.update(piece),
        }
    }

    fn hex(self) -> String {
        let digest: Vec<u8> = match self {
            Self::Md5(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha224(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha384(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
