//! What addHost's `url` means: where the machine is and how it is reached.

use crate::{
    command::host_link::Enrolment,
    domain::infra::Hypervisor,
    error::{Error, Result},
};
use std::path::Path;

/// What a request says of a machine.
#[derive(Debug)]
pub(super) struct Named<'a> {
    /// `url`.
    pub(super) url: &'a str,
    /// `username`.
    pub(super) username: Option<&'a str>,
    /// `password`.
    pub(super) password: Option<&'a str>,
    /// What it runs.
    pub(super) hypervisor: Hypervisor,
}

/// How a machine is enrolled, and its address as clients see it.
pub(super) fn target(named: &Named<'_>, test_hosts: Option<&Path>) -> Result<(Enrolment, String)> {
    let (scheme, rest) = named.url.split_once("://").unwrap_or(("http", named.url));
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => by_http(named, rest),
        "qemu+ssh" => by_ssh(named, rest),
        "test" => simulated(rest, test_hosts),
        "fake" => {
            let name = rest.split('?').next().unwrap_or(rest).to_owned();
            Ok((Enrolment { uri: format!("fake://{rest}"), password: None }, name))
        }
        _ => Err(bad_url(named.url)),
    }
}

fn bad_url(url: &str) -> Error {
    Error::Invalid(format!(
        "Unable to use {url} as a host's url: write qemu+ssh://user@host/system, or http://host with username and password"
    ))
}

/// `http://host[:port]`, as CloudStack's clients name a machine, with the login beside it.
fn by_http(named: &Named<'_>, rest: &str) -> Result<(Enrolment, String)> {
    let given = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    if !given(named.username) || !given(named.password) {
        return Err(Error::invalid("Username and Password need to be provided."));
    }
    if named.hypervisor == Hypervisor::Simulator {
        let path = rest.trim_end_matches('/');
        let name = path.strip_prefix("sim/").unwrap_or(path).replace('/', "-");
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || name.len() > 64 || !name.chars().all(plain) {
            return Err(Error::Invalid(format!(
                "Unable to use {} as a simulated host's url: write http://sim/name",
                named.url
            )));
        }
        return Ok((Enrolment { uri: format!("sim://{name}"), password: None }, name));
    }
    by_ssh(named, rest.trim_end_matches('/'))
}

/// `[user@]host[:port][/system]`.
fn by_ssh(named: &Named<'_>, rest: &str) -> Result<(Enrolment, String)> {
    let (login, path) = rest.split_once('/').unwrap_or((rest, "system"));
    // a libvirtd that is not at the usual place
    let socket = path.strip_prefix("system?socket=/").unwrap_or_default();
    let plain_path = socket.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if !(matches!(path, "" | "system") || (!socket.is_empty() && plain_path)) {
        return Err(bad_url(named.url));
    }
    let path = if path.is_empty() { "system" } else { path };
    let given = named.username.filter(|user| !user.is_empty());
    let (user, place) = match login.rsplit_once('@') {
        Some((user, place)) => (user, place),
        None => (given.unwrap_or("root"), login),
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(|| bad_url(named.url))?;
            (host, port.strip_prefix(':'))
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let plain = |text: &str, also: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    let port = port.map_or(Ok(22_u16), str::parse).ok().filter(|port| *port > 0);
    let Some(port) = port.filter(|_| plain(user, "-_.") && plain(host, "-_.:")) else {
        return Err(bad_url(named.url));
    };
    let place = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let port = if port == 22 { String::new() } else { format!(":{port}") };
    let password = named.password.filter(|text| !text.is_empty()).map(str::to_owned);
    let uri = format!("qemu+ssh://{user}@{place}{port}/{path}");
    Ok((Enrolment { uri, password }, host.to_owned()))
}

/// `test:///file.xml`: a file below the directory that the configuration allows, by its whole path or from there.
fn simulated(path: &str, directory: Option<&Path>) -> Result<(Enrolment, String)> {
    let Some(directory) = directory.and_then(|path| path.canonicalize().ok()) else {
        return Err(Error::invalid(
            "hosts of libvirt's test driver are switched off: the configuration names no directory for them",
        ));
    };
    let below = |file: &Path| {
        let file = file.canonicalize().ok()?;
        (file.starts_with(&directory) && file.is_file()).then_some(file)
    };
    let inside = directory.join(path.trim_start_matches('/'));
    match below(&inside).or_else(|| below(Path::new(path))) {
        Some(file) => {
            let uri = format!("test://{}", file.display());
            Ok((Enrolment { uri, password: None }, "127.0.0.1".to_owned()))
        }
        None => Err(Error::Invalid(format!(
            "test://{path} is no file below the directory for simulated hosts"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(url: &str, login: Option<(&str, &str)>, hypervisor: Hypervisor) -> Result<String> {
        let (username, password) = login.unzip();
        let named = Named { url, username, password, hypervisor };
        target(&named, None).map(|(enrolment, _)| enrolment.uri)
    }

    #[test]
    fn the_urls_of_clients_are_understood() {
        let root = Some(("root", "secret"));
        for (url, login, want) in [
            ("http://10.0.0.5", root, "qemu+ssh://root@10.0.0.5/system"),
            ("http://node1:2222/", root, "qemu+ssh://root@node1:2222/system"),
            ("node1", root, "qemu+ssh://root@node1/system"),
            ("qemu+ssh://ops@node1:22/system", None, "qemu+ssh://ops@node1/system"),
            ("qemu+ssh://node1", None, "qemu+ssh://root@node1/system"),
            (
                "qemu+ssh://n:2222/system?socket=/run/x.sock",
                None,
                "qemu+ssh://root@n:2222/system?socket=/run/x.sock",
            ),
            ("qemu+ssh://[::1]:22/system", None, "qemu+ssh://root@[::1]/system"),
        ] {
            assert_eq!(uri(url, login, Hypervisor::KVM).unwrap(), want, "{url}");
        }
        let simulated = uri("http://sim/c0/h0", root, Hypervisor::Simulator).unwrap();
        assert_eq!(simulated, "sim://c0-h0");
    }

    #[test]
    fn what_names_no_machine_is_refused() {
        for url in [
            "qemu+ssh://-oProxyCommand=x/system",
            "qemu+ssh://a;b@node/system",
            "qemu+ssh://node/session",
            "qemu+ssh://node:0/system",
            "qemu+ssh://node:99999/system",
            "qemu+ssh:///system",
            "ftp://node",
            "http://sim/../etc",
            "test:///etc/passwd",
        ] {
            let kind = if url.contains("sim/") { Hypervisor::Simulator } else { Hypervisor::KVM };
            assert!(uri(url, Some(("root", "x")), kind).is_err(), "{url}");
        }
        let error = uri("http://node", None, Hypervisor::KVM).unwrap_err();
        assert_eq!(error.to_string(), "Username and Password need to be provided.");
    }
}
