//! The lock of a file, waited for, but not for ever.
//!
//! The system's locks know no deadline, so where one is held by another process, a thread of its own
//! waits for it. To try again and again instead would leave the lock idle between two tries, and
//! whoever only tries now and then is passed by those whom the system wakes.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

/// The longest step in which time is counted.
const STEP: Duration = Duration::from_secs(1);

/// In how many steps at least.
const STEPS: u32 = 8;

/// Whether others may hold it at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Alone,
    Together,
}

/// A lock that one thread at a time asks for.
#[derive(Debug)]
pub(crate) struct TimedLock {
    shared: Arc<Shared>,
    patience: Duration,
}

#[derive(Debug)]
struct Shared {
    file: File,
    share: Share,
    line: Mutex<Line>,
    changed: Condvar,
}

/// What the thread that waits is asked for, and how far it is.
#[derive(Debug, Default)]
struct Line {
    stage: Stage,
    /// How long it has waited by now.
    waited: Duration,
    /// Somebody wants what it waits for.
    wanted: bool,
    started: bool,
}

#[derive(Debug, Default)]
enum Stage {
    /// It leaves the lock alone.
    #[default]
    Rests,
    Waits,
    /// It has the lock for whoever wanted it, or can't have it.
    Came(io::Result<()>),
    /// There is nobody any more to wait for.
    Over,
}

/// Nobody gave the lock back in time.
#[derive(Debug)]
pub(crate) enum NotLocked {
    /// For so long.
    Held(Duration),
    Failed(io::Error),
}

impl TimedLock {
    /// The lock of `file`, for which it is waited at most for `patience`.
    pub(crate) fn new(file: File, share: Share, patience: Duration) -> Self {
        let shared = Arc::new(Shared {
            file,
            share,
            line: Mutex::default(),
            changed: Condvar::new(),
        });
        Self { shared, patience }
    }

    pub(crate) fn file(&self) -> &File {
        &self.shared.file
    }

    /// Takes the lock. Where it has been waited for too long already, also before this was asked,
    /// that is told after one step more.
    ///
    /// Time is counted in steps, so that one in which this process was stopped itself, or the
    /// machine slept, is not more than the others.
    pub(crate) fn lock(&self) -> Result<(), NotLocked> {
        let mut line = self.shared.line.lock();
        if matches!(line.stage, Stage::Rests) {
            match self.shared.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => self.shared.send(&mut line)?,
                Err(TryLockError::Error(error)) => return Err(NotLocked::Failed(error)),
            }
        }
        line.wanted = true;
        self.wait(&mut line)
    }

    fn wait(&self, line: &mut MutexGuard<'_, Line>) -> Result<(), NotLocked> {
        let step = STEP.min(self.patience / STEPS);
        loop {
            if let Stage::Came(came) = &mut line.stage {
                let came = std::mem::replace(came, Ok(()));
                line.stage = Stage::Rests;
                return came.map_err(NotLocked::Failed);
            }
            if self.shared.changed.wait_for(line, step).timed_out() {
                line.waited += step;
                if line.waited >= self.patience && matches!(line.stage, Stage::Waits) {
                    line.wanted = false;
                    return Err(NotLocked::Held(line.waited));
                }
            }
        }
    }

    /// Gives it back.
    pub(crate) fn unlock(&self) {
        self.shared.unlock();
    }
}

