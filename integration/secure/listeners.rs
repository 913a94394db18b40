//! What listens: the sockets of the running service and its private database, against what was configured.

use crate::{
    secure::program::{Program, command, scratch},
    world::{Client, places::text},
};
use std::{collections::HashSet, fs, net::SocketAddr};

/// The process and all that it started.
fn family(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        at += 1;
    }
    found
}

/// The sockets that a process holds.
fn sockets(pid: u32) -> HashSet<String> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let names = open.filter_map(|file| fs::read_link(file.path()).ok());
    let inode = |name: std::path::PathBuf| {
        let name = name.display().to_string();
        name.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).map(str::to_owned)
    };
    names.filter_map(inode).collect()
}

/// The ports at which these processes can be reached from outside: TCP that listens, UDP that is bound.
fn ports(pids: &[u32]) -> Vec<(&'static str, u16)> {
    let own: HashSet<String> = pids.iter().flat_map(|pid| sockets(*pid)).collect();
    let mut found = Vec::new();
    for (table, kind, state) in
        [("tcp", "tcp", "0A"), ("tcp6", "tcp", "0A"), ("udp", "udp", "07"), ("udp6", "udp", "07")]
    {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(now), Some(inode)) = (words.get(1), words.get(3), words.get(9))
            else {
                continue;
            };
            if *now != state || !own.contains(*inode) {
                continue;
            }
            let port = local.rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok());
            found.extend(port.map(|port| (kind, port)));
        }
    }
    found.sort_unstable();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn s03_s04_nothing_listens_but_what_was_asked_for() {
    let program = Program::start("listeners", &[], None);
    let only = [("tcp", program.address().port())];
    let pids = family(program.pid());
    assert!(pids.len() > 1, "the private database is a process of its own");
    assert_eq!(ports(&pids), only);
    // no setting and no command opens another one: not the port of no credentials, not that of a cluster
    let admin = program.admin();
    for (name, value) in [
        ("integration.api.port", "8096"),
        ("integration.api.port", "0"),
        ("integration.api.port", "-1"),
        ("cluster.port", "9090"),
    ] {
        let answer = admin.call("updateConfiguration", &[("name", name), ("value", value)]).await;
        assert_ne!(answer.status, 401, "{}", answer.text());
    }
    let zone = [
        ("name", "z"),
        ("networktype", "Advanced"),
        ("dns1", "9.9.9.9"),
        ("internaldns1", "9.9.9.9"),
    ];
    text(&admin.ok("createZone", &zone).await["zone"]["id"]);
    assert_eq!(ports(&family(program.pid())), only);
    // and what listens wants credentials
    let nobody = Client::new(program.address(), "", "");
    for path in [
        "/client/api?command=listUsers",
        "/client/api/?command=listUsers&response=json",
        "/api?command=listUsers",
    ] {
        let answer = nobody.send(format!("GET {path} HTTP/1.1\r\n"), String::new()).await;
        assert!([401, 404].contains(&answer.status), "{path}: {}", answer.text());
    }
    program.end();
}

/// An address that is none stops the service; it does not listen somewhere else.
#[test]
fn s03_an_address_that_is_none_is_no_other_address() {
    let data = scratch("garbage");
    for listen in [
        "",
        "0",
        "-1",
        "off",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "localhost:x",
    ] {
        let output = command(&data).env("CSGPU_LISTEN", listen).output().expect("the program");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{listen:?}: {said}");
        assert!(said.to_lowercase().contains("listen"), "{listen:?}: {said}");
    }
    let _ = fs::remove_dir_all(&data);
}

/// Without a word about it, only this machine reaches the service.
#[test]
fn s03_what_is_not_configured_listens_to_this_machine_only() {
    let usual = csgpu::config::Config::default().listen;
    assert_eq!(usual, SocketAddr::from(([127, 0, 0, 1], 8080)));
}
