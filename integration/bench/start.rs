//! How soon the program can work, and how much memory it takes.

use super::{
    cloud::{self, Scratch},
    load::Line,
    report::{AIM, CLOUDSTACK, Figure, percentile},
};
use crate::world::{Client, client};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

/// Starts of each kind; the median counts.
const ROUNDS: usize = 7;
/// GPU devices of the cloud whose memory is measured.
const DEVICES: usize = 10_000;

/// A running program.
struct Program {
    child: Child,
    address: SocketAddr,
    keys: Option<(String, String)>,
    seconds: f64,
}

impl Program {
    /// Starts it, and waits until it is ready to work.
    fn start(data: &Path) -> Self {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_csgpu"))
            .arg("serve")
            .env("CSGPU_DATA", data)
            .env("CSGPU_LISTEN", "127.0.0.1:0")
            .env("CSGPU_CONFIG", "/dev/null")
            .env("CSGPU_LOG_LEVEL", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut told = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("its words")).lines() {
            told.push(line.expect("text"));
            if told.last().is_some_and(|line| line.starts_with("ready: ")) {
                break;
            }
        }
        let word =
            |name| told.iter().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
        let url = word("ready: http://").expect("it becomes ready");
        let address = url.split('/').next().and_then(|text| text.parse().ok()).expect("an address");
        assert_eq!(Line::open(address).ask("/health/ready").0, 200);
        let seconds = begun.elapsed().as_secs_f64();
        let keys = word("api key").zip(word("secret key"));
        let keys = keys.map(|(key, secret)| (key.to_owned(), secret.to_owned()));
        Self { child, address, keys, seconds }
    }

    /// Resident memory of a process, in MB.
    fn memory(pid: u32) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024.0 / 1e6
    }

    /// The ids of the processes that its threads started.
    fn children(&self) -> Vec<u32> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let of =
            |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children"));
        let texts = threads.expect("a process").flatten().flat_map(of);
        let texts: Vec<String> = texts.collect();
        texts.iter().flat_map(|t| t.split_whitespace()).filter_map(|id| id.parse().ok()).collect()
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        self.child.wait().expect("its end");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    let (mut first, mut again, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    Program::start(&Scratch::new("warm").0).stop(); // the file cache
    for _ in 0..ROUNDS {
        let data = Scratch::new("start");
        for seconds in [&mut first, &mut again] {
            let program = Program::start(&data.0);
            seconds.push(program.seconds);
            bare.push(Program::memory(program.child.id()));
            program.stop();
        }
    }
    let (rss, database) = memory();
    vec![
        Figure::new("first_start_ready", percentile(&mut first, 0.5), "s").beside(CLOUDSTACK, 35.0),
        Figure::new("start_ready", percentile(&mut again, 0.5), "s").beside(CLOUDSTACK, 35.0),
        Figure::new("first_start_ready_aim", percentile(&mut first, 0.5), "s").beside(AIM, 2.0),
        Figure::new("start_ready_aim", percentile(&mut again, 0.5), "s").beside(AIM, 0.5),
        Figure::new("rss_empty", percentile(&mut bare, 0.5), "MB").beside(CLOUDSTACK, 1100.0),
        Figure::new("rss_10000_devices", rss, "MB").beside(AIM, 60.0),
        Figure::new("rss_database", database, "MB"),
    ]
}

/// Memory with many devices in the books after every one was listed, of the program and of its private database.
fn memory() -> (f64, f64) {
    let data = Scratch::new("memory");
    let program = Program::start(&data.0);
    let keys = program.keys.clone().expect("a first start tells them");
    cloud::fill(&cloud::private_url(&data.0), DEVICES);
    let client = Client::new(program.address, &keys.0, &keys.1);
    let mut line = Line::open(program.address);
    let mut seen = 0;
    for page in 1..=DEVICES / 500 {
        let page = page.to_string();
        let words = client.signed("listGpuDevices", &[("page", &page), ("pagesize", "500")]);
        let body = line.get(&format!("/client/api?{}", client::query(&words)));
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        seen += answer["listgpudevicesresponse"]["gpudevice"].as_array().map_or(0, Vec::len);
    }
    assert_eq!(seen, DEVICES, "every device is listed once");
    let database = program.children().into_iter().map(Program::memory).sum();
    let own = Program::memory(program.child.id());
    program.stop();
    (own, database)
}
