//! The private database of a first run: a MariaDB of our own, reached by a unix socket only.
//!
//! It lives and dies with the service and is the same engine as in production, so that there is one code path and one
//! dialect. Its directory is closed to other users, which is what protects it: behind the socket there is no password.
//!
//! Two locks guard the directory. `lock` is the service's: a second service is refused at once. `db.lock` is inherited
//! by the database process itself: after a `kill -9` of the service the next start waits until the old database, which
//! stops by itself, has let go of its files.
//!
//! A thread of its own keeps it: it starts the database, starts it again should it end (a full disk can do that), and
//! stops it in the end. The kernel stops the database when that thread ends for any other reason, so it never outlives
//! the service.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::{
        fd::AsRawFd,
        unix::{
            fs::{MetadataExt, PermissionsExt},
            net::UnixStream,
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Where distributions put the server, beside the search path.
const PLACES: &[&str] =
    &["/usr/sbin", "/usr/libexec", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

const MISSING: &str = "it is needed because no database.url is set: install MariaDB's server \
    (Debian and Ubuntu: apt install mariadb-server-core; Fedora and RHEL: dnf install mariadb-server), \
    or set database.url to a MySQL or MariaDB server of yours";

/// How much a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: what is committed is on the disk.
    Full,
    /// Everything, for tests: a third of the time.
    None,
}

/// A running private database; dropping it stops it.
#[derive(Debug)]
pub struct LocalDb {
    place: Place,
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
    _lock: File,
}

/// Where it lives and how; what its keeper needs to start it again.
#[derive(Debug, Clone)]
struct Place {
    dir: PathBuf,
    socket: PathBuf,
    durability: Durability,
    /// The lock that the database process inherits.
    lock: Arc<File>,
    pid: Arc<AtomicU32>,
}

impl LocalDb {
    /// Starts the database below `dir`, and creates it there if it is not.
    pub fn start(dir: &Path, durability: Durability) -> io::Result<Self> {
        std::fs::create_dir_all(dir).map_err(|e| about(dir, "cannot be created", &e))?;
        let dir = dir.canonicalize()?;
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700))
            .map_err(|e| about(&dir, "cannot be closed to other users", &e))?;
        let (ours, servers) = lock(&dir)?;
        let socket = dir.join("db.sock");
        if socket.as_os_str().len() > 106 {
            let text = format!("the path {} is too long for a socket", socket.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if !dir.join("data").is_dir() {
            create(&dir)?;
        }
        let (lock, pid) = (Arc::new(servers), Arc::default());
        let place = Place { dir, socket, durability, lock, pid };
        let (stop, stopped) = mpsc::channel();
        let (tell, hear) = mpsc::channel();
        let kept = place.clone();
        let keeper = thread::Builder::new().name("private database".to_owned());
        let keeper = keeper.spawn(move || match kept.start() {
            Ok(child) => {
                let _ = tell.send(Ok(()));
                kept.keep(child, &stopped);
            }
            Err(error) => drop(tell.send(Err(error))),
        })?;
        let died = |_| Err(io::Error::other("the private database's keeper died"));
        hear.recv().unwrap_or_else(died)?;
        Ok(Self { place, stop: Some(stop), keeper: Some(keeper), _lock: ours })
    }

    /// The URL of one of its databases; an empty name for none.
    pub fn url(&self, database: &str) -> String {
        url_at(&self.place.socket, database)
    }

    /// The URL of a database of the one below `dir` that another process runs, if one does.
    pub fn url_of_running(dir: &Path, database: &str) -> Option<String> {
        let socket = dir.canonicalize().ok()?.join("db.sock");
        greets(&socket).then(|| url_at(&socket, database))
    }

    /// The id of its process, another one after a restart.
    pub fn pid(&self) -> u32 {
        self.place.pid.load(Relaxed)
    }
}

fn url_at(socket: &Path, database: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    let bytes = socket.as_os_str().as_encoded_bytes().iter();
    let socket: String = bytes
        .map(|&b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("mysql://root@localhost/{database}?unix_socket={socket}")
}

impl Drop for LocalDb {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

impl Place {
    /// Starts the process and waits until it takes connections.
    fn start(&self) -> io::Result<Child> {
        if self.socket.exists() {
            std::fs::remove_file(&self.socket)?;
        }
        let log = self.dir.join("db.log");
        let seen = std::fs::metadata(&log).map_or(0, |m| m.len());
        let mut command = server(&self.dir, &self.socket, self.durability);
        die_with_this_thread(&mut command, self.lock.as_raw_fd());
        let mut child = command.spawn().map_err(|e| not_started("mariadbd", &e))?;
        self.pid.store(child.id(), Relaxed);
        let end = Instant::now() + Duration::from_secs(60);
        while !greets(&self.socket) {
            if let Some(status) = child.try_wait()? {
                let why = complaint(&log, seen);
                let text = format!("the private database ended ({status}): {why}");
                return Err(io::Error::other(text));
            }
            if Instant::now() > end {
                stop(&mut child);
                let text = format!("the private database did not start, see {}", log.display());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            moment();
        }
        Ok(child)
    }

    /// Watches the process until it is to be stopped, and starts it again when it ends by itself: at once, then with
    /// growing pauses as long as it does not last.
    fn keep(&self, first: Child, stopped: &Receiver<()>) {
        let (mut child, mut since, mut pause) = (Some(first), Instant::now(), Duration::ZERO);
        loop {
            let wait = if child.is_some() { Duration::from_millis(100) } else { pause };
            if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                child.as_mut().into_iter().for_each(stop);
                return;
            }
            if let Some(running) = &mut child {
                let outcome = running.try_wait();
                if matches!(outcome, Ok(None)) {
                    continue;
                }
                tracing::error!(?outcome, "the private database ended by itself");
                if since.elapsed() > Duration::from_secs(60) {
                    pause = Duration::ZERO;
                }
                child = None;
                continue;
            }
            pause = longer(pause);
            since = Instant::now();
            child = match self.start() {
                Ok(child) => Some(child),
                Err(error) => {
                    tracing::error!(%error, ?pause, "the private database does not start");
                    None
                }
            };
        }
    }
}

/// Whether it takes connections. The socket alone does not say so: it is there before anybody looks at it, and a
/// database that is asked to stop in between does not hear it.
fn greets(socket: &Path) -> bool {
    let hear = |mut stream: UnixStream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.read_exact(&mut [0])
    };
    UnixStream::connect(socket).and_then(hear).is_ok()
}

/// The next pause: a second, then twice as long each time, up to half a minute.
fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(Duration::from_secs(1), Duration::from_secs(30))
}

/// Stops it in good order, and by force if it takes longer than systemd would wait for us.
fn stop(child: &mut Child) {
    signal(child, libc::SIGTERM);
    let end = Instant::now() + Duration::from_secs(60);
    while let Ok(None) = child.try_wait() {
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        moment();
    }
}

/// Takes both locks, waiting for the second as long as an abandoned database may need to stop.
fn lock(dir: &Path) -> io::Result<(File, File)> {
    let open = |name| OpenOptions::new().create(true).append(true).open(dir.join(name));
    let (ours, servers) = (open("lock")?, open("db.lock")?);
    let refuse = |text: String| Err(io::Error::new(io::ErrorKind::AddrInUse, text));
    // a program that is just being started has a copy of every lock of its parent, for a moment
    let end = Instant::now() + Duration::from_secs(1);
    while ours.try_lock().is_err() {
        if Instant::now() > end {
            let dir = dir.display();
            return refuse(format!(
                "{dir} is in use by another csgpu: stop it, or give this one a data directory of its own"
            ));
        }
        moment();
    }
    let end = Instant::now() + Duration::from_secs(20);
    while servers.try_lock().is_err() {
        if Instant::now() > end {
            let dir = dir.display();
            return refuse(format!("the previous private database in {dir} has not stopped yet"));
        }
        moment();
    }
    Ok((ours, servers))
}

/// Creates the data directory, under another name until it is whole.
fn create(dir: &Path) -> io::Result<()> {
    let part = dir.join("data.part");
    if part.exists() {
        std::fs::remove_dir_all(&part)?;
    }
    let mut command = Command::new(find("mariadb-install-db"));
    common(&mut command, &part);
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    command.args(["--skip-name-resolve", "--innodb-buffer-pool-size=16M"]);
    command.args(["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"]);
    let output = command.stderr(Stdio::piped()).stdout(Stdio::piped()).output();
    let output = output.map_err(|e| not_started("mariadb-install-db", &e))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let telling = |line: &&str| !line.trim().is_empty() && !line.contains("[Note]");
        let why = text.lines().filter(telling).collect::<Vec<_>>().join("; ");
        return Err(io::Error::other(format!(
            "the private database could not be created in {}: {why}",
            dir.display()
        )));
    }
    std::fs::rename(part, dir.join("data"))
}

