//! Looks after the attempts that run in processes of their own: what their whole trees use, and what is
//! done about it.

#[cfg(processes = "warden")]
mod before;
#[cfg(processes = "warden")]
mod cpu_clock;
mod had;
mod post;
#[cfg(processes = "warden")]
mod procfs;
mod round;
#[cfg(processes = "warden")]
mod top;
#[cfg_attr(not(processes = "warden"), path = "watchdog/metered.rs")]
mod tree;
#[cfg(processes = "warden")]
mod unseen;
mod used;
#[cfg(test)]
#[cfg(processes = "warden")]
mod warm;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::engine::Attempt;
use crate::limits::{Gauge, HostGauge};
use crate::process::Head;

pub use had::{Had, Times};
use post::Post;
use round::Round;
#[cfg(processes = "warden")]
pub(crate) use unseen::Unseen;

/// How often a tree at rest is looked at.
const REST: Duration = Duration::from_secs(1);

/// Where the tree of an attempt begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// Everything that descends from this process, which is not itself part of it: a guard.
    Below(u32),
    /// This process and everything that it has started. What it has used before it is watched, and the
    /// memory that it has then, is not counted; and nor is what is below it then, as long as that lives.
    With(Head),
    /// The same, where that began a while ago, and nothing was below the process then.
    Since {
        /// The process.
        head: Head,
        /// What it had then.
        had: Had,
    },
}

impl Root {
    /// The process.
    pub fn pid(self) -> u32 {
        match self {
            Self::Below(pid) => pid,
            Self::With(head) | Self::Since { head, .. } => head.pid,
        }
    }

    /// Who takes in what loses its parent, where that isn't the process.
    #[cfg(processes = "warden")]
    fn adopter(self) -> Option<u32> {
        match self {
            Self::Below(_) => None,
            Self::With(head) | Self::Since { head, .. } => head.adopter,
        }
    }

    /// What the process says that it had before; none where that is to be seen.
    fn told(self) -> Option<Had> {
        match self {
            Self::Since { had, .. } => Some(had),
            Self::Below(_) | Self::With(_) => None,
        }
    }

    /// Whether nothing need be read of what was there before.
    fn says_all(self) -> bool {
        self.told().is_some_and(|had| had.times.is_some())
    }

    /// Whether the process is part of the tree.
    pub(super) fn is_within(self) -> bool {
        !matches!(self, Self::Below(_))
    }
}

/// Stops a tree where it stands, and lets it run on. Both are called from the watchdog's thread and must
/// not block. Where somebody else has frozen the tree too, it must stay so until both let it go.
pub trait Brake: Send + Sync + 'static {
    /// Nothing of the tree runs from now on.
    fn freeze(&self);

    /// It runs on.
    fn thaw(&self);
}

/// Looks after the trees of an engine's attempts, on one thread that comes with the first and sleeps
/// while there are none.
pub struct Watchdog {
    round: Arc<Round>,
    rest: Duration,
}

impl Watchdog {
    /// A watchdog that has nothing to look after yet. It looks at trees once a second, and up to fifty
    /// times where they may soon use more than they may.
    pub fn new() -> Arc<Self> {
        Self::resting(REST)
    }

    /// One that looks at trees every `rest`, at least 20 ms, where nothing happens.
    pub fn resting(rest: Duration) -> Arc<Self> {
        let round = Arc::new(Round::new());
        Arc::new(Self { round, rest })
    }

    /// Looks after the tree of `attempt` until what it gives is dropped: what it uses is told to the
    /// attempt, and held against its limits.
    pub fn watch(&self, attempt: Arc<Attempt>, root: Root) -> Watched {
        let now = self.round.now();
        let top = match root.says_all() {
            true => None,
            false => self.round.take_spare(root),
        };
        let post = Arc::new(Post::new(attempt, root, top, now, self.rest));
        let key = self.round.add(Arc::clone(&post), now);
        let round = Arc::clone(&self.round);
        Watched {
            round,
            post,
            key,
            last_look: true,
        }
    }

    /// The bytes of memory that all trees used when they were last looked at.
    pub fn memory(&self) -> u64 {
        self.round.memory()
    }

    /// How many attempts are looked after.
    pub fn watched(&self) -> usize {
        self.round.len()
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog")
            .field("watched", &self.watched())
            .finish_non_exhaustive()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.round.close();
    }
}

/// An attempt that is looked after. Dropped, it is looked at for a last time, where it begins with a
/// process that runs on: what was below a guard is gone by then.
#[must_use = "dropped, it is no longer looked after"]
pub struct Watched {
    round: Arc<Round>,
    post: Arc<Post>,
    key: u64,
    last_look: bool,
}

impl Watched {
    /// Gives the watchdog what it may slow the tree down with.
    pub fn brake(&self, brake: Arc<dyn Brake>) {
        self.post.give_brake(brake, self.round.now());
        self.round.hasten(self.key);
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.post).finish()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.round.remove(self.key);
        if let Some(top) = self.post.let_go(self.last_look) {
            self.round.keep_spare(top);
        }
    }
}

/// How much more memory this process and its children may use, who use `children`.
fn room(children: u64) -> u64 {
    static GAUGE: OnceLock<HostGauge> = OnceLock::new();
    let usage = GAUGE.get_or_init(HostGauge::new).usage();
    usage.map_or(u64::MAX, |usage| {
        usage
            .limit
            .saturating_sub(usage.used)
            .saturating_sub(children)
    })
}
