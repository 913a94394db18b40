//! What a pool's `url` means: a directory of a host, a directory mounted everywhere, an NFS export.

use crate::{
    domain::infra::PoolKind,
    error::{Error, Result},
};

/// What a pool is made of, and its path as the store keeps it.
pub(super) fn read(url: &str) -> Result<(PoolKind, String)> {
    let bad = || {
        Error::Invalid(format!(
            "Unable to use {url} as a storage pool's url: write file:///directory, sharedmountpoint://localhost/directory or nfs://server/export"
        ))
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    let (place, path) = rest.split_at(rest.find('/').ok_or_else(bad)?);
    let path = path.trim_end_matches('/');
    let steps_up = path.split('/').any(|part| part == ".." || part == ".");
    if path.is_empty() || steps_up || path.contains("//") || path.len() > 200 {
        return Err(bad());
    }
    match scheme.to_ascii_lowercase().as_str() {
        "file" | "filesystem" if matches!(place, "" | "localhost") => {
            Ok((PoolKind::Filesystem, path.to_owned()))
        }
        "sharedmountpoint" => Ok((PoolKind::SharedMountPoint, path.to_owned())),
        "nfs" | "networkfilesystem" => {
            // some clients write nfs://server:/export
            let server = place.trim_end_matches(':');
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if server.is_empty() || server.starts_with('-') || !server.chars().all(plain) {
                return Err(bad());
            }
            Ok((PoolKind::NetworkFilesystem, format!("{server}:{path}")))
        }
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urls_of_clients_are_understood() {
        for (url, kind, path) in [
            ("file:///var/lib/disks/", PoolKind::Filesystem, "/var/lib/disks"),
            ("SharedMountPoint://localhost/mnt/a", PoolKind::SharedMountPoint, "/mnt/a"),
            ("nfs://10.0.0.9/export/p0", PoolKind::NetworkFilesystem, "10.0.0.9:/export/p0"),
            ("nfs://10.0.0.9:/export/p0", PoolKind::NetworkFilesystem, "10.0.0.9:/export/p0"),
        ] {
            assert_eq!(read(url).unwrap(), (kind, path.to_owned()), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in ["/x", "file://host/x", "file:///", "file:///a/../b", "rbd://m/p", "nfs://-o/x"]
        {
            assert!(read(url).is_err(), "{url}");
        }
    }
}
