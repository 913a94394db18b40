//! A port between the service and a host's sshd, which can be stalled, slowed and cut at any moment.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

/// How often a pump looks up from its work.
const TICK: Duration = Duration::from_millis(50);

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Passes everything on.
    Open = 0,
    /// Holds everything back, connections stay open: a switch that forgot a path.
    Stalled = 1,
    /// Passes on a little at a time: about 20 kB a second each way.
    Slow = 2,
    /// Ends every connection and takes no new one.
    Cut = 3,
}

/// A proxy; gone, with its connections, when dropped.
pub struct Proxy {
    /// Its port on 127.0.0.1.
    pub port: u16,
    line: Arc<AtomicU8>,
    over: Arc<AtomicBool>,
}

impl Proxy {
    /// A proxy to this port.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        listener.set_nonblocking(true).expect("a socket");
        let proxy = Self { port, line: Arc::default(), over: Arc::default() };
        let (line, over) = (Arc::clone(&proxy.line), Arc::clone(&proxy.over));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((near, _)) => open(near, target, &line, &over),
                    Err(_) => thread::park_timeout(TICK),
                }
            }
        });
        proxy
    }

    /// A port that takes connections and never says a word.
    pub fn silent() -> Self {
        let proxy = Self::to(0);
        proxy.set(Line::Stalled);
        proxy
    }

    /// From now on the line does this.
    pub fn set(&self, line: Line) {
        self.line.store(line as u8, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn open(near: TcpStream, target: u16, line: &Arc<AtomicU8>, over: &Arc<AtomicBool>) {
    if line.load(Ordering::Relaxed) == Line::Cut as u8 {
        return;
    }
    let (line, over) = (Arc::clone(line), Arc::clone(over));
    thread::spawn(move || {
        // while the line is stalled not even the connection is passed on
        while line.load(Ordering::Relaxed) == Line::Stalled as u8 && !over.load(Ordering::Relaxed) {
            thread::park_timeout(TICK);
        }
        let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { return };
        for stream in [&near, &far] {
            let _ = stream.set_nodelay(true);
            let _ = stream.set_nonblocking(false);
            let _ = stream.set_read_timeout(Some(TICK));
        }
        let (Ok(near2), Ok(far2)) = (near.try_clone(), far.try_clone()) else { return };
        let (line2, over2) = (Arc::clone(&line), Arc::clone(&over));
        thread::spawn(move || pump(near2, far2, &line2, &over2));
        pump(far, near, &line, &over);
    });
}

/// Carries bytes one way until either end closes or the line is cut.
fn pump(mut from: TcpStream, mut to: TcpStream, line: &AtomicU8, over: &AtomicBool) {
    let mut buffer = [0; 16 << 10];
    while !over.load(Ordering::Relaxed) {
        let now = line.load(Ordering::Relaxed);
        if now == Line::Cut as u8 {
            break;
        }
        if now == Line::Stalled as u8 {
            thread::park_timeout(TICK);
            continue;
        }
        let slow = now == Line::Slow as u8;
        let most = if slow { 1 << 10 } else { buffer.len() };
        match from.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(read) if to.write_all(&buffer[..read]).is_err() => break,
            Ok(_) if slow => thread::park_timeout(TICK),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
