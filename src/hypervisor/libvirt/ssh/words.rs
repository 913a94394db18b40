//! What ssh and libvirt complain of, said so that an administrator knows what to do.

use super::{super::fault::one_line, Login};

/// One line for addHost from everything that was printed.
pub(super) fn explain(login: &Login, printed: &str) -> String {
    let place = format!("{}:{}", login.host, login.port);
    let has = |text: &str| printed.contains(text);
    if has("HOST IDENTIFICATION HAS CHANGED") || has("Host key verification failed") {
        return format!(
            "the ssh host key of {place} is not the one that was pinned: if the host was reinstalled, \
             reconnectHost with acceptnewhostkey=true takes the new one"
        );
    }
    if has("Permission denied") || has("Too many authentication failures") {
        return format!(
            "{place} does not accept the service's ssh key for user {}: put the line that \
             'csgpu ssh-key' prints into its authorized_keys",
            login.user
        );
    }
    if has("Connection refused") && !has("libvirt") {
        return format!("{place} refuses the connection: no sshd is listening there");
    }
    if has("Could not resolve hostname") {
        return format!("the name {} cannot be resolved", login.host);
    }
    if has("timed out") || has("No route to host") || has("Network is unreachable") {
        return format!("no answer from {place}: it is off, or a firewall is in between");
    }
    let relay = ["libvirt-sock", "virtqemud-sock", "libvirtd", "nc: ", "virt-ssh-helper", "'nc'"];
    if relay.into_iter().any(has) {
        return format!(
            "ssh to {place} works but no libvirtd answers there: is it installed and running? ({})",
            one_line(printed)
        );
    }
    if has("Connection reset") || has("Connection closed") || has("End of file") {
        return format!("{place} closed the connection ({})", one_line(printed));
    }
    format!("{place}: {}", one_line(printed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_has_its_advice() {
        let login = Login::parse("qemu+ssh://root@h:2201/system").unwrap();
        for (printed, says) in [
            ("ssh: connect to host h port 2201: Connection refused", "no sshd"),
            ("root@h: Permission denied (publickey,password).", "csgpu ssh-key"),
            ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "acceptnewhostkey"),
            ("ssh: connect to host h port 22: Connection timed out", "no answer"),
            (
                "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
                "no libvirtd answers",
            ),
            (
                "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Connection refused",
                "no libvirtd",
            ),
        ] {
            let line = explain(&login, printed);
            assert!(line.contains(says), "{line}");
        }
    }
}
