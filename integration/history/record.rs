//! What was done and what came of it: the history that the judge reads. It is kept in a file, a line an entry.

use serde::Serialize;
use std::{
    io::{BufWriter, Write as _},
    path::Path,
    time::Duration,
};

/// What a client asks of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Op {
    Deploy,
    Start,
    Stop,
    ForcedStop,
    Reboot,
    Destroy,
    DestroyForGood,
    Expunge,
    Recover,
    /// Another offering, at once or as a job.
    Change,
    Scale,
    /// Asks for its state.
    Look,
}

/// The state of an instance as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum State {
    Running,
    Stopped,
    Destroyed,
    Error,
    /// Not there: never made, or expunged.
    Absent,
    /// On the way from one to another.
    Moving,
}

impl Op {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Deploy,
        Self::Start,
        Self::Stop,
        Self::ForcedStop,
        Self::Reboot,
        Self::Destroy,
        Self::DestroyForGood,
        Self::Expunge,
        Self::Recover,
        Self::Change,
        Self::Scale,
        Self::Look,
    ];
}

impl State {
    /// As `listVirtualMachines` has it.
    pub fn of(word: Option<&str>) -> Self {
        match word {
            None => Self::Absent,
            Some("Running") => Self::Running,
            Some("Stopped") => Self::Stopped,
            Some("Destroyed") => Self::Destroyed,
            Some("Error") => Self::Error,
            Some(_) => Self::Moving,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// It is done: its job has succeeded.
    Done,
    /// It was begun and did not succeed; the job says why.
    Failed(String),
    /// It was refused: nothing may have changed.
    Refused(String),
    /// Nobody knows: the server or its database was killed meanwhile.
    Lost(String),
    /// What was seen, with the number of GPUs if it was asked.
    Seen(State, Option<usize>),
}

/// One operation on one instance. Times are since the beginning of the run.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The instance, by the name its deploy gave it.
    pub name: String,
    /// How many GPUs its offering gives; none: nobody knows, an answer was lost.
    pub gpus: Option<usize>,
    pub op: Op,
    pub asked: Duration,
    pub ended: Duration,
    pub outcome: Outcome,
}

/// Writes a history to a file.
pub fn write(entries: &[Entry], file: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for entry in entries {
        serde_json::to_writer(&mut out, entry)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Random numbers that a seed determines (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The dice of this client in the history of this seed.
    pub fn new(seed: u64, client: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ client.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one, which is not 0.
    pub fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them, each as often as its weight says.
    pub fn pick<T: Copy>(&mut self, weighted: &[(usize, T)]) -> T {
        let mut left = self.below(weighted.iter().map(|(weight, _)| weight).sum());
        for (weight, what) in weighted {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *what,
            }
        }
        weighted[0].1
    }
}
