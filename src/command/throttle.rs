//! How often an account calls: a fixed window of time in which so many calls are answered, as CloudStack counts them.
//!
//! Counts live in this process alone, as CloudStack's do: with several servers an account has the whole rate at each of
//! them, `getApiLimit` tells the count of the server that answers, `resetApiLimit` clears that server's, and a restart
//! clears everything. The settings are the cloud's and are in force at every server with the next request. Counted are
//! calls whose signature or session was right and whose role allows the command, so that nobody uses up the calls of an
//! account whose secret is not known; root administrators are not counted. `listApis` is one call (CloudStack counts
//! one for each command that it lists).

use crate::{
    domain::{Id, access::Rate, id},
    error::{Error, Result},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What accounts have called.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Id<id::Account>, Counted>>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    ends: Instant,
    calls: u32,
}

/// What is left of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Calls that were made.
    pub calls: u32,
    /// How long it lasts; nothing, where none is open.
    pub rest: Duration,
}

impl Throttle {
    /// Counts one call. Error: there were too many.
    pub fn count(&self, account: Id<id::Account>, rate: Rate, now: Instant) -> Result<()> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= rate.accounts && !known.contains_key(&account) {
            known.retain(|_, counted| counted.ends > now);
        }
        if known.len() >= rate.accounts && !known.contains_key(&account) {
            // all are being counted: whoever comes next takes somebody's place
            let one = known.keys().next().copied();
            one.and_then(|one| known.remove(&one));
        }
        let fresh = Counted { ends: now + Duration::from_secs(u64::from(rate.seconds)), calls: 0 };
        let counted = known.entry(account).or_insert(fresh);
        // a shorter window that was set meanwhile is shorter at once
        if counted.ends <= now || counted.ends > fresh.ends {
            *counted = fresh;
        }
        counted.calls = counted.calls.saturating_add(1);
        match counted.calls > rate.most {
            false => Ok(()),
            true => Err(Error::TooOften((counted.ends - now).as_millis())),
        }
    }

    /// What an account has called in the window that is open.
    pub fn left(&self, account: Id<id::Account>, now: Instant) -> Left {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&account).filter(|counted| counted.ends > now) {
            Some(counted) => Left { calls: counted.calls, rest: counted.ends - now },
            None => Left { calls: 0, rest: Duration::ZERO },
        }
    }

    /// Forgets what an account has called; all accounts with `None`.
    pub fn reset(&self, account: Option<Id<id::Account>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match account {
            Some(account) => drop(known.remove(&account)),
            None => known.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { most: 2, seconds: 3, accounts: 10 };

    #[test]
    fn a_window_takes_so_many_calls_and_then_opens_again() {
        let (throttle, joe, eve) = (Throttle::default(), Id::mint(), Id::mint());
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(throttle.count(joe, RATE, at(0)).is_ok());
        assert!(throttle.count(joe, RATE, at(1000)).is_ok());
        assert!(matches!(throttle.count(joe, RATE, at(1500)), Err(Error::TooOften(1500))));
        assert!(throttle.count(eve, RATE, at(1500)).is_ok());
        assert_eq!(throttle.left(joe, at(2000)), Left { calls: 3, rest: Duration::from_secs(1) });
        assert!(throttle.count(joe, RATE, at(3000)).is_ok());
        throttle.reset(Some(joe));
        assert_eq!(throttle.left(joe, at(3000)).calls, 0);
        assert_eq!(throttle.left(eve, at(3000)).calls, 1);
        throttle.reset(None);
        assert_eq!(throttle.left(eve, at(3000)).calls, 0);
    }

    #[test]
    fn only_so_many_accounts_are_counted_at_a_time() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let few = Rate { accounts: 3, ..RATE };
        for number in 0..50_usize {
            assert!(throttle.count(Id::mint(), few, now).is_ok());
            assert_eq!(throttle.0.lock().unwrap().len(), number.min(2) + 1);
        }
        // those whose window is over go first
        let (joe, later) = (Id::mint(), now + Duration::from_secs(4));
        assert!(throttle.count(joe, few, later).is_ok());
        assert_eq!(throttle.0.lock().unwrap().len(), 1);
        assert_eq!(throttle.left(joe, later).calls, 1);
    }

    #[test]
    fn a_shorter_window_is_shorter_at_once() {
        let (throttle, joe, now) = (Throttle::default(), Id::mint(), Instant::now());
        let long = Rate { seconds: 3600, ..RATE };
        assert!((0..3).any(|_| throttle.count(joe, long, now).is_err()));
        assert!(throttle.count(joe, RATE, now).is_ok());
    }
}
