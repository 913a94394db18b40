//! The life of an instance: one table of states and events.

text_enum! {
    /// The state of an instance, as CloudStack names it.
    VmState {
        /// Being built or started; holds its reservation.
        Starting,
        /// The domain runs.
        Running,
        /// Being stopped.
        Stopping,
        /// Not running; may keep its devices.
        Stopped,
        /// Destroyed, may be recovered until it is expunged.
        Destroyed,
        /// Being removed for good.
        Expunging,
        /// Creation failed; only destroy and expunge are left.
        Error,
    }
}

impl VmState {
    /// States in which the instance keeps CPU and memory of its host.
    pub const HOLDS_HOST: &'static [Self] = &[Self::Starting, Self::Running, Self::Stopping];
    /// States in which the instance counts against the limits of its owner.
    pub const COUNTED: &'static [Self] =
        &[Self::Starting, Self::Running, Self::Stopping, Self::Stopped];
    /// States in which the instance is used as one that runs.
    pub const USED: &'static [Self] = &[Self::Running, Self::Stopping];
    /// States in which a domain may exist on a host.
    pub const MAY_RUN: &'static [Self] = &[Self::Starting, Self::Running, Self::Stopping];
}

/// What happens to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmEvent {
    /// A start was admitted.
    Start,
    /// The domain runs.
    Started,
    /// The start failed and everything was put back.
    StartFailed,
    /// The first start failed: there is nothing to stop at.
    DeployFailed,
    /// A stop was admitted.
    Stop,
    /// The domain is gone.
    Stopped,
    /// The stop did not succeed: the domain still runs.
    StopFailed,
    /// The host says the domain is not there.
    FoundStopped,
    /// The host says the domain runs.
    FoundRunning,
    /// A destroy was admitted on a stopped instance.
    Destroy,
    /// Taken back before expunge.
    Recover,
    /// Removal for good was admitted.
    Expunge,
}

impl VmEvent {
    /// What the instance is told or does, as in "cannot start".
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Start => "be started",
            Self::Started => "become running",
            Self::StartFailed | Self::DeployFailed => "fail to start",
            Self::Stop => "be stopped",
            Self::Stopped => "become stopped",
            Self::StopFailed => "stay running",
            Self::FoundStopped => "be found stopped",
            Self::FoundRunning => "be found running",
            Self::Destroy => "be destroyed",
            Self::Recover => "be recovered",
            Self::Expunge => "be expunged",
        }
    }
}

impl VmState {
    /// The state after an event, or `None` where the event is not allowed.
    pub const fn next(self, event: VmEvent) -> Option<Self> {
        use VmEvent as E;
        match self {
            Self::Starting => match event {
                E::Started | E::FoundRunning => Some(Self::Running),
                E::StartFailed => Some(Self::Stopped),
                E::DeployFailed => Some(Self::Error),
                _ => None,
            },
            Self::Running => match event {
                E::Stop => Some(Self::Stopping),
                E::FoundStopped => Some(Self::Stopped),
                E::FoundRunning => Some(Self::Running),
                _ => None,
            },
            Self::Stopping => match event {
                E::Stopped | E::FoundStopped => Some(Self::Stopped),
                E::StopFailed => Some(Self::Running),
                _ => None,
            },
            Self::Stopped => match event {
                E::Start => Some(Self::Starting),
                E::FoundRunning => Some(Self::Running),
                E::Destroy => Some(Self::Destroyed),
                E::Expunge => Some(Self::Expunging),
                E::FoundStopped => Some(Self::Stopped),
                _ => None,
            },
            Self::Destroyed => match event {
                E::Recover => Some(Self::Stopped),
                E::Expunge => Some(Self::Expunging),
                _ => None,
            },
            Self::Error => match event {
                E::Destroy => Some(Self::Destroyed),
                E::Expunge => Some(Self::Expunging),
                _ => None,
            },
            Self::Expunging => match event {
                E::Expunge => Some(Self::Expunging),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_is_starting_cannot_be_started_again() {
        assert_eq!(VmState::Starting.next(VmEvent::Start), None);
        assert_eq!(VmState::Stopped.next(VmEvent::Start), Some(VmState::Starting));
    }
}
