//! Jobs: their states.

text_enum! {
    /// Where a job is in its life.
    JobState {
        /// Admitted, waiting for a worker.
        Queued,
        /// A worker holds its lease and runs it.
        Running,
        /// It failed or its server died; what it did is being put back.
        Undoing,
        /// It succeeded.
        Done,
        /// It failed; everything was put back, or is recorded as a host's debt.
        Failed,
        /// It failed and a host owes its clean-up; the host is back, so a worker is to pay.
        Due,
        /// A worker holds its lease and pays.
        Paying,
    }
}

impl JobState {
    /// Nobody works on it yet.
    pub const WAITING: [Self; 2] = [Self::Queued, Self::Due];
    /// A worker holds its lease.
    pub const LEASED: [Self; 3] = [Self::Running, Self::Undoing, Self::Paying];

    /// `jobstatus` on the wire: 0 in progress, 1 succeeded, 2 failed.
    pub const fn status(self) -> i32 {
        match self {
            Self::Queued | Self::Running | Self::Undoing => 0,
            Self::Done => 1,
            Self::Failed | Self::Due | Self::Paying => 2,
        }
    }
}
