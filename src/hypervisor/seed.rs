//! The cloud-init seed: a small FAT image labelled `cidata`, built in this process.
//!
//! cloud-init's NoCloud source reads any block device with that label
//! (<https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html>).

use crate::error::{Error, Result};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// What a guest is told at its first start.
#[derive(Clone, Copy)]
pub struct Seed<'a> {
    /// `user-data`: a `#cloud-config` document, a script, or whatever the user gave; up to 1 MiB.
    pub user_data: &'a [u8],
    /// `meta-data`: YAML with `instance-id` and `local-hostname`.
    pub meta_data: &'a str,
    /// `network-config`: YAML; `None`: the guest asks DHCP.
    pub network_config: Option<&'a str>,
}

/// Writes the image into a new file of the directory, readable by this user only; the caller removes it.
///
/// # Errors
/// `Invalid` when it is too large, `Internal` when the directory cannot be written.
pub fn build(seed: &Seed<'_>, directory: &Path) -> Result<PathBuf> {
    let network = seed.network_config.unwrap_or_default();
    let size = seed.user_data.len() + seed.meta_data.len() + network.len();
    if size > 1 << 20 {
        return Err(Error::invalid("user data, meta data and network data exceed 1 MiB"));
    }
    let path = directory.join(format!("seed-{}.img", uuid::Uuid::new_v4().simple()));
    let written = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|file| fill(file, seed));
    match written {
        Ok(()) => Ok(path),
        Err(error) => {
            let _ = std::fs::remove_file(&path);
            Err(Error::internal(format!("cannot write {}: {error}", path.display())))
        }
    }
}

fn fill(mut file: File, seed: &Seed<'_>) -> io::Result<()> {
    file.set_len(2 << 20)?;
    let label = *b"cidata     ";
    let options = fatfs::FormatVolumeOptions::new().volume_label(label).volume_id(0x6373_6770);
    fatfs::format_volume(&mut file, options)?;
    // times on the image would make equal seeds differ, and say nothing to the guest
    let options = fatfs::FsOptions::new().update_accessed_date(false);
    let image = fatfs::FileSystem::new(&mut file, options)?;
    {
        let root = image.root_dir();
        let put = |name: &str, content: &[u8]| root.create_file(name)?.write_all(content);
        put("user-data", seed.user_data)?;
        put("meta-data", seed.meta_data.as_bytes())?;
        if let Some(network) = seed.network_config {
            put("network-config", network.as_bytes())?;
        }
    }
    image.unmount()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_is_put_in_is_read_back() {
        let directory = std::env::temp_dir();
        let big = vec![b'x'; 700_000];
        let seed = Seed {
            user_data: &big,
            meta_data: "instance-id: 33\nlocal-hostname: web\n",
            network_config: Some("version: 2\n"),
        };
        let path = build(&seed, &directory).unwrap();
        let image = fatfs::FileSystem::new(
            File::open(&path).map(ReadOnly).unwrap(),
            fatfs::FsOptions::new(),
        )
        .unwrap();
        assert_eq!(image.volume_label(), "cidata");
        let read = |name: &str| {
            let mut content = Vec::new();
            image.root_dir().open_file(name).unwrap().read_to_end(&mut content).unwrap();
            content
        };
        assert_eq!(read("user-data"), big);
        assert_eq!(read("meta-data"), seed.meta_data.as_bytes());
        assert_eq!(read("network-config"), b"version: 2\n");
        std::fs::remove_file(path).unwrap();
        assert!(build(&Seed { user_data: &vec![0; 2 << 20], ..seed }, &directory).is_err());
    }

    struct ReadOnly(File);
    impl Read for ReadOnly {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl io::Seek for ReadOnly {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            io::Seek::seek(&mut self.0, to)
        }
    }
    impl Write for ReadOnly {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
