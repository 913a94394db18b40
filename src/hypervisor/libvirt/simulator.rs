//! Simulated hosts: a file for libvirt's test driver per host.

use super::xml;
use crate::error::{Error, Result};
use std::path::Path;
use uuid::Uuid;

/// Which GPUs a simulated host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// 8 x NVIDIA A100 80GB, four on each NUMA node.
    #[default]
    Nvidia,
    /// 8 x AMD Instinct MI210, four on each NUMA node.
    Amd,
}

/// Writes the file of a simulated host unless it is there; returns its URI, `test:///absolute/path.xml`.
///
/// # Errors
/// `Invalid` for a name that is no host name, `Internal` when the directory cannot be written.
pub fn simulate(directory: &Path, name: &str, flavour: Flavour, gpus: u8) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 63 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Error::invalid(format!("{name} is no host name")));
    }
    if gpus > 16 {
        return Err(Error::invalid("a simulated host has at most 16 GPUs"));
    }
    let model = match flavour {
        Flavour::Nvidia => xml::Model {
            vendor: (0x10de, "NVIDIA Corporation"),
            product: (0x20b2, "GA100 [A100 SXM4 80GB]"),
            class: 0x03_02_00,
            driver: "vfio-pci",
        },
        Flavour::Amd => xml::Model {
            vendor: (0x1002, "Advanced Micro Devices, Inc. [AMD/ATI]"),
            product: (0x740f, "Aldebaran/MI200 [Instinct MI210]"),
            class: 0x03_80_00,
            driver: "vfio-pci",
        },
    };
    let failed = |error: std::io::Error| {
        Error::internal(format!("cannot write below {}: {error}", directory.display()))
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let file = directory.canonicalize().map_err(failed)?.join(format!("{name}.xml"));
    if !file.exists() {
        std::fs::write(&file, xml::simulator(name, Uuid::now_v7(), &model, gpus))
            .map_err(failed)?;
    }
    Ok(format!("test://{}", file.display()))
}
