//! The private database: its directory, its end, its rooms.

use crate::world::private::Private;
use csgpu::{
    error::{Error, Result},
    local_db::{Durability, LocalDb},
    store::{Conn, Db, migrate},
};
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use std::{
    io::{BufRead, BufReader, ErrorKind},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

fn scratch(name: &str) -> PathBuf {
    let below = Path::new(env!("CARGO_TARGET_TMPDIR"));
    below.join(format!("{}-{name}", std::process::id()))
}

#[test]
fn its_directory_is_closed_and_has_one_owner() {
    let dir = scratch("owner");
    let db = LocalDb::start(&dir, Durability::None).unwrap();
    assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let second = LocalDb::start(&dir, Durability::None).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::AddrInUse);
    assert!(second.to_string().contains("is in use by another csgpu"), "{second}");
    drop(db);
    for _ in 0..5 {
        let db = LocalDb::start(&dir, Durability::None).unwrap();
        let begun = Instant::now();
        drop(db);
        assert!(begun.elapsed() < Duration::from_secs(30), "it did not hear that it should stop");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_broken_directory_is_named() {
    let dir = scratch("broken");
    std::fs::create_dir_all(dir.join("data")).unwrap();
    std::fs::write(dir.join("data/ibdata1"), "rubbish").unwrap();
    let text = LocalDb::start(&dir, Durability::None).unwrap_err().to_string();
    assert!(text.starts_with("the private database ended (exit status: 1): "), "{text}");
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Starts the program with a private database below `dir` and waits until it is ready.
fn service(dir: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_csgpu"))
        .arg("serve")
        .env("CSGPU_DATA", dir)
        .env("CSGPU_LISTEN", "127.0.0.1:0")
        .env("CSGPU_HOSTS_CONNECTOR", "fake")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = child.stdout.take().expect("its words");
    let mut seen = Vec::new();
    for line in BufReader::new(stdout).lines().map_while(|line| line.ok()) {
        let ready = line.starts_with("ready: ");
        seen.push(line);
        if ready {
            return child;
        }
    }
    child.wait().expect("it ended");
    panic!("it never was ready: {seen:#?}");
}

#[test]
fn after_kill_9_the_service_starts_again_with_its_data() {
    let dir = scratch("kill");
    for _ in 0..3 {
        let mut child = service(&dir);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let db = loop {
        // the one that was killed last lets go by itself
        match LocalDb::start(&dir.join("database"), Durability::None) {
            Ok(db) => break db,
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}"),
        }
    };
    let servers = Db::open(&db.url("csgpu"), 1)
        .read_blocking(|conn| Ok(csgpu::store::server::all(conn)?.len()));
    assert_eq!(servers.unwrap(), 3);
    drop(db);
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A small file system, gone when dropped; only root may have one.
struct Small(PathBuf);

impl Small {
    fn new(name: &str, megabytes: u32) -> Option<Self> {
        let dir = scratch(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let size = format!("size={megabytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&dir).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!(
            "NOT TESTED: a full disk needs a file system of its own, and this user may not mount one"
        );
        std::fs::remove_dir_all(&dir).expect("an empty directory");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn count(conn: &mut Conn) -> Result<i64> {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = sql_query("SELECT COUNT(*) AS count FROM heap");
    Ok(query.get_result::<Count>(conn)?.count)
}

#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    let Some(disk) = Small::new("full", 96) else { return };
    let server = Private::start_in(disk.0.join("database"));
    let mut conn = migrate::connect(&server.url("heap")).unwrap();
    let heap = "CREATE TABLE heap (id INT AUTO_INCREMENT PRIMARY KEY, stuff CHAR(200) NOT NULL)";
    conn.batch_execute(heap).unwrap();
    let db = Db::open(&server.url("heap"), 2);
    let more = |tx: &mut csgpu::store::Tx<'_>| {
        sql_query("INSERT INTO heap (stuff) SELECT REPEAT('x', 200) FROM seq_1_to_5000")
            .execute(&mut **tx)?;
        Ok(())
    };
    let mut kept = 0;
    let full = loop {
        match db.txn_blocking("fill", more) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 200, "96 MB hold 200 MB");
    };
    assert!(
        matches!(&full, Error::Stopping(text) if text.starts_with("the database has no room for more data")),
        "{full:?}"
    );
    assert!(kept > 5);
    assert_eq!(
        db.read_blocking(count).unwrap(),
        kept * 5000,
        "what was confirmed is there, and only that"
    );
    conn.batch_execute("TRUNCATE TABLE heap").unwrap();
    db.txn_blocking("fill", more).unwrap();
}
