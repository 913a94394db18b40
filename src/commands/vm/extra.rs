//! `extraconfig`: elements that somebody wants added to an instance's definition. Taken where the operator allows their
//! names, and never for devices: a GPU that a root administrator names there as a `hostdev` is a demand for exactly that
//! one, which is reserved like any other and written into the definition by the service.

use super::{boot, deploy::Request, draft};
use crate::{
    command::prelude::*,
    domain::{
        identity::RoleType,
        placement::{Exact, NumaPolicy, Packing},
        vm::GpuDemand,
    },
    hypervisor::libvirt,
    store::{deploy::EXTRA_CONFIG, detail::Details},
};

/// The details with what `extraconfig` says, as a parameter of its own or as a detail.
pub(super) fn details(
    details: &Details,
    parameter: Option<&str>,
    allowed: &[String],
) -> Result<Details> {
    let (extra, mut kept): (Details, Details) =
        details.clone().into_iter().partition(|(key, _)| is_extra(key));
    let parts = extra.into_values().chain(parameter.map(str::to_owned));
    let text: Vec<String> =
        parts.map(|part| elements(&part)).filter(|part| !part.is_empty()).collect();
    if !text.is_empty() {
        let text = text.join("\n");
        libvirt::check_extra(&text, allowed)?;
        kept.insert(EXTRA_CONFIG.to_owned(), text);
    }
    Ok(kept)
}

/// The details of a new instance, and the GPUs that a root administrator names in them.
pub(super) fn of_new(
    env: &Env,
    caller: &Caller,
    request: &Request,
) -> Result<(Details, Vec<Exact>)> {
    let allowed = &env.settings.extra_config;
    let extra = request.extra_config.as_deref();
    let (given, extra, named) = take_devices(caller, &request.details, extra)?;
    let mut details = draft::check_details(&given, extra.as_deref(), allowed)?;
    details.extend(boot::detail(request)?);
    Ok((details, named))
}

/// Details and parameter without the devices that a root administrator names in them, and these devices. Of everybody
/// else's text nothing is taken out, and what names a device in it is refused later.
pub(super) fn take_devices(
    caller: &Caller,
    details: &Details,
    parameter: Option<&str>,
) -> Result<(Details, Option<String>, Vec<Exact>)> {
    let (mut details, parameter) = (details.clone(), parameter.map(str::to_owned));
    if caller.role != RoleType::Admin {
        return Ok((details, parameter, Vec::new()));
    }
    let mut named = Vec::new();
    let mut take = |text: &str| {
        let (rest, found) = libvirt::take_devices(&elements(text))?;
        named.extend(found);
        Ok::<_, Error>(rest)
    };
    for text in details.iter_mut().filter(|(key, _)| is_extra(key)).map(|(_, text)| text) {
        *text = take(text)?;
    }
    let parameter = parameter.as_deref().map(take).transpose()?;
    Ok((details, parameter, named))
}

/// What is demanded of GPUs when these are named.
pub(super) fn named_gpus(named: Vec<Exact>, asked: Option<GpuDemand>) -> Result<Option<GpuDemand>> {
    if named.is_empty() {
        return Ok(asked);
    }
    if asked.is_some() {
        return Err(Error::invalid(
            "extraconfig names GPU devices and the offering asks for GPUs too: an instance gets the ones or the others",
        ));
    }
    if (1..named.len()).any(|n| named[..n].contains(&named[n])) {
        return Err(Error::invalid("extraconfig names a GPU device twice"));
    }
    Ok(Some(GpuDemand {
        choices: Vec::new(),
        numa: NumaPolicy::Preferred,
        packing: Packing::Pack,
        slices: false,
        exact: named,
    }))
}

fn is_extra(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("extraconfig")
}

/// What is meant: clients encode the text once more for themselves, and CloudStack lets a line with a title stand above
/// each piece.
fn elements(text: &str) -> String {
    let decoded = if text.contains('<') { text.to_owned() } else { decode(text) };
    let is_title = |line: &&str| line.trim_end().ends_with(':') && !line.contains('<');
    let lines: Vec<&str> = decoded.lines().filter(|line| !is_title(line)).collect();
    lines.join("\n").trim().to_owned()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_read_however_it_is_wrapped() {
        let plain = "<memtune><x y='1 2'/></memtune>";
        assert_eq!(elements(plain), plain);
        assert_eq!(elements(&format!("tuning:\n{plain}\n")), plain);
        assert_eq!(elements("%3Cmemtune%3E%3Cx+y%3D%271%202%27%2F%3E%3C%2Fmemtune%3E"), plain);
        assert_eq!(elements("100% of nothing%"), "100% of nothing%");
    }
}
