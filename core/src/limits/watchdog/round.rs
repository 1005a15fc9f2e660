//! The thread that goes from tree to tree, and what it knows of when to look at which.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::post::Post;
use super::tree::Top;
use super::{Root, room};
use crate::clock::{Clock, SystemClock};

/// How soon a new tree is looked at.
const FIRST: Duration = Duration::from_millis(20);

/// Looks are put off to the next multiple of this, so that many trees are looked at in one go: where
/// they are far apart, and where they are not.
const COARSE: u128 = 100_000;
const FINE: u128 = 10_000;

/// From when on looks are far apart.
const FAR: Duration = Duration::from_millis(300);

/// How many roots of trees are remembered that are watched again and again.
const SPARE: usize = 64;

/// Never.
const NEVER: Duration = Duration::MAX;

#[derive(Debug)]
pub(super) struct Round {
    clock: SystemClock,
    next_key: AtomicU64,
    state: Mutex<State>,
    wake: Condvar,
    /// The bytes of memory of what nobody looks at for now.
    pub(super) unseen: AtomicU64,
    /// Roots of trees that were watched before, the last at the end: finding their files again would take
    /// longer than reading them.
    spare: Mutex<VecDeque<Top>>,
}

#[derive(Debug, Default)]
struct State {
    posts: HashMap<u64, (Duration, Arc<Post>)>,
    /// When to look at which.
    due: BTreeSet<(Duration, u64)>,
    /// When the thread looks here next, where it runs.
    wakes: Option<Duration>,
    closed: bool,
}

impl State {
    fn schedule(&mut self, key: u64, at: Duration) {
        if let Some((due, _)) = self.posts.get_mut(&key) {
            self.due.remove(&(*due, key));
            *due = at;
            self.due.insert((at, key));
        }
    }
}

impl Round {
    pub(super) fn new() -> Self {
        Self {
            clock: SystemClock::new(),
            next_key: AtomicU64::new(1),
            state: Mutex::default(),
            wake: Condvar::new(),
            unseen: AtomicU64::new(0),
            spare: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        Duration::from_micros(self.clock.tick().micros())
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().posts.len()
    }

    pub(super) fn memory(&self) -> u64 {
        let state = self.state.lock();
        let seen = state.posts.values().map(|(_, post)| post.memory());
        let unseen = self.unseen.load(Ordering::Relaxed);
        seen.fold(unseen, u64::saturating_add)
    }

    /// The root of a tree, where it was watched before.
    pub(super) fn take_spare(&self, root: Root) -> Option<Top> {
        if !root.is_within() {
            return None;
        }
        let mut spare = self.spare.lock();
        let at = spare.iter().position(|top| top.pid() == root.pid())?;
        spare.remove(at)
    }

    /// Keeps the root of a tree, and lets go of the one that waits longest, where it has gone or there are too
    /// many.
    pub(super) fn keep_spare(&self, top: Top) {
        // What is let go is dropped after the lock is released.
        let _dropped = {
            let mut spare = self.spare.lock();
            spare.push_back(top);
            let oldest = spare.pop_front();
            match oldest {
                Some(top) if spare.len() < SPARE && !top.is_gone() => {
                    spare.push_back(top);
                    None
                }
                oldest => oldest,
            }
        };
    }

    /// Looks at one more from now on; gives its key.
    pub(super) fn add(self: &Arc<Self>, post: Arc<Post>, now: Duration) -> u64 {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let at = put_off(now, FIRST);
        let mut state = self.state.lock();
        state.posts.insert(key, (at, post));
        state.due.insert((at, key));
        self.wake_for(state, at);
        key
    }

    /// Looks at one soon, whatever was said before.
    pub(super) fn hasten(self: &Arc<Self>, key: u64) {
        let at = put_off(self.now(), FIRST);
        let mut state = self.state.lock();
        state.schedule(key, at);
        self.wake_for(state, at);
    }

    fn wake_for(self: &Arc<Self>, mut state: MutexGuard<'_, State>, at: Duration) {
        match state.wakes {
            Some(wakes) if wakes <= at => {}
            Some(_) => {
                drop(state);
                self.wake.notify_one();
            }
            None => {
                state.wakes = Some(at);
                drop(state);
                self.spawn();
            }
        }
    }

    fn spawn(self: &Arc<Self>) {
        let round = Arc::clone(self);
        let builder = std::thread::Builder::new().name("bursar-watchdog".into());
        if builder.spawn(move || round.run()).is_err() {
            // The next one that is watched tries again.
            self.state.lock().wakes = None;
        }
    }

    pub(super) fn remove(&self, key: u64) {
        let mut state = self.state.lock();
        let removed = state.posts.remove(&key);
        if let Some((due, _)) = &removed {
            state.due.remove(&(*due, key));
        }
        drop(state);
        // It may hold the last of an attempt, which isn't dropped under the lock.
        drop(removed);
    }

    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.wake.notify_one();
    }