/// The command that runs the server.
fn server(dir: &Path, socket: &Path, durability: Durability) -> Command {
    let mut command = Command::new(find("mariadbd"));
    common(&mut command, &dir.join("data"));
    command
        .arg(format!("--socket={}", socket.display()))
        .arg(format!("--pid-file={}", dir.join("db.pid").display()))
        .arg(format!("--log-error={}", dir.join("db.log").display()))
        .args(["--skip-networking", "--skip-name-resolve", "--max-connections=500"])
        .args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"])
        .args(["--transaction-isolation=READ-COMMITTED", "--default-time-zone=+00:00"])
        .args(["--innodb-buffer-pool-size=64M", "--key-buffer-size=1M"])
        .arg("--aria-pagecache-buffer-size=1M")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0); // Ctrl-C in a terminal must not reach it before the service has finished
    if durability == Durability::None {
        command.args(["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"]);
        command.arg("--innodb-flush-method=nosync");
    }
    command
}

/// What creating and running have in common. `--no-defaults` must come first; it keeps /etc/mysql out of it. The
/// directory for temporary files is its own: a server that starts removes the temporary tables it finds, whosever.
fn common(command: &mut Command, data: &Path) {
    command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
    if let Some(dir) = data.parent() {
        let own = dir.join("tmp");
        if std::fs::create_dir_all(&own).is_ok() {
            command.arg(format!("--tmpdir={}", own.display()));
        }
    }
    command.args(["--innodb-log-file-size=16M", "--innodb-autoextend-increment=4"]);
    command.stdin(Stdio::null());
    if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
        command.arg("--user=root");
    }
}

