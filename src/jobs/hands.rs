//! The jobs that this server really works on, and until when it may.

use crate::domain::{Id, id};
use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Instant,
};

/// The leases of these jobs are extended, and of no others: a job whose claim or end was lost with the database's answer is
/// in nobody's hands, and is found again when its lease runs out.
///
/// Until when a lease holds is reckoned from before the database was asked for it: its answer may take longer than the
/// lease.
#[derive(Debug, Clone, Default)]
pub(super) struct Hands(Arc<Mutex<HashMap<Id<id::Job>, Instant>>>);

/// One job in hand, until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    hands: Hands,
    job: Id<id::Job>,
}

impl Hands {
    /// Takes a job in hand whose lease surely holds until then.
    pub(super) fn take(&self, job: Id<id::Job>, until: Instant) -> Hold {
        self.jobs().insert(job, until);
        Hold { hands: self.clone(), job }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Id<id::Job>> {
        self.jobs().keys().copied().collect()
    }

    /// The leases of these jobs surely hold until then; those that are in hand no more stay away.
    pub(super) fn extend(&self, jobs: &[Id<id::Job>], until: Instant) {
        let mut held = self.jobs();
        for job in jobs {
            held.entry(*job).and_modify(|now| *now = until);
        }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Id<id::Job>, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// What the work comes to, if it ends while the lease surely holds. After that it is not polled once more: whoever
    /// was held up that long must not touch what another server may work on by now.
    pub(super) async fn guard<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let in_time = poll_fn(|cx| match self.until() <= Instant::now() {
            true => Poll::Ready(None),
            false => work.as_mut().poll(cx).map(Some),
        });
        let lapsed = async {
            while self.until() > Instant::now() {
                tokio::time::sleep_until(self.until().into()).await;
            }
        };
        tokio::select! {
            outcome = in_time => outcome,
            () = lapsed => None,
        }
    }

    fn until(&self) -> Instant {
        self.hands.jobs().get(&self.job).copied().unwrap_or_else(Instant::now)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.hands.jobs().remove(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::pending, time::Duration};

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn work_ends_with_its_lease_and_goes_on_with_one_that_was_extended() {
        let hands = Hands::default();
        let (one, other) = (Id::mint(), Id::mint());
        let hold = hands.take(one, Instant::now() + SOON);
        assert_eq!(hold.guard(pending::<()>()).await, None);
        hands.extend(&[other], Instant::now() + SOON * 50);
        assert_eq!(hands.all(), [one], "what is not in hand is not taken in hand");
        assert_eq!(hold.guard(pending::<()>()).await, None, "another one was extended");
        let begun = Instant::now();
        hands.extend(&[one], begun + SOON);
        let extended = async {
            tokio::time::sleep(SOON / 2).await;
            hands.extend(&[one], begun + SOON * 5);
            tokio::time::sleep(SOON * 2).await;
            "done"
        };
        assert_eq!(hold.guard(extended).await, Some("done"));
        drop(hold);
        assert!(hands.all().is_empty());
    }

    #[tokio::test]
    async fn work_whose_lease_ran_out_before_it_began_is_not_begun() {
        let hands = Hands::default();
        let hold = hands.take(Id::mint(), Instant::now());
        let outcome = hold.guard(async { unreachable!("it was begun") }).await;
        assert_eq!(outcome, None::<()>);
    }
}
