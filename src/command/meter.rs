//! What this server has answered: how often, with which code, how fast. Counted in memory, read by the metrics.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The upper ends of the histogram's buckets, in seconds.
pub const BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The requests of one command.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// How many answers of each status.
    pub answers: BTreeMap<u16, u64>,
    /// How many answers took no longer than each of [`BOUNDS`] and longer than the one before; the last: longer.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// How long they took together.
    pub seconds: f64,
}

impl Tally {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// Counts requests by command. Only commands that exist have a name here, so there are never more than there are commands.
#[derive(Debug, Default)]
pub struct Meter(Mutex<BTreeMap<&'static str, Tally>>);

impl Meter {
    /// A request was answered.
    pub fn count(&self, command: &'static str, status: u16, took: Duration) {
        let took = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = all.entry(command).or_default();
        *tally.answers.entry(status).or_default() += 1;
        tally.buckets[bucket] += 1;
        tally.seconds += took;
    }

    /// What was counted so far.
    pub fn all(&self) -> BTreeMap<&'static str, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_in_one_bucket() {
        let meter = Meter::default();
        for (status, micros) in [(200, 1000), (200, 1001), (431, 20_000_000)] {
            meter.count("x", status, Duration::from_micros(micros));
        }
        let tally = &meter.all()["x"];
        assert_eq!(tally.answers, [(200, 2), (431, 1)].into());
        assert_eq!((tally.buckets[0], tally.buckets[1], tally.buckets[12]), (1, 1, 1));
        assert_eq!(tally.count(), 3);
    }
}
