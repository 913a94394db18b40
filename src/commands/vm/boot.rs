//! `boottype` and `bootmode`: what an instance boots by. It is kept as a detail, `UEFI` with the mode as its value, where
//! clients look for it too.

use super::deploy::Request;
use crate::{command::prelude::*, domain::machine::Firmware, store::detail::Details};

/// The modes of UEFI.
const MODES: [&str; 2] = ["LEGACY", "SECURE"];

/// The detail of an instance that is to boot by UEFI.
pub(super) fn detail(request: &Request) -> Result<Option<(String, String)>> {
    let word = |given: &Option<String>| {
        let word = given.as_deref().unwrap_or_default().trim().to_ascii_uppercase();
        (!word.is_empty()).then_some(word)
    };
    let (kind, mode) = (word(&request.boot_type), word(&request.boot_mode));
    let name = request.name.as_deref().unwrap_or_default();
    if let Some(kind) = kind.as_ref().filter(|kind| !["UEFI", "BIOS"].contains(&kind.as_str())) {
        return Err(Error::Invalid(format!(
            "Invalid bootType {kind}Specified for vm {name} Valid values are: [UEFI, BIOS]"
        )));
    }
    if let Some(mode) = mode.as_ref().filter(|mode| !MODES.contains(&mode.as_str())) {
        return Err(Error::Invalid(format!(
            "Invalid bootmode: {mode} specified for VM: {name}. Valid values are: [LEGACY, SECURE]"
        )));
    }
    match (kind.as_deref(), mode) {
        (Some("UEFI"), Some(mode)) => Ok(Some((Firmware::DETAIL.to_owned(), mode))),
        (Some("UEFI"), None) => Err(Error::invalid(
            "bootmode must be specified for the VM with boot type: UEFI. Valid values are: [LEGACY, SECURE]",
        )),
        (_, Some(mode)) if mode == "SECURE" => {
            Err(Error::invalid("bootmode SECURE needs boottype UEFI"))
        }
        _ => Ok(None),
    }
}

/// The details, when what they say of booting can be meant.
pub(super) fn checked(mut details: Details) -> Result<Details> {
    if let Some(mode) = details.get_mut(Firmware::DETAIL) {
        *mode = mode.trim().to_ascii_uppercase();
        if !MODES.contains(&mode.as_str()) {
            return Err(Error::Invalid(format!(
                "details: UEFI must be LEGACY or SECURE, not {mode}"
            )));
        }
    }
    Ok(details)
}