    fn run(&self) {
        while let Some(posts) = self.wait() {
            for (key, post) in posts {
                let now = self.now();
                let next = post.look(now, || room(self.memory()));
                let mut state = self.state.lock();
                match next {
                    Some(next) => state.schedule(key, put_off(now, next)),
                    // Its tree has ended: whoever watches it will say so.
                    None => state.schedule(key, NEVER),
                }
            }
        }
    }

    /// Those that are to be looked at, once there are any; `None` once there will be none any more.
    fn wait(&self) -> Option<Vec<(u64, Arc<Post>)>> {
        let mut state = self.state.lock();
        loop {
            if state.closed && state.posts.is_empty() {
                return None;
            }
            let now = self.now();
            let posts = due(&state, now);
            if !posts.is_empty() {
                // Nobody needs to wake the thread before it has come round.
                state.wakes = Some(Duration::ZERO);
                return Some(posts);
            }
            let next = state.due.first().map_or(NEVER, |(at, _)| *at);
            state.wakes = Some(next);
            if next == NEVER {
                self.wake.wait(&mut state);
            } else {
                self.wake.wait_for(&mut state, next.saturating_sub(now));
            }
        }
    }
}

fn due(state: &State, now: Duration) -> Vec<(u64, Arc<Post>)> {
    let keys = state.due.iter().take_while(|(at, _)| *at <= now);
    let posts = keys.filter_map(|(_, key)| Some((*key, Arc::clone(&state.posts.get(key)?.1))));
    posts.collect()
}

/// The time `pause` after `now`, or a little later.
fn put_off(now: Duration, pause: Duration) -> Duration {
    let grid = if pause < FAR { FINE } else { COARSE };
    let micros = (now + pause).as_micros().div_ceil(grid) * grid;
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[cfg(processes = "warden")]
mod tests {
    use super::super::procfs::Process;
    use super::super::warm::Warm;
    use super::*;
    use crate::process::Head;

    #[test]
    fn roots_that_have_gone_are_not_kept_and_the_others_only_as_far_as_there_is_room() {
        let round = Round::new();
        let kept = |root: Root| {
            let mut top = Top::new(root);
            top.times(Process::times).unwrap();
            top
        };
        let own = Root::With(Head::alone(std::process::id()));
        let mut warm = Warm::new("read x");
        let ends = Root::With(Head::alone(warm.pid()));
        round.keep_spare(kept(ends));
        assert!(round.take_spare(ends).is_some());
        round.keep_spare(kept(ends));
        warm.go_on();
        warm.wait();
        round.keep_spare(kept(own));
        assert_eq!(round.spare.lock().len(), 1);
        assert!(round.take_spare(own).is_some() && round.take_spare(own).is_none());
        for _ in 0..2 * SPARE {
            round.keep_spare(kept(own));
        }
        assert!(round.spare.lock().len() <= SPARE);
    }
}
