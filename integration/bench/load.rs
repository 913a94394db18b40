//! Clients that send one request again and again, each over a connection of its own that stays open.

use super::report::percentile;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// What came of it.
#[derive(Debug)]
pub struct Load {
    /// Answers per second, of all clients together.
    pub per_second: f64,
    /// Milliseconds within which half of the answers came.
    pub p50: f64,
    /// And 99 of 100.
    pub p99: f64,
    /// The last body.
    pub body: Vec<u8>,
}

/// Sends `GET path` from so many clients for so long.
pub fn hammer(address: SocketAddr, path: &str, clients: usize, time: Duration) -> Load {
    let over = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let (path, over) = (path.to_owned(), Arc::clone(&over));
            thread::spawn(move || {
                let mut line = Line::open(address);
                let (mut times, mut body) = (Vec::new(), Vec::new());
                while !over.load(Relaxed) {
                    let sent = Instant::now();
                    body = line.get(&path);
                    times.push(sent.elapsed().as_secs_f64() * 1000.0);
                }
                (times, body)
            })
        })
        .collect();
    thread::park_timeout(time);
    over.store(true, Relaxed);
    let (mut times, mut last) = (Vec::new(), Vec::new());
    for thread in threads {
        let (own, body) = thread.join().expect("a client ends");
        times.extend(own);
        last = body;
    }
    Load {
        per_second: times.len() as f64 / begun.elapsed().as_secs_f64(),
        p50: percentile(&mut times, 0.5),
        p99: percentile(&mut times, 0.99),
        body: last,
    }
}

/// One open connection.
pub struct Line {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Line {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a server");
        stream.set_nodelay(true).expect("a socket");
        Self { stream: BufReader::with_capacity(1 << 16, stream), address }
    }

    /// The body of a page that must be there.
    pub fn get(&mut self, path: &str) -> Vec<u8> {
        let (status, body) = self.ask(path);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        body
    }

    /// Status and body of a page.
    pub fn ask(&mut self, path: &str) -> (u16, Vec<u8>) {
        let text = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.stream.get_mut().write_all(text.as_bytes()).expect("a server that listens");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("a head");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).expect("a status");
            } else if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        (status, body)
    }
}
