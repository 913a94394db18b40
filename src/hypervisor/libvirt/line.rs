//! One thread per line owns a connection to a host: closures in, results out, in order.
//!
//! Every call of libvirt blocks, some for as long as ssh takes to give up. So each host has a *main* line for short
//! questions, which is always connected and reconnects by itself, and a few lines that dial when there is work and hang
//! up when there is none for a minute: three for starting and stopping (a start can pin a terabyte of memory first),
//! one for copies. A stop therefore never queues behind a copy, and a dead host blocks its own threads only.
//!
//! A call that takes longer than its limit is ended by killing the ssh child under it; that is the only interrupt
//! libvirt knows. One timer of libvirt's event loop looks after all lines of the process.

use super::{
    bell::Bell,
    dial::Dial,
    fault::Fault,
    raw::{self, Ear, Subscription, Told},
};
use crate::{
    error::{Error, Result},
    hypervisor::{HostEvent, Link},
};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use virt::connect::Connect;

/// The longest a connection may take to come up.
const DIAL: Duration = Duration::from_secs(9);
/// A line that dials on demand hangs up after this long without work.
const IDLE: Duration = Duration::from_secs(60);
/// The longest pause between attempts to reconnect.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An open connection. The subscription goes first, as libvirt asks.
pub(super) struct Session {
    _events: Option<Subscription>,
    /// The connection.
    pub(super) connect: Connect,
    line: Weak<Shared>,
}

impl Session {
    /// A long call is getting on: its limit starts anew.
    pub(super) fn alive(&self, limit: Duration) {
        if let Some(line) = self.line.upgrade()
            && let Some(busy) = &mut line.lock().busy
        {
            busy.until = Instant::now() + limit;
        }
    }
}

/// Runs with the connection, or with the reason why there is none; says whether the connection is still good.
type Job = Box<dyn FnOnce(Result<&Session, &str>) -> bool + Send>;

struct Shared {
    host: String,
    dial: Dial,
    bell: Arc<Bell>,
    main: bool,
    inner: Mutex<Inner>,
    wake: Condvar,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<(Duration, Job)>,
    thread: bool,
    closed: bool,
    broken: bool,
    busy: Option<Busy>,
}

struct Busy {
    until: Instant,
    killed: bool,
}

/// A line to a host.
pub(super) struct Line(Arc<Shared>);

impl Line {
    /// The line that is always connected. Returns at once.
    pub(super) fn main(host: &str, dial: Dial, bell: Arc<Bell>) -> Result<Self> {
        let line = Self::new(host, dial, bell, true)?;
        line.0.clone().wake_up();
        Ok(line)
    }

    /// A line that dials when there is work.
    pub(super) fn spare(host: &str, dial: Dial, bell: Arc<Bell>) -> Result<Self> {
        Self::new(host, dial, bell, false)
    }