impl Drop for TimedLock {
    fn drop(&mut self) {
        self.shared.line.lock().stage = Stage::Over;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn try_lock(&self) -> Result<(), TryLockError> {
        match self.share {
            Share::Alone => self.file.try_lock(),
            Share::Together => self.file.try_lock_shared(),
        }
    }

    /// Waits for it without an end.
    fn lock(&self) -> io::Result<()> {
        loop {
            let done = match self.share {
                Share::Alone => self.file.lock(),
                Share::Together => self.file.lock_shared(),
            };
            match done {
                // A signal that came to this thread.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn unlock(&self) {
        // It can only fail where there is no lock. A child that was forked meanwhile shares the
        // lock: closing our side alone would not end it.
        let _ = self.file.unlock();
    }

    /// Has the thread wait.
    fn send(self: &Arc<Self>, line: &mut Line) -> Result<(), NotLocked> {
        if !line.started {
            let shared = Arc::clone(self);
            let thread = std::thread::Builder::new().name("bursar-turn".to_owned());
            let started = thread.spawn(move || shared.run());
            started.map_err(NotLocked::Failed)?;
            line.started = true;
        }
        line.stage = Stage::Waits;
        line.waited = Duration::ZERO;
        self.changed.notify_one();
        Ok(())
    }

    /// The thread that waits. It touches the lock in no other stage.
    fn run(&self) {
        let mut line = self.line.lock();
        loop {
            match line.stage {
                Stage::Over => return,
                Stage::Rests | Stage::Came(_) => self.changed.wait(&mut line),
                Stage::Waits => {
                    let came = MutexGuard::unlocked(&mut line, || self.lock());
                    self.come(&mut line, came);
                }
            }
        }
    }

    /// Gives on what it has waited for; what nobody wants any more goes back.
    fn come(&self, line: &mut Line, came: io::Result<()>) {
        let over = matches!(line.stage, Stage::Over);
        if line.wanted && !over {
            line.stage = Stage::Came(came);
            self.changed.notify_one();
            return;
        }
        if came.is_ok() {
            self.unlock();
        }
        if !over {
            line.stage = Stage::Rests;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use bursar_testkit::{Folder, PATIENCE, until};

    use super::*;
    use crate::guard::create;

    const SOON: Duration = Duration::from_millis(20);

    fn lock(folder: &Folder, patience: Duration) -> TimedLock {
        let file = create(&folder.join("lock")).unwrap();
        TimedLock::new(file, Share::Alone, patience)
    }

    fn is_free(folder: &Folder) -> bool {
        create(&folder.join("lock")).unwrap().try_lock().is_ok()
    }

    #[test]
    fn what_is_held_for_too_long_is_told_and_had_later() {
        let folder = Folder::new();
        let (one, other) = (lock(&folder, SOON), lock(&folder, SOON));
        one.lock().unwrap();
        let held = |error| matches!(error, NotLocked::Held(waited) if waited >= SOON);
        assert!(held(other.lock().unwrap_err()));
        assert!(held(other.lock().unwrap_err()));
        one.unlock();
        until("it comes late", || other.lock().is_ok());
        assert!(held(one.lock().unwrap_err()));
        other.unlock();
        until("nobody keeps what nobody wants", || is_free(&folder));
    }

    #[test]
    fn whoever_goes_while_it_waits_keeps_nothing() {
        let folder = Folder::new();
        let (one, other) = (lock(&folder, SOON), lock(&folder, SOON));
        one.lock().unwrap();
        assert!(other.lock().is_err());
        drop(other);
        one.unlock();
        until("its thread to be gone", || is_free(&folder));
    }

    #[test]
    fn many_may_share_it() {
        let folder = Folder::new();
        let part = || {
            let file = create(&folder.join("lock")).unwrap();
            TimedLock::new(file, Share::Together, SOON)
        };
        let (one, other, whole) = (part(), part(), lock(&folder, SOON));
        one.lock().unwrap();
        other.lock().unwrap();
        assert!(whole.lock().is_err());
    }

    /// Many of them give up at once, and get what they have given up on at any moment.
    #[test]
    fn never_two_have_it_however_soon_they_give_up() {
        const EACH: u32 = 200;
        let folder = Folder::new();
        let (taken, had) = (AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for patience in [Duration::ZERO, Duration::from_micros(50), SOON, PATIENCE] {
                let lock = lock(&folder, patience);
                let (taken, had) = (&taken, &had);
                scope.spawn(move || {
                    let mut left = EACH;
                    while left > 0 {
                        if lock.lock().is_ok() {
                            assert!(!taken.swap(true, Ordering::SeqCst), "two had it at once");
                            std::thread::yield_now();
                            taken.store(false, Ordering::SeqCst);
                            lock.unlock();
                            had.fetch_add(1, Ordering::SeqCst);
                            left -= 1;
                        }
                    }
                });
            }
        });
        assert_eq!(had.into_inner(), 4 * EACH);
        until("all threads to be gone", || is_free(&folder));
    }
}
