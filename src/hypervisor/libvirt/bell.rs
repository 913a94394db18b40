//! What a host's connection says by itself: whether it is up, and events; heard by the driver's owner.

use crate::hypervisor::{CONNECTING, HostEvent, Link};
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Shared by the lines of one host; only the main line rings it.
#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// `None`: the first attempt is still under way.
    link: Option<Link>,
    listener: Option<UnboundedSender<HostEvent>>,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link as last seen.
    pub(super) fn link(&self) -> Link {
        self.lock().link.clone().unwrap_or_else(|| Link::Down(CONNECTING.to_owned()))
    }

    /// The link once the first attempt is over, or after the limit.
    pub(super) fn settled(&self, limit: Duration) -> Link {
        let state = self.lock();
        let waiting = |state: &mut State| state.link.is_none();
        let waited = self.settled.wait_timeout_while(state, limit, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.link.clone().unwrap_or_else(|| Link::Down(CONNECTING.to_owned()))
    }

    /// The link is now this; told only when it changed.
    pub(super) fn set(&self, link: Link) {
        let mut state = self.lock();
        if state.link.as_ref() != Some(&link) {
            state.link = Some(link.clone());
            tell(&state, HostEvent::Link(link));
        }
        self.settled.notify_all();
    }

    /// Something happened on the host.
    pub(super) fn ring(&self, event: HostEvent) {
        tell(&self.lock(), event);
    }

    /// From now on this receiver hears everything.
    pub(super) fn listen(&self) -> UnboundedReceiver<HostEvent> {
        let (sender, receiver) = unbounded_channel();
        self.lock().listener = Some(sender);
        receiver
    }
}

fn tell(state: &State, event: HostEvent) {
    if let Some(listener) = &state.listener {
        let _ = listener.send(event);
    }
}
