//! What the source must not hold: comparisons that tell by their time, shells, predictable numbers, code in data.

use csgpu::{
    dialect::signature,
    hypervisor::libvirt::{Login, check_extra},
};
use proptest::prelude::*;
use std::{fs, path::Path};

/// The files of the service with their lines of code; comments and tests apart.
fn sources() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).expect("a folder").flatten() {
            let path = file.path();
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.contains("tests") {
                let text = fs::read_to_string(path).expect("text");
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((name, lines.map(str::to_owned).collect()));
            }
        }
    }
    found
}

/// The places of lines that hold one of these words.
fn lines_with<'a>(sources: &'a [(String, Vec<String>)], words: &[&str]) -> Vec<(&'a str, &'a str)> {
    let lines =
        sources.iter().flat_map(|(name, lines)| lines.iter().map(|line| (&**name, &**line)));
    lines.filter(|(_, line)| words.iter().any(|word| line.contains(word))).collect()
}

#[test]
fn s01_signatures_are_compared_in_constant_time() {
    let sources = sources();
    let places = lines_with(&sources, &["ct_eq(", "constant_time"]);
    assert_eq!(places.len(), 1, "there is one place that compares secrets: {places:?}");
    assert_eq!(places[0].0, "src/command/secret.rs");
    let secrets = ["signature", "secret_key", "key_hash", "digest(", "cookie", "hmac", "mac."];
    for (name, line) in lines_with(&sources, &["==", "!="]) {
        let is_of_a_host = name.starts_with("src/hypervisor/") || name.starts_with("src/domain/");
        let line = line.replace("\"signatureversion\"", ""); // what a client says of its signature
        let compares = secrets.iter().any(|word| line.contains(word));
        assert!(is_of_a_host || !compares, "{name} compares a secret as it goes: {line}");
    }
    // a part of the right signature is not nearly right
    let params = [("command".to_owned(), "listZones".to_owned())];
    let right = signature::sign(&params, "secret");
    for length in 0..right.len() {
        let mut tried = params.to_vec();
        tried.push(("signature".to_owned(), right[..length].to_owned()));
        assert!(!signature::verify(&tried, "secret"), "{length} letters of it");
    }
}

/// The programs that are run, each named in the source, with words of ours; none of them is a shell.
const PROGRAMS: &[(&str, &str)] = &[
    ("src/hypervisor/libvirt/ssh/enrol.rs", "\"ssh-keygen\""),
    ("src/hypervisor/libvirt/ssh/enrol.rs", "\"ssh-keyscan\""),
    ("src/hypervisor/libvirt/ssh/enrol.rs", "\"ssh\""),
    ("src/hypervisor/libvirt/ssh/run.rs", "\"ssh\""),
    ("src/jobs/images/gate.rs", "\"qemu-img\""),
    ("src/local_db.rs", "find(\"mariadb-install-db\")"),
    ("src/local_db.rs", "find(\"mariadbd\")"),
    // the operator's own programs, from the configuration
    ("src/hypervisor/libvirt/hook.rs", "&self.program"),
    ("src/command/proof.rs", "&hook.program"),
    ("src/hypervisor/libvirt/hook.rs", "\"kill\""),
    ("src/command/proof.rs", "\"kill\""),
];

/// What looks like a shell: the one script that a host runs, a fixed text with its words beside it, and `head -c`.
const SCRIPTS: &[(&str, &str)] = &[
    ("src/hypervisor/libvirt/upload.rs", "\"sh\", &[\"-c\", PUBLISH, \"publish\", part, &whole]"),
    ("src/hypervisor/libvirt/proof.rs", "\"head\", \"-c\", \"64\""),
];

#[test]
fn s17_no_program_is_run_but_those_known_and_none_is_a_shell() {
    let sources = sources();
    for (name, line) in lines_with(&sources, &["Command::new("]) {
        if name.starts_with("src/derive/") {
            continue;
        }
        let (_, program) = line.split_once("Command::new(").expect("looked for");
        let is_known =
            PROGRAMS.iter().any(|(file, word)| *file == name && program.starts_with(word));
        assert!(is_known, "{name} runs {line}");
    }
    let shells = ["\"sh\"", "\"bash\"", "\"/bin/", "\"-c\"", "libc::system", "popen"];
    let found: Vec<_> = lines_with(&sources, &shells)
        .into_iter()
        .filter(|(name, line)| {
            !SCRIPTS.iter().any(|(file, text)| file == name && line.contains(text))
        })
        .collect();
    assert!(found.is_empty(), "{found:?}");
    // the words of the script that a host runs are quoted wherever they stand
    let upload = sources.iter().find(|(name, _)| name == SCRIPTS[0].0).expect("a file");
    for line in &upload.1 {
        for word in ["$1", "$2", "$("] {
            assert_eq!(
                line.matches(word).count(),
                line.matches(&format!("\"{word}")).count(),
                "{line}"
            );
        }
    }
    // the scripts are the one that libvirt starts instead of ssh and the one that ssh asks for a password
    let scripts: Vec<_> =
        lines_with(&sources, &["#!/"]).into_iter().map(|(name, _)| name).collect();
    let ssh = |name: &str| format!("src/hypervisor/libvirt/ssh/{name}.rs");
    let mut scripts: Vec<_> = scripts.into_iter().map(str::to_owned).collect();
    scripts.sort();
    assert_eq!(scripts, [ssh("enrol"), ssh("tunnel")]);
}

