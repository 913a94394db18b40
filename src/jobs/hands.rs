//! The jobs that this server really works on.

use crate::domain::{Id, id};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The leases of these jobs are extended, and of no others: a job whose claim or end was lost with the database's answer is
/// in nobody's hands, and is found again when its lease runs out.
#[derive(Debug, Clone, Default)]
pub(super) struct Hands(Arc<Mutex<HashSet<Id<id::Job>>>>);

/// One job in hand, until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    hands: Hands,
    job: Id<id::Job>,
}

impl Hands {
    /// Takes a job in hand.
    pub(super) fn take(&self, job: Id<id::Job>) -> Hold {
        self.jobs().insert(job);
        Hold { hands: self.clone(), job }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Id<id::Job>> {
        self.jobs().iter().copied().collect()
    }

    fn jobs(&self) -> MutexGuard<'_, HashSet<Id<id::Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.hands.jobs().remove(&self.job);
    }
}
