//! The operator's hook, asked for a simulated host.

use super::*;
use std::os::unix::fs::PermissionsExt;

/// A script of the shell, as a hook that gets so many milliseconds.
fn hook(scratch: &Scratch, name: &str, script: &str, limit: u64) -> DomainHook {
    let program = scratch.0.join(name);
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    DomainHook { program, limit: Duration::from_millis(limit) }
}

#[tokio::test]
async fn a_hook_may_change_a_definition_but_not_whose_it_is_nor_its_devices() {
    let scratch = Scratch::new();
    let uri = simulate(&scratch.0.join("sim"), "gpu-01", Flavour::Nvidia, 8).unwrap();
    let path = uri.strip_prefix("test://").unwrap();
    let mut driver = scratch.connector().open_simulated(&address(&uri, None), path).unwrap();
    let gpu = driver.devices().await.unwrap().functions[0].address;
    let device = DeviceRef::Pci { address: gpu, companions: vec![] };
    let details = [("tier".to_owned(), "<gold>".to_owned())].into_iter().collect();
    let spec = MachineSpec { details, ..machine(1, vec![device]) };
    let sed = |edit: &str| format!("exec sed '{edit}'");
    let refusals = [
        ("other", sed("s/<name>.*</<name>x</"), "it is of x"),
        ("none", sed("/<hostdev/,/<.hostdev/d"), "its hostdevs are not those"),
        ("silent", "cat >/dev/null".to_owned(), "is not taken: "),
        ("cut", "head -c 300".to_owned(), "is not taken: "),
        ("much", "yes '<a/>' | head -c 3000000".to_owned(), "said more than 1024 KiB"),
        (
            "no",
            "echo started; echo 'no licence left' >&2; exit 3".to_owned(),
            "ended with 3: no licence left",
        ),
        ("hangs", "sleep 4711 & sleep 4711".to_owned(), "did not end within 0.7 s"),
    ];
    for (name, script, why) in refusals {
        let limit = if name == "hangs" { 700 } else { 20_000 };
        driver.hook = Some(hook(&scratch, name, &script, limit));
        let refused = driver.ensure_defined(&spec).await.unwrap_err().to_string();
        assert!(refused.starts_with("host h1 cannot run the instance: the "), "{refused}");
        assert!(refused.contains(why), "{name}: {refused}");
        assert!(driver.domains().await.unwrap().iter().all(|domain| domain.uuid != spec.uuid));
    }
    driver.hook = Some(DomainHook { program: "/nowhere/hook".into(), limit: SECOND });
    let refused = driver.ensure_defined(&spec).await.unwrap_err().to_string();
    assert!(refused.contains("the domain hook cannot be started: "), "{refused}");

    // the words and the details are told; what it says is what the host gets
    let script = format!(
        "test \"$1 $2\" = 'h1 {}' && {}",
        spec.uuid,
        sed("s/gold/&en/; s/<features>/<title>by hand<\\/title>&/")
    );
    driver.hook = Some(hook(&scratch, "good", &script, 20_000));
    driver.ensure_defined(&spec).await.unwrap();
    let id = spec.uuid;
    let xml = driver.line.call(driver::SHORT, move |s| Ok(domain_xml(s, id))).await.unwrap();
    assert!(xml.contains("<title>by hand</title>"), "{xml}");
    assert!(xml.contains("<csgpu:detail name=\"tier\">&lt;golden&gt;</csgpu:detail>"), "{xml}");
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_is_added_to_a_definition_is_in_it_once() {
    let scratch = Scratch::new();
    let (_connector, driver) = simulated(&scratch, Flavour::Nvidia);
    let extra = |text: &str| MachineSpec { extra: Some(text.to_owned()), ..machine(1, vec![]) };
    driver
        .ensure_defined(&extra("<memtune><hard_limit unit='G'>8</hard_limit></memtune>"))
        .await
        .unwrap();
    let backing = "<memoryBacking><locked/></memoryBacking>";
    driver.ensure_defined(&extra(backing)).await.unwrap();
    let pages = MachineSpec { hugepages: Some(shape::HugePages::Usual), ..extra(backing) };
    let refused = driver.ensure_defined(&pages).await.unwrap_err().to_string();
    assert!(refused.ends_with("its definition has a memoryBacking already"), "{refused}");
}
