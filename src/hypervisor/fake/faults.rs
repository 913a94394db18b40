//! What goes wrong on a fake host, and when: scripted by tests, counted in host calls.

use std::sync::atomic::{AtomicU64, Ordering};

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is done and answered.
    Answered,
    /// It is not done; the caller hears that the host is unreachable.
    Failed,
    /// It is done, but the caller hears that the host is unreachable.
    AnswerLost,
    /// It is done, then the host hangs before the caller hears of it.
    Hung,
}

/// The script of one host. Counters run down with each call; 0 means nothing is scripted.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) fail_in: u64,
    pub(super) lose_in: u64,
    pub(super) hang_in: u64,
    /// The verb of which the next call fails.
    pub(super) verb: Option<&'static str>,
    pub(super) down: Option<String>,
}

impl Faults {
    /// Counts one call and says what happens to it.
    pub(super) fn next(&mut self, verb: &str) -> Fate {
        let due = |left: &mut u64| {
            let now = *left == 1;
            *left = left.saturating_sub(1);
            now
        };
        let (fail, lose) = (due(&mut self.fail_in), due(&mut self.lose_in));
        let hang = due(&mut self.hang_in);
        let fail = self.verb.take_if(|wanted| *wanted == verb).is_some() || fail;
        if fail || self.down.is_some() {
            Fate::Failed
        } else if lose {
            Fate::AnswerLost
        } else if hang {
            Fate::Hung
        } else {
            Fate::Answered
        }
    }
}

/// Holds calls back while closed.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed: AtomicU64,
    opened: tokio::sync::Notify,
}

impl Gate {
    pub(super) fn close(&self) {
        self.closed.store(1, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst) != 0
    }

    pub(super) fn open(&self) {
        self.closed.store(0, Ordering::SeqCst);
        self.opened.notify_waiters();
    }

    /// Returns when the gate is open.
    pub(super) async fn pass(&self) {
        loop {
            let opened = self.opened.notified();
            if self.closed.load(Ordering::SeqCst) == 0 {
                return;
            }
            opened.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_call_fails_once() {
        let mut faults = Faults { fail_in: 3, ..Faults::default() };
        let fates: Vec<Fate> = (0..5).map(|_| faults.next("probe")).collect();
        assert_eq!(fates.iter().position(|fate| *fate == Fate::Failed), Some(2));
        assert_eq!(fates.iter().filter(|fate| **fate == Fate::Failed).count(), 1);
    }

    #[test]
    fn the_next_call_of_a_verb_fails_once() {
        let mut faults = Faults { verb: Some("domains"), ..Faults::default() };
        let fates = ["probe", "domains", "domains"].map(|verb| faults.next(verb));
        assert_eq!(fates, [Fate::Answered, Fate::Failed, Fate::Answered]);
    }
}