fn find(program: &str) -> PathBuf {
    let mut places = PLACES.iter().map(|place| Path::new(place).join(program));
    places.find(|path| path.exists()).unwrap_or_else(|| program.into())
}

/// Ties the server's life to this thread, and lets it inherit the lock.
#[expect(unsafe_code, reason = "between fork and exec only the kernel's own calls are allowed")]
fn die_with_this_thread(command: &mut Command, lock: i32) {
    let parent = std::process::id();
    let prepare = move || {
        // SAFETY: four system calls, no memory of the parent is touched
        let refused = unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) != 0
                || libc::fcntl(lock, libc::F_SETFD, 0) != 0
        };
        if refused {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above; the service may have ended before the line above took effect
        if unsafe { libc::getppid() } as u32 != parent {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: `prepare` allocates nothing and takes no lock
    unsafe { command.pre_exec(prepare) };
}

#[expect(unsafe_code, reason = "std can only kill, and a database wants to be asked to stop")]
fn signal(child: &Child, signal: i32) {
    // SAFETY: the child was not waited for yet, so the id is still its own
    unsafe { libc::kill(child.id() as i32, signal) };
}

/// A short wait where nothing tells us when: another process opens a socket, ends, or lets go of a lock.
fn moment() {
    std::thread::park_timeout(Duration::from_millis(5));
}

fn about(path: &Path, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} {what}: {error}", path.display()))
}

fn not_started(program: &str, error: &io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::NotFound => format!("{program} was not found; {MISSING}"),
        _ => format!("{program} could not be started: {error}"),
    };
    io::Error::new(error.kind(), text)
}

/// What the server wrote about its end.
fn complaint(log: &Path, seen: u64) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let fresh = bytes.get(seen as usize..).unwrap_or(&bytes);
    errors_in(&String::from_utf8_lossy(fresh)).unwrap_or_else(|| format!("see {}", log.display()))
}

/// The first errors in a log, in one line.
fn errors_in(text: &str) -> Option<String> {
    let errors: Vec<&str> =
        text.lines().filter_map(|l| l.split_once("[ERROR] ")).map(|(_, e)| e).take(3).collect();
    (!errors.is_empty()).then(|| errors.join("; "))
}
