//! What the name of an NVIDIA vGPU type says: `GRID T4-2Q` has 2 GiB, `NVIDIA A100-3-20C` is a MIG slice of 20 GiB.
//!
//! The scheme is the vendor's (Virtual GPU Software User Guide, "Virtual GPU Types"): board, for MIG-backed types the
//! number of compute slices, memory in GiB (0 means 512 MiB), and a letter for the series.

/// What a type's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VgpuName {
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Compute slices, when a MIG instance backs it.
    pub mig_slices: Option<u32>,
}

/// Reads a type's name; `None` when it follows another scheme.
pub fn read_vgpu_name(name: &str) -> Option<VgpuName> {
    let word = name.rsplit(' ').next()?;
    let (rest, size) = word.rsplit_once('-')?;
    let digits = size.bytes().take_while(u8::is_ascii_digit).count();
    let (gib, series) = size.split_at(digits);
    if !matches!(series.bytes().next(), Some(b'A' | b'B' | b'C' | b'Q')) {
        return None;
    }
    let gib: u64 = gib.parse().ok().filter(|&g| g <= 4096)?;
    let memory_mib = if gib == 0 { 512 } else { gib * 1024 };
    let mig_slices = match rest.rsplit_once('-') {
        Some((_, slices)) if slices.len() == 1 => slices.parse().ok(),
        _ => None,
    };
    Some(VgpuName { memory_mib, mig_slices })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_slices_are_in_the_name() {
        let cases = [
            ("GRID T4-2Q", 2048, None),
            ("NVIDIA A16-16Q", 16384, None),
            ("GRID M10-0B", 512, None),
            ("GRID V100D-8Q", 8192, None),
            ("GRID T4-2B4", 2048, None),
            ("NVIDIA RTX6000-Ada-24Q", 24576, None),
            ("GRID P4-2Q", 2048, None),
            ("NVIDIA A100-3-20C", 20480, Some(3)),
            ("NVIDIA A100D-1-10CME", 10240, Some(1)),
        ];
        for (name, memory_mib, mig_slices) in cases {
            assert_eq!(read_vgpu_name(name), Some(VgpuName { memory_mib, mig_slices }), "{name}");
        }
    }

    #[test]
    fn other_names_say_nothing() {
        for name in ["i915-GVTg_V5_4", "passthrough", "", "GRID T4-", "MI300X-VF", "csgpu-2X"] {
            assert_eq!(read_vgpu_name(name), None, "{name}");
        }
    }
}
