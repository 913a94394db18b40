//! Uploads: a file of this server becomes a volume of a host, whole or not at all.
//!
//! Several servers may upload one volume at once, and any of them may end in the middle. libvirt cannot rename a volume,
//! so each upload has a name of its own, and the host itself gives the finished file its real name: by a link, which the
//! kernel makes in one step and never over one that is there. Whoever comes second finds the volume and drops his own.
//! What a server left that ended in the middle is removed by a later upload to the same pool.

use super::{
    driver::{LibvirtDriver, SHORT, WORK},
    fault::one_line,
    storage,
};
use crate::{
    domain::machine::{NewVolume, VolumeRef},
    error::{Error, Result},
};
use std::{fs::File, path::Path, time::Duration};

/// The end of the name of what is not whole yet.
const PART: &str = "csgpu-part";

/// Run on the host with the part's path and the final one: flushes the content, gives it its name unless somebody was
/// faster, and removes the part with all those in the same place that nobody has written to for an hour.
const PUBLISH: &str = r#"exec 2>&1
sync -- "$1" && { ln -T -- "$1" "$2" || [ -e "$2" ]; } || exit 1
rm -f -- "$1"
find "$(dirname -- "$2")" -maxdepth 1 -type f -name '*.csgpu-part' -mmin +60 -delete
exit 0"#;

/// How long a volume that was just put there may take to be seen, and how often it is looked for.
const SEEN: (Duration, Duration) = (Duration::from_secs(20), Duration::from_millis(300));

/// The volume holds the file's content.
pub(super) async fn ensure(driver: &LibvirtDriver, new: &NewVolume, file: &Path) -> Result<()> {
    let unreadable = |error| Error::internal(format!("cannot read {}: {error}", file.display()));
    let source = File::open(file).map_err(unreadable)?;
    let Some(copies) = &driver.copies else {
        // the test driver keeps no content
        let new = new.clone();
        return driver.line.call(SHORT, move |s| storage::ensure(s, &new)).await;
    };
    let length = source.metadata().map_err(unreadable)?.len();
    let whole = new.volume.clone();
    let unique = uuid::Uuid::new_v4().simple();
    let part = VolumeRef { volume: format!("{}.{unique}.{PART}", whole.volume), ..whole.clone() };
    let room = part.clone();
    let made = copies.call(SHORT, move |session| {
        if storage::is_there(session, &whole)? {
            return Ok(None);
        }
        storage::make_room(session, &room, length).map(Some)
    });
    let Some(path) = made.await? else { return Ok(()) };
    let filled = copies.call(SHORT, move |session| storage::fill(session, &part, source, length));
    let published = match filled.await {
        Ok(()) => publish(driver, new, &path).await,
        Err(error) => Err(error),
    };
    if published.is_err() {
        let _ = with(driver, "rm", &["-f", "--", &path]).await;
    }
    published
}

/// The finished part gets the volume's name.
async fn publish(driver: &LibvirtDriver, new: &NewVolume, part: &str) -> Result<()> {
    let whole = match part.rsplit_once('/') {
        Some((directory, _)) => format!("{directory}/{}", new.volume.volume),
        None => return Err(Error::internal(format!("{part} is no path of a volume"))),
    };
    if let Some(why) = with(driver, "sh", &["-c", PUBLISH, "publish", part, &whole]).await? {
        return Err(Error::Unavailable(format!(
            "host {} did not give the upload its name {whole}: {why}",
            driver.name
        )));
    }
    let deadline = tokio::time::Instant::now() + SEEN.0;
    loop {
        let volume = new.volume.clone();
        if driver.line.call(SHORT, move |s| storage::is_there(s, &volume)).await? {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            let volume = &new.volume;
            return Err(Error::Unavailable(format!(
                "host {} does not see volume {} in pool {}",
                driver.name, volume.volume, volume.pool
            )));
        }
        tokio::time::sleep(SEEN.1).await;
    }
}

/// Runs a program on the host with arguments of any kind, which no shell sees; what it complained of when it failed.
async fn with(driver: &LibvirtDriver, program: &str, words: &[&str]) -> Result<Option<String>> {
    let input = words.join("\0");
    let ran = driver.run_for(WORK, &["xargs", "-0", program], input.as_bytes()).await?;
    Ok(ran.filter(|ran| !ran.success).map(|ran| one_line(&String::from_utf8_lossy(&ran.output))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_part_gets_the_name_once_and_what_is_old_goes() {
        let directory = std::env::temp_dir().join(format!("csgpu a'b {}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let at = |name: &str| directory.join(name).display().to_string();
        let write = |name: &str| std::fs::write(at(name), name).unwrap();
        let publish = |part: &str| {
            let words = ["-c", PUBLISH, "publish", &at(part), &at("whole")];
            let ran = Command::new("sh").args(words).output().unwrap();
            (ran.status.success(), String::from_utf8(ran.stdout).unwrap())
        };
        let names = || {
            let found = std::fs::read_dir(&directory).unwrap().map(|it| it.unwrap().file_name());
            let mut names: Vec<String> = found.map(|it| it.into_string().unwrap()).collect();
            names.sort();
            names
        };
        for name in ["whole.1.csgpu-part", "whole.2.csgpu-part", "other.csgpu-part", "old.raw"] {
            write(name);
        }
        let old = [at("other.csgpu-part"), at("old.raw")];
        assert!(
            Command::new("touch").args(["-d", "2 hours ago"]).args(old).status().unwrap().success()
        );
        assert_eq!(publish("whole.1.csgpu-part"), (true, String::new()));
        assert_eq!(names(), ["old.raw", "whole", "whole.2.csgpu-part"]);
        let (done, said) = publish("whole.2.csgpu-part");
        assert!(done, "{said}");
        assert_eq!(names(), ["old.raw", "whole"]);
        assert_eq!(std::fs::read_to_string(at("whole")).unwrap(), "whole.1.csgpu-part");
        let (done, said) = publish("whole.3.csgpu-part");
        assert!(!done && said.contains("whole.3.csgpu-part"), "{said}");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
