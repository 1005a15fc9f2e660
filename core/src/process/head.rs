//! Where a tree of processes begins that is not guarded by itself.

/// A process that runs jobs, and where what it has started goes that loses its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// The process.
    pub pid: u32,
    /// Its own parent, which has no other child and takes in what loses its parent; where there is none, the
    /// process does that itself.
    pub adopter: Option<u32>,
}

impl Head {
    /// A process to which everything comes that it has started.
    pub fn alone(pid: u32) -> Self {
        Self { pid, adopter: None }
    }

    /// The process `pid` of the guard `guard`.
    #[cfg(processes = "warden")]
    pub(crate) fn guarded(pid: u32, guard: u32) -> Self {
        let adopter = (guard != pid).then_some(guard);
        Self { pid, adopter }
    }
}
