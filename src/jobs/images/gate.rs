//! What `qemu-img` says of a file before any host sees it. A disk image can name other files, which the host would open
//! for it: such a file is refused.

use crate::domain::infra::ImageFormat;
use serde_json::Value;
use std::{path::Path, time::Duration};
use tokio::process::Command;

/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The largest disk.
const MOST: u64 = 16 << 40;

/// The size of the disk in the file; the error is for the template's owner.
pub(super) async fn look(file: &Path, declared: ImageFormat, size: u64) -> Result<u64, String> {
    if size == 0 {
        return Err("the file is empty".to_owned());
    }
    let mut command = Command::new("qemu-img");
    command.args(["info", "-U", "--output=json", "--"]).arg(file);
    command.kill_on_drop(true).stdin(std::process::Stdio::null());
    let output = match tokio::time::timeout(LIMIT, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => {
            return Err(format!("qemu-img cannot be run on the management server: {error}"));
        }
        Err(_) => return Err("qemu-img did not finish looking at the file".to_owned()),
    };
    if !output.status.success() {
        return Err(format!("qemu-img cannot read the file as {declared}"));
    }
    let info: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| "qemu-img's answer cannot be read".to_owned())?;
    judge(&info, declared)
}

fn judge(info: &Value, declared: ImageFormat) -> Result<u64, String> {
    let found = info["format"].as_str().unwrap_or("unknown");
    let wanted = match declared {
        ImageFormat::QCOW2 => "qcow2",
        ImageFormat::RAW => "raw",
        ImageFormat::VHD => "vpc",
    };
    if found != wanted {
        return Err(format!("the file is {found}, not {declared}"));
    }
    let names = |field: &str| info[field].as_str().is_some_and(|name| !name.is_empty());
    if names("backing-filename") || names("full-backing-filename") {
        return Err("the file names a backing file: flatten it first".to_owned());
    }
    let data = &info["format-specific"]["data"];
    if data.get("data-file").is_some() || data["data-file-raw"] == true {
        return Err("the file keeps its data in another file".to_owned());
    }
    if info["encrypted"] == true || data.get("encrypt").is_some() {
        return Err("the file is encrypted".to_owned());
    }
    match info["virtual-size"].as_u64() {
        Some(size) if size > MOST => Err("the disk is larger than 16 TiB".to_owned()),
        Some(size) if size > 0 => Ok(size),
        _ => Err("the disk has no size".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_that_names_another_one_is_refused() {
        let good = json!({"format": "qcow2", "virtual-size": 1 << 30});
        assert_eq!(judge(&good, ImageFormat::QCOW2), Ok(1 << 30));
        let raw = judge(&good, ImageFormat::RAW).unwrap_err();
        assert_eq!(raw, "the file is qcow2, not RAW");
        for (field, value) in [
            ("backing-filename", json!("/etc/shadow")),
            ("encrypted", json!(true)),
            ("format-specific", json!({"data": {"data-file": "/dev/sda"}})),
            ("virtual-size", json!(1_u64 << 50)),
            ("virtual-size", json!(0)),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(judge(&bad, ImageFormat::QCOW2).is_err(), "{field}");
        }
    }
}
