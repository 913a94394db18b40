//! Which PCI functions are GPUs: class codes first, then the operator's word.
//!
//! Display chips of management controllers have a GPU's class and are none. An explicit exclusion beats everything, an
//! explicit inclusion beats class and built-in exclusions.

use crate::domain::machine::SeenFunction;
use std::str::FromStr;

/// PCI classes of GPUs: VGA, 3D, other display controllers, processing accelerators (PCI Code and ID Assignment).
pub const GPU_CLASSES: [u16; 4] = [0x0300, 0x0302, 0x0380, 0x1200];

/// Vendors whose display chips belong to management controllers: ASPEED, Matrox.
const MANAGEMENT_VENDORS: [u16; 2] = [0x1a03, 0x102b];

/// The operator's rules about functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// GPUs whatever their class.
    pub include: Vec<Match>,
    /// Never GPUs.
    pub exclude: Vec<Match>,
    /// Drivers that give a device back without harm, though we would not trust them: `nvidia`.
    pub trusted_drivers: Vec<String>,
}

/// Functions of one vendor, or of one model: `10de:*`, `10de:20b2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id; `None`: all of the vendor's.
    pub device_id: Option<u16>,
}

/// What the rules say about one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    /// A GPU.
    Gpu,
    /// It has a GPU's class but is left out; why.
    LeftOut(String),
    /// Something else.
    Other,
}

impl Rules {
    /// What a function is.
    pub fn sort(&self, function: &SeenFunction) -> Sort {
        let has_class = GPU_CLASSES.contains(&function.class);
        let any = |rules: &[Match]| rules.iter().any(|r| r.covers(function));
        if any(&self.exclude) {
            return if has_class {
                Sort::LeftOut("the operator's rules exclude it".into())
            } else {
                Sort::Other
            };
        }
        if any(&self.include) {
            return Sort::Gpu;
        }
        match has_class {
            true if MANAGEMENT_VENDORS.contains(&function.vendor_id) => Sort::LeftOut(
                "it is the display chip of a management controller; an include rule makes it a GPU"
                    .into(),
            ),
            true => Sort::Gpu,
            false => Sort::Other,
        }
    }

    /// Whether an include rule names this function.
    pub fn includes(&self, function: &SeenFunction) -> bool {
        self.include.iter().any(|r| r.covers(function))
    }
}

impl Match {
    fn covers(&self, function: &SeenFunction) -> bool {
        self.vendor_id == function.vendor_id
            && self.device_id.is_none_or(|device| device == function.device_id)
    }
}

impl FromStr for Match {
    type Err = String;

    /// Reads `10de:20b2` and `10de:*`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text} is no device rule: write it as 10de:20b2 or 10de:*");
        let hex = |part: &str| match part.len() {
            4 if part.bytes().all(|b| b.is_ascii_hexdigit()) => u16::from_str_radix(part, 16).ok(),
            _ => None,
        };
        let (vendor, device) = text.split_once(':').ok_or_else(bad)?;
        let vendor_id = hex(vendor).ok_or_else(bad)?;
        let device_id = match device {
            "*" => None,
            one => Some(hex(one).ok_or_else(bad)?),
        };
        Ok(Self { vendor_id, device_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gpu::samples::function;

    #[test]
    fn a_rule_is_a_vendor_and_perhaps_a_device() {
        assert_eq!("10de:*".parse(), Ok(Match { vendor_id: 0x10de, device_id: None }));
        assert_eq!("1002:740F".parse(), Ok(Match { vendor_id: 0x1002, device_id: Some(0x740f) }));
        for text in ["", "10de", "10de:", "*:20b2", "+0de:20b2", "10de:20b2:0", "0x10de:20b2"] {
            assert!(text.parse::<Match>().is_err(), "{text}");
        }
    }

    #[test]
    fn class_decides_then_the_operator() {
        let gpu = function("3b:00.0", 0x0380, 0x1002, 0x740f);
        let bmc = function("03:00.0", 0x0300, 0x1a03, 0x2000);
        let nic = function("01:00.0", 0x0200, 0x15b3, 0x1019);
        let fpga = function("05:00.0", 0x1200, 0x10ee, 0x5000);
        let rules = Rules::default();
        assert_eq!(rules.sort(&gpu), Sort::Gpu);
        assert_eq!(rules.sort(&fpga), Sort::Gpu);
        assert_eq!(rules.sort(&nic), Sort::Other);
        assert!(matches!(rules.sort(&bmc), Sort::LeftOut(_)));

        let matches = |text: &str| vec![text.parse().unwrap()];
        let rules =
            Rules { include: matches("1a03:*"), exclude: matches("10ee:*"), ..Rules::default() };
        assert_eq!(rules.sort(&bmc), Sort::Gpu);
        assert!(matches!(rules.sort(&fpga), Sort::LeftOut(_)));
        let both =
            Rules { include: matches("1002:*"), exclude: matches("1002:740f"), ..rules.clone() };
        assert!(matches!(both.sort(&gpu), Sort::LeftOut(_)));
    }
}