    fn new(host: &str, dial: Dial, bell: Arc<Bell>, main: bool) -> Result<Self> {
        raw::start_events(watch_all).map_err(Error::internal)?;
        let shared = Arc::new(Shared {
            host: host.to_owned(),
            dial,
            bell,
            main,
            inner: Mutex::default(),
            wake: Condvar::new(),
        });
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|line| line.strong_count() > 0);
        watched.push(Arc::downgrade(&shared));
        Ok(Self(shared))
    }

    /// Runs the closure with the connection. A caller that leaves before its turn is forgotten.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        act: impl FnOnce(&Session) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let host = self.0.host.clone();
        let job = move |session: Result<&Session, &str>| {
            if sender.is_closed() {
                return true;
            }
            let (result, alive) = match session {
                Err(why) => (Err(Fault::Away(why.to_owned())), true),
                Ok(session) => {
                    let result = act(session);
                    // is_alive looks at the socket of this process only: it does not block
                    let alive = result.is_ok() || session.connect.is_alive().unwrap_or(false);
                    (result, alive)
                }
            };
            let result = result.map_err(|fault| fault.for_host(&host, alive));
            let good = alive && !matches!(result, Err(Error::Unreachable { .. }));
            let _ = sender.send(result);
            good
        };
        self.0.lock().queue.push_back((limit, Box::new(job)));
        self.0.clone().wake_up();
        let away =
            |why: &str| Error::Unreachable { host: self.0.host.clone(), why: why.to_owned() };
        // every call before this one has its limit, so the turn comes
        receiver.await.unwrap_or_else(|_| Err(away("the connection was closed")))
    }

    /// Ends the thread after the call it is in; what waits is answered "closed".
    pub(super) fn close(&self) {
        let mut inner = self.0.lock();
        inner.closed = true;
        inner.queue.clear();
        if inner.busy.is_some() {
            self.0.dial.kill();
        }
        drop(inner);
        self.0.wake.notify_all();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is work: a thread looks after it.
    fn wake_up(self: Arc<Self>) {
        let mut inner = self.lock();
        if inner.closed {
            inner.queue.clear();
        } else if inner.thread {
            self.wake.notify_all();
        } else {
            inner.thread = true;
            let me = self.clone();
            let thread = std::thread::Builder::new().name(format!("host-{}", self.host));
            if thread.spawn(move || me.run()).is_err() {
                inner.thread = false;
                inner.queue.clear(); // the callers hear that the line is closed
            }
        }
    }

    fn run(self: Arc<Self>) {
        let mut session = None;
        let mut pause = Pause::default();
        loop {
            match self.next(session.is_some(), &pause) {
                Step::End => return hang_up(session.take()),
                Step::Broken => {
                    hang_up(session.take());
                    self.down("the connection was lost");
                }
                Step::Dial => session = self.dial(&mut pause).ok(),
                Step::Work(limit, job) => {
                    let stale = |s: &mut Session| !s.connect.is_alive().unwrap_or(false);
                    if !self.main && session.as_mut().is_some_and(stale) {
                        hang_up(session.take());
                    }
                    if session.is_none() && !self.main {
                        session = self.dial(&mut pause).ok();
                    }
                    if !self.work(limit, job, session.as_ref()) {
                        hang_up(session.take());
                        self.down("the connection was lost");
                    }
                }
            }
        }
    }

    /// Waits for something to do.
    fn next(&self, connected: bool, pause: &Pause) -> Step {
        let mut inner = self.lock();
        loop {
            if inner.closed {
                inner.thread = false;
                return Step::End;
            }
            if connected && std::mem::take(&mut inner.broken) {
                return Step::Broken;
            }
            if self.main && !connected && pause.left().is_zero() {
                return Step::Dial;
            }
            if let Some((limit, job)) = inner.queue.pop_front() {
                return Step::Work(limit, job);
            }
            let wait = match (self.main, connected) {
                (true, false) => pause.left(),
                (true, true) => Duration::from_secs(3600),
                (false, _) => IDLE,
            };
            let waited = self.wake.wait_timeout(inner, wait);
            let (back, over) = waited.unwrap_or_else(PoisonError::into_inner);
            inner = back;
            if over.timed_out() && !self.main && inner.queue.is_empty() {
                inner.thread = false;
                return Step::End;
            }
        }
    }

    fn work(&self, limit: Duration, job: Job, session: Option<&Session>) -> bool {
        let Some(session) = session else {
            let Link::Down(why) = self.bell.link() else {
                return job(Err("the host cannot be reached by a second connection"));
            };
            return job(Err(&why));
        };
        self.lock().busy = Some(Busy { until: Instant::now() + limit, killed: false });
        let good = catch_unwind(AssertUnwindSafe(|| job(Ok(session)))).unwrap_or(false);
        self.lock().busy = None;
        good || self.dial.is_local()
    }

    /// Connects; on failure the reason is in the bell and the next attempt is later.
    fn dial(self: &Arc<Self>, pause: &mut Pause) -> Result<Session, ()> {
        if !self.main
            && let Link::Down(_) = self.bell.settled(DIAL)
        {
            return Err(());
        }
        {
            let mut inner = self.lock();
            inner.broken = false;
            inner.busy = Some(Busy { until: Instant::now() + DIAL, killed: false });
        }
        let opened = catch_unwind(AssertUnwindSafe(|| self.dial.open()));
        let late = self.lock().busy.take().is_some_and(|busy| busy.killed);
        let opened = opened.unwrap_or_else(|_| Err("libvirt's library failed".to_owned()));
        match opened {
            Ok(connect) => {
                *pause = Pause::connected();
                let events = self.main.then(|| Subscription::new(&connect, &self.ear()));
                if self.main {
                    self.bell.set(Link::Up);
                }
                Ok(Session { _events: events, connect, line: Arc::downgrade(self) })
            }
            Err(why) => {
                let seconds = DIAL.as_secs();
                let silent = || format!("it took the connection and said nothing for {seconds} s");
                let why = if late { silent() } else { why };
                tracing::warn!(host = self.host, "cannot connect: {why}");
                pause.failed();
                if self.main {
                    self.bell.set(Link::Down(why));
                }
                Err(())
            }
        }
    }

    fn down(&self, why: &str) {
        if self.main && !self.dial.is_local() {
            self.bell.set(Link::Down(why.to_owned()));
        }
    }

    fn ear(self: &Arc<Self>) -> Ear {
        let line = Arc::downgrade(self);
        Arc::new(move |told| {
            let Some(line) = line.upgrade() else { return };
            match told {
                Told::Domain(uuid) => line.bell.ring(HostEvent::Domain(uuid)),
                Told::NodeDevice => line.bell.ring(HostEvent::Devices),
                Told::Closed => {
                    line.lock().broken = true;
                    line.wake.notify_all();
                }
            }
        })
    }

    /// Ends a call that is over its limit.
    fn watch(&self) {
        let mut inner = self.lock();
        if let Some(busy) = &mut inner.busy
            && busy.until < Instant::now()
        {
            busy.killed = true;
            self.dial.kill();
        }
    }
}

/// Closes a connection; `virt` panics when libvirt cannot close it, which must not end the line.
fn hang_up(session: Option<Session>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(session)));
}

enum Step {
    End,
    Broken,
    Dial,
    Work(Duration, Job),
}

/// When the next attempt to connect is due.
#[derive(Default)]
struct Pause {
    last: Option<Instant>,
    length: Duration,
}

impl Pause {
    /// A host that takes connections and drops them at once is not dialled without pause either.
    fn connected() -> Self {
        Self { last: Some(Instant::now()), length: Duration::from_secs(1) }
    }
    fn failed(&mut self) {
        self.last = Some(Instant::now());
        self.length = (self.length * 2).clamp(Duration::from_secs(2), LONGEST_PAUSE);
    }
    fn left(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| self.length.saturating_sub(last.elapsed()))
    }
}

/// All lines of the process, for the one timer that looks after them.
static WATCHED: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

fn watch_all() {
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let lines: Vec<Arc<Shared>> = watched.iter().filter_map(Weak::upgrade).collect();
    drop(watched);
    lines.iter().for_each(|line| line.watch());
}
