//! Proof of life: a device that was given back is reset, read back live and seen at its driver before it is free.
//!
//! What libvirt says is not enough: its node-device reset returns success without acting while vfio-pci is bound, and
//! under the host's own driver it would pull the device from below that driver. The ids it shows were cached when the
//! device was found. So the function is taken to vfio-pci, where nobody is disturbed, reset by the kernel through sysfs,
//! given back - its driver's probe is a test of its own - and its ids are read from the configuration space. All of
//! that over ssh, by commands with fixed words.

use super::{
    domain,
    driver::{LibvirtDriver, SHORT, WORK},
    nodedev,
};
use crate::{
    domain::{gpu::PciAddress, machine::*},
    error::Result,
    hypervisor::ExpectedDevice,
};
use std::time::Duration;
use uuid::Uuid;

/// The driver of a device that a guest has.
const VFIO: &str = "vfio-pci";
/// How long the host's driver may take to bind again.
const BIND: Duration = Duration::from_secs(8);
/// How long a slice may be seen after its removal: libvirt hears of it from udev.
const GONE: Duration = Duration::from_secs(8);
/// How often what takes a moment is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Proves one device clean, or says why not.
pub(super) async fn prove(
    driver: &LibvirtDriver,
    device: &DeviceRef,
    expected: &ExpectedDevice,
) -> Result<Proof> {
    if let Some(holder) = holder(driver, device).await? {
        return Ok(Proof::Doubt(format!("domain {holder} still uses it")));
    }
    let doubt = match device {
        DeviceRef::Mdev { uuid, parent, on_demand, .. } => {
            match release_slice(driver, *uuid, *on_demand).await? {
                Some(doubt) => Some(doubt),
                None => identity(driver, *parent, expected).await?,
            }
        }
        DeviceRef::Pci { address, companions } => {
            prove_pci(driver, *address, companions, expected).await?
        }
    };
    Ok(doubt.map_or(Proof::Clean, Proof::Doubt))
}

/// The running domain that has any function of the device.
async fn holder(driver: &LibvirtDriver, device: &DeviceRef) -> Result<Option<String>> {
    let device = device.clone();
    let domains = driver.line.call(SHORT, domain::list).await?;
    let uses = |seen: &SeenDomain| match &device {
        DeviceRef::Pci { address, companions } => {
            seen.pci.contains(address) || companions.iter().any(|c| seen.pci.contains(c))
        }
        DeviceRef::Mdev { uuid, .. } => seen.mdevs.contains(uuid),
    };
    Ok(domains.into_iter().find(|seen| seen.active && uses(seen)).map(|seen| seen.name))
}

/// A slice made on demand is gone; one made beforehand is still there.
async fn release_slice(
    driver: &LibvirtDriver,
    uuid: Uuid,
    on_demand: bool,
) -> Result<Option<String>> {
    if on_demand {
        driver.work(uuid).call(WORK, move |s| nodedev::remove_slice(s, uuid)).await?;
    }
    let is_gone = || driver.line.call(SHORT, move |s| Ok(!nodedev::mdev_exists(s, uuid)?));
    let exists = match on_demand {
        // the test driver says yes to a removal and does nothing; there is nothing behind it that could be unclean
        true if driver.is_simulated() => false,
        true => !comes_true(GONE, is_gone).await?,
        false => !is_gone().await?,
    };
    Ok(match (on_demand, exists) {
        (true, true) => Some(format!("mediated device {uuid} is still there after its removal")),
        (false, false) => Some(format!("mediated device {uuid} is not there any more")),
        _ => None,
    })
}