/// Bits that mean something to shells, to ssh's options and to URIs.
fn nasty() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        Just("$(id)".to_owned()),
        Just("`id`".to_owned()),
        Just(";reboot".to_owned()),
        Just("-oProxyCommand=id".to_owned()),
        Just("%0a".to_owned()),
        Just("\n".to_owned()),
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("@".to_owned()),
        Just(":22".to_owned()),
        Just("/system".to_owned()),
        Just("?socket=/x".to_owned()),
        Just("[::1]".to_owned()),
        Just("host".to_owned()),
        "[a-z0-9.-]{1,8}".prop_map(|text| text),
        any::<char>().prop_map(|letter| letter.to_string()),
    ];
    proptest::collection::vec(bit, 0..6).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn s17_no_text_becomes_an_option_or_a_word_of_a_shell(user in nasty(), host in nasty(), rest in nasty()) {
        for uri in [format!("qemu+ssh://{user}@{host}/system"), format!("qemu+ssh://{host}/system{rest}"), host] {
            let Ok(login) = Login::parse(&uri) else { continue };
            for (text, also) in [(&login.user, "._-"), (&login.host, "._-:")] {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
                prop_assert!(!text.is_empty() && text.chars().all(is_plain), "{uri}: {text}");
                prop_assert!(!text.starts_with('-'), "{uri}: {text}");
            }
            prop_assert!(!format!("{login:?}").contains(['$', '`', ';', '\'']), "{uri}");
        }
    }

    #[test]
    fn s05_extraconfig_never_holds_a_device(
        before in "[a-z<>/ ]{0,12}",
        device in proptest::sample::select(vec![
            "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='7' slot='0' function='0'/></source></hostdev>",
            "<hostdev/>",
            "<interface type='hostdev'/>",
            "<interface type=\"&#104;ostdev\"/>",
            "<disk type='nvme'/>",
            "<a:hostdev xmlns:a='x'/>",
            "<arg value='vfio-pci,host=07:00.0'/>",
            "<arg value='&#x76;fio-pci,host=07:00.0'/>",
        ]),
        depth in 0_usize..5,
        allowed in proptest::collection::vec("hostdev|devices|memtune|qemu:commandline|x|interface|disk|arg|a:hostdev", 0..5),
    ) {
        let name = allowed.first().cloned().unwrap_or_else(|| "x".to_owned());
        let (open, close) = (format!("<{name}>").repeat(depth), format!("</{name}>").repeat(depth));
        for text in [format!("{open}{device}{close}"), format!("<x/>{before}{open}{device}{close}"), format!("<!-- --><x>{device}</x>")] {
            prop_assert!(check_extra(&text, &allowed).is_err(), "{text} {allowed:?}");
        }
        let doctype = format!("<!DOCTYPE x [<!ENTITY d \"{}\">]><x>&d;</x>", "<hostdev/>");
        prop_assert!(check_extra(&doctype, &["x".to_owned()]).is_err());
    }
}

#[test]
fn s26_tokens_come_from_the_operating_system() {
    let sources = sources();
    // getrandom asks the operating system
    for file in ["src/command/secret.rs", "src/commands/ssh_key_pair/key.rs"] {
        assert!(lines_with(&sources, &["getrandom::fill"]).iter().any(|(name, _)| *name == file));
    }
    let weak = ["rand::", "fastrand", "thread_rng", "SmallRng", "RandomState", "DefaultHasher"];
    for (name, line) in lines_with(&sources, &weak) {
        assert!(line.contains("getrandom::"), "{name}: {line}");
    }
    let secret = sources.iter().find(|(name, _)| name == "src/command/secret.rs").expect("a file");
    let clock = ["Instant::now", "SystemTime", "Utc::now", "now_v7", "process::id"];
    let clock = lines_with(std::slice::from_ref(secret), &clock).len();
    assert_eq!(clock, 0, "no secret is made of the time");
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        let (api, secret) = csgpu::command::secret::key_pair().expect("randomness");
        assert!(seen.insert(api) && seen.insert(secret));
    }
}
