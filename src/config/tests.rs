//! What a file and an environment make.

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_is_printed_can_be_read_back() {
    let config = Config::default();
    let text = config.render();
    assert_eq!(Config::from_parts(&text, []), Ok(config), "{text}");
    assert!(text.contains("[database]\n# mysql://"), "{text}");
}

#[test]
fn the_environment_comes_after_the_file() {
    let file = "listen = '0.0.0.0:80'\n[database]\npool = 4\nmigrate = false\n";
    let set = [
        ("CSGPU_DATABASE_POOL", "9"),
        ("CSGPU_LOG_LEVEL", "debug"),
        ("CSGPU_ADMIN_PASSWORD", "12345"),
        ("CSGPU_HOSTS_TEST_DIRECTORY", "/srv/hosts"),
        ("CSGPU_TEST_DATABASE_URL", "not ours"),
        ("PATH", "/bin"),
    ];
    let config = Config::from_parts(file, environment(&set)).unwrap();
    assert_eq!(config.listen.port(), 80);
    assert_eq!((config.database.pool, config.database.migrate), (9, false));
    assert_eq!(config.log.level, "debug");
    assert_eq!(config.admin.password, Some(Secret::new("12345")));
    assert_eq!(config.hosts.test_directory, Some(PathBuf::from("/srv/hosts")));
}

#[test]
fn a_typing_mistake_is_no_default() {
    let line = Config::from_parts("[database]\nurll = 'x'\n", []).unwrap_err();
    assert!(line.contains("urll") && line.contains("line 2"), "{line}");
    let name = Config::from_parts("", environment(&[("CSGPU_DATABASE_URLL", "x")])).unwrap_err();
    assert_eq!(name, "CSGPU_DATABASE_URLL: there is no such setting");
    let number = Config::from_parts("", environment(&[("CSGPU_JOBS_WORKERS", "x")])).unwrap_err();
    assert_eq!(number, "CSGPU_JOBS_WORKERS: x is no number");
    let most = Config::from_parts("[jobs]\nworkers = 0\n", []).unwrap_err();
    assert_eq!(most, "workers in [jobs] is 0, allowed are 1 to 256");
}

#[test]
fn what_happens_to_gpus_can_be_set() {
    let file = "[instances]\ndetach_on_stop = true\nstop_seconds = 5\n[gpus]\nmanage_discovered = false\n\
        include = ['1a03:*']\nexclude = ['10de:20b2', '1002:*']\n";
    let set = [("CSGPU_GPUS_TRUSTED_DRIVERS", "nvidia, amdgpu"), ("CSGPU_GPUS_INCLUDE", "102b:*")];
    let config = Config::from_parts(file, environment(&set)).unwrap();
    assert!(config.instances.detach_on_stop && !config.gpus.manage_discovered);
    assert_eq!(config.instances.stop_seconds, 5);
    let rules = config.gpu_rules().unwrap();
    assert_eq!(rules.include, ["102b:*".parse().unwrap()]);
    assert_eq!(rules.exclude, ["10de:20b2".parse().unwrap(), "1002:*".parse().unwrap()]);
    assert_eq!(rules.trusted_drivers, ["nvidia", "amdgpu"]);
    let text = config.render();
    assert!(text.contains("exclude = [\"10de:20b2\", \"1002:*\"]"), "{text}");
    assert_eq!(Config::from_parts(&text, []), Ok(config), "{text}");
}

#[test]
fn a_rule_that_is_none_is_refused_under_its_key() {
    let refused = |text: &str| Config::from_parts(text, []).unwrap_err();
    assert_eq!(
        refused("[gpus]\nexclude = ['10de:*', 'ten']\n"),
        "exclude in [gpus]: ten is no device rule: write it as 10de:20b2 or 10de:*"
    );
    let text = refused("[gpus]\ninclude = ['0x10de:*']\n");
    assert!(text.starts_with("include in [gpus]: 0x10de:* is no"), "{text}");
    assert_eq!(
        refused("[gpus]\ntrusted_drivers = ['a b']\n"),
        "trusted_drivers in [gpus]: \"a b\" is no name of a driver"
    );
    assert_eq!(
        refused("[instances]\nstop_seconds = 0\n"),
        "stop_seconds in [instances] is 0, allowed are 1 to 3600"
    );
    for (line, why) in [
        (
            "extra_config = ['memtune', 'devices']",
            "extra_config in [instances] cannot allow devices",
        ),
        (
            "extra_config = ['qemu:commandline']",
            "extra_config in [instances] cannot allow qemu:commandline",
        ),
        ("domain_hook = 'hook'", "domain_hook in [instances] is no absolute path"),
    ] {
        assert_eq!(refused(&format!("[instances]\n{line}\n")), why);
    }
    assert!(refused("[gpus]\nexclude = '10de:*'\n").contains("exclude"), "a list");
}

#[test]
fn a_complaint_is_one_line_and_says_where() {
    let line = |text: &str| Config::from_parts(text, []).unwrap_err();
    assert_eq!(line("\nlisten = 'here'"), "line 2, listen: invalid socket address syntax");
    assert!(
        line("[jobs]\nworkers = 'x'").starts_with("line 2, workers: invalid type: string \"x\"")
    );
    assert!(line("[jobs").starts_with("line 1: unclosed table"));
    let name = |name, value| Config::from_parts("", environment(&[(name, value)])).unwrap_err();
    assert_eq!(name("CSGPU_LISTEN", "99"), "CSGPU_LISTEN: invalid socket address syntax");
    assert_eq!(name("CSGPU_DATA", ""), "data is empty, it must name a directory");
    assert!(name("CSGPU_HOSTS_CONNECTOR", "xen").starts_with("CSGPU_HOSTS_CONNECTOR: unknown"));
}

#[test]
fn secrets_are_not_shown() {
    let set = [("CSGPU_DATABASE_URL", "mysql://u:hush@h/d"), ("CSGPU_ADMIN_PASSWORD", "hush")];
    let config = Config::from_parts("", environment(&set)).unwrap();
    let shown = format!("{config:?}{}", config.render());
    assert!(!shown.contains("hush"), "{shown}");
    assert!(shown.contains("# url is set and not shown"), "{shown}");
    assert_eq!(config.database.url.as_ref().map(Secret::reveal), Some("mysql://u:hush@h/d"));
}