/// Whether it holds before the time is over.
async fn comes_true<F: Future<Output = Result<bool>>>(
    limit: Duration,
    mut holds: impl FnMut() -> F,
) -> Result<bool> {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if holds().await? {
            return Ok(true);
        }
        if tokio::time::Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn prove_pci(
    driver: &LibvirtDriver,
    address: PciAddress,
    companions: &[PciAddress],
    expected: &ExpectedDevice,
) -> Result<Option<String>> {
    let all: Vec<PciAddress> = std::iter::once(address).chain(companions.iter().copied()).collect();
    let mut ours = Vec::new();
    let mut shares = false;
    for function in all.iter().copied() {
        let Some(seen) = driver.line.call(SHORT, move |s| nodedev::function(s, function)).await?
        else {
            return Ok(Some(format!("{function} is not there any more")));
        };
        // what the operator bound to vfio-pci for good stays there
        let stays = function == address && expected.driver.as_deref() == Some(VFIO);
        // companions, and the GPUs that only ever go together with this one
        shares |= seen.group_members.len() > 1;
        ours.push((function, seen.driver.as_deref() == Some(VFIO), stays));
    }
    if driver.is_simulated() {
        return Ok(None);
    }
    // a dead device is left alone: the kernel would save its all-ones configuration and write that back after the reset
    if let Some(doubt) = identity(driver, address, expected).await? {
        return Ok(Some(doubt));
    }
    for (function, bound, _) in &ours {
        let function = *function;
        if !bound {
            let detached =
                driver.work_on(function).call(WORK, move |s| nodedev::detach(s, function));
            if let Err(error) = detached.await {
                return doubt_or_away(error, "its driver does not let it go");
            }
        }
    }
    let mut doubt = None;
    for function in &all {
        doubt = doubt.or(reset(driver, *function, shares).await?);
    }
    for (function, ..) in ours.into_iter().filter(|(_, _, stays)| !stays) {
        let back = driver.work_on(function).call(WORK, move |s| nodedev::reattach(s, function));
        if let Err(error) = back.await {
            return doubt_or_away(error, "it does not come back from vfio-pci");
        }
    }
    if doubt.is_some() {
        return Ok(doubt);
    }
    if let Some(doubt) = identity(driver, address, expected).await? {
        return Ok(Some(doubt));
    }
    wait_for_driver(driver, address, expected).await
}

/// Resets one function through the kernel. `shares`: its group has others, which travel with it.
async fn reset(
    driver: &LibvirtDriver,
    function: PciAddress,
    shares: bool,
) -> Result<Option<String>> {
    let file = format!("/sys/bus/pci/devices/{function}/reset");
    if driver.succeeds_with(&["tee", &file], b"1\n").await? {
        return Ok(None);
    }
    let method = format!("/sys/bus/pci/devices/{function}/reset_method");
    let methods = driver.run(&["cat", &method], &[]).await?.map(|ran| ran.output);
    let methods = String::from_utf8_lossy(&methods.unwrap_or_default()).into_owned();
    if shares && methods.split_whitespace().all(|method| method == "bus") {
        // Functions that share a bus and have no reset of their own are reset together, by vfio, when the guest lets go
        // of the last one (drivers/vfio/pci/vfio_pci_core.c); there is no way to ask for it again.
        return Ok(None);
    }
    if !driver.succeeds(&["test", "-e", &file]).await? {
        return Ok(Some(format!("{function} has no reset method")));
    }
    if driver.succeeds(&["test", "-w", &file]).await? {
        return Ok(Some(format!("{function} cannot be reset")));
    }
    // not root on the host: what libvirt can do has to do
    match driver.work_on(function).call(WORK, move |s| nodedev::reset(s, function)).await {
        Ok(()) => Ok(None),
        Err(error) => doubt_or_away(error, "it cannot be reset"),
    }
}

/// The ids as the configuration space has them now.
async fn identity(
    driver: &LibvirtDriver,
    address: PciAddress,
    expected: &ExpectedDevice,
) -> Result<Option<String>> {
    let file = format!("/sys/bus/pci/devices/{address}/config");
    let Some(ran) = driver.run(&["head", "-c", "64", &file], &[]).await? else { return Ok(None) };
    if !ran.success {
        return Ok(Some(format!("{address} cannot be read")));
    }
    let seen = driver.line.call(SHORT, move |s| nodedev::function(s, address)).await?;
    let is_virtual = seen.is_some_and(|seen| seen.physical.is_some());
    Ok(judge(address, &ran.output, is_virtual, expected))
}

/// Reads the ids. A virtual function shows all ones there (SR-IOV 1.1, 3.4.1.1), but has a class code like any other.
fn judge(
    address: PciAddress,
    config: &[u8],
    is_virtual: bool,
    expected: &ExpectedDevice,
) -> Option<String> {
    let word = |at: usize| config.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let (Some(vendor), Some(device), Some(class)) = (word(0), word(2), word(10)) else {
        return Some(format!("{address} shows no configuration space"));
    };
    if class == 0xffff {
        return Some(format!("{address} does not answer on the bus"));
    }
    if is_virtual && vendor == 0xffff {
        return None;
    }
    let found = (vendor, device);
    let wanted = (expected.vendor_id, expected.device_id);
    (found != wanted).then(|| {
        format!(
            "{address} reads as {vendor:04x}:{device:04x} instead of {:04x}:{:04x}",
            wanted.0, wanted.1
        )
    })
}

/// The size of a 64-bit prefetchable BAR in a line of sysfs' `resource`: start, end and flags
/// (include/linux/ioport.h: 0x2000 prefetchable, 0x100000 64 bits).
pub(super) fn large_bar(line: &str) -> Option<Bytes> {
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let words: Vec<u64> = line.split_whitespace().filter_map(number).collect();
    let [start, end, flags] = words.as_slice() else { return None };
    (flags & 0x10_2000 == 0x10_2000 && end > start).then(|| end - start + 1)
}

/// The driver is what it was before; binding takes a moment.
async fn wait_for_driver(
    driver: &LibvirtDriver,
    address: PciAddress,
    expected: &ExpectedDevice,
) -> Result<Option<String>> {
    let deadline = tokio::time::Instant::now() + BIND;
    let mut asked = false;
    loop {
        let seen = driver.line.call(SHORT, move |s| nodedev::function(s, address)).await?;
        let bound = seen.and_then(|seen| seen.driver);
        if bound == expected.driver {
            return Ok(None);
        }
        if bound.is_none() && !asked {
            // libvirt binds again only what it unbound itself: not after a probe that failed earlier
            asked = true;
            let name = format!("{address}\n");
            driver.succeeds_with(&["tee", "/sys/bus/pci/drivers_probe"], name.as_bytes()).await?;
            continue;
        }
        if tokio::time::Instant::now() >= deadline {
            let name =
                |driver: &Option<String>| driver.clone().unwrap_or_else(|| "none".to_owned());
            return Ok(Some(format!(
                "{address} is bound to {} instead of {}",
                name(&bound),
                name(&expected.driver)
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A refusal is a doubt about the device; a host that is away says nothing about it.
fn doubt_or_away(error: crate::error::Error, what: &str) -> Result<Option<String>> {
    match error {
        crate::error::Error::Unavailable(why) => Ok(Some(format!("{what}: {why}"))),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_ids_are_right() {
        let address: PciAddress = "3b:00.0".parse().unwrap();
        let expected = ExpectedDevice { vendor_id: 0x10de, device_id: 0x20b2, driver: None };
        let mut config = vec![0xde, 0x10, 0xb2, 0x20, 7, 0, 16, 0, 0xa1, 0, 2, 3];
        assert_eq!(judge(address, &config, false, &expected), None);
        config[2] = 0xb0;
        let doubt = judge(address, &config, false, &expected).unwrap();
        assert!(doubt.contains("10de:20b0 instead of 10de:20b2"), "{doubt}");
        config[..4].fill(0xff);
        assert_eq!(judge(address, &config, true, &expected), None);
        assert!(judge(address, &[0xff; 64], true, &expected).unwrap().contains("bus"));
        assert!(judge(address, &[], false, &expected).is_some());
    }

    #[tokio::test]
    async fn what_takes_a_moment_is_waited_for_and_what_takes_longer_is_not() {
        let mut looks = 0;
        let third = comes_true(GONE, || {
            looks += 1;
            let seen = looks;
            async move { Ok(seen == 3) }
        });
        assert!(third.await.unwrap());
        let began = tokio::time::Instant::now();
        assert!(!comes_true(LOOK, || async { Ok(false) }).await.unwrap());
        assert!(began.elapsed() >= LOOK, "{:?}", began.elapsed());
        let away = || async { Err(crate::error::Error::internal("away")) };
        assert!(comes_true(GONE, away).await.is_err(), "a host that is away says nothing about it");
    }

    #[test]
    fn large_bars_are_found_and_small_ones_are_not() {
        let text = "0x00000000c4000000 0x00000000c4ffffff 0x0000000000040200\n\
            0x0000004000000000 0x0000005fffffffff 0x000000000014220c\n\
            0x0000000000000000 0x0000000000000000 0x0000000000000000\n\
            0x0000006040000000 0x0000006041ffffff 0x000000000014220c\n";
        let found: Vec<Bytes> = text.lines().filter_map(large_bar).collect();
        assert_eq!(found, [128 << 30, 32 << 20]);
    }
}
