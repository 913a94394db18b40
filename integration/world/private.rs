//! A database server of one test, which may be killed, started again, and filled up.

use csgpu::local_db::{Durability, LocalDb};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// A private server in a directory of its own.
pub struct Private {
    dir: PathBuf,
    db: Option<LocalDb>,
}

impl Private {
    /// Creates and starts one below `target/tmp`.
    pub fn start(name: &str) -> Self {
        let below = Path::new(env!("CARGO_TARGET_TMPDIR"));
        Self::start_in(below.join(format!("{}-{name}", std::process::id())))
    }

    /// Creates and starts one in this directory.
    pub fn start_in(dir: PathBuf) -> Self {
        Self { dir, db: None }.restart()
    }

    /// Where it lives.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        self.db.as_ref().expect("it runs").url(database)
    }

    /// Ends its process as a crash would, and waits until its keeper has started another one.
    pub fn crash(&self) {
        let db = self.db.as_ref().expect("it runs");
        let pid = db.pid();
        let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(status.expect("a kill").success());
        let end = Instant::now() + Duration::from_secs(20);
        while db.pid() == pid {
            assert!(Instant::now() < end, "it was not started again");
            std::thread::yield_now();
        }
    }

    /// Stops it.
    pub fn stop(&mut self) {
        self.db = None;
    }

    /// Starts it again.
    pub fn restart(mut self) -> Self {
        self.db = Some(LocalDb::start(&self.dir, Durability::Full).expect("a private database"));
        self
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.db.take());
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
