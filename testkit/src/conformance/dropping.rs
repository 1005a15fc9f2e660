//! Live payloads: dropping one may run the user's code, and that code may call the store. So a store
//! drops none while it holds a lock. These rules mean nothing to a store that takes no live payloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bursar_core::{AttemptEnd, NewJob, Next, NoteKind, Payload, State, Store, Submitted};

use super::probe::{Maker, Probe, Settings, job, keyed};

/// A payload whose destructor calls the store again.
struct Nosy {
    store: Arc<dyn Store>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Nosy {
    fn drop(&mut self) {
        // A closed store answers too, by an error.
        let _ = self.store.tally().wait();
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// A probe whose live payloads are counted as they go.
struct Trap {
    probe: Probe,
    dropped: Arc<AtomicUsize>,
}

impl Trap {
    fn payload(&self) -> Payload {
        Payload::Live(Arc::new(Nosy {
            store: Arc::clone(&self.probe.store),
            dropped: Arc::clone(&self.dropped),
        }))
    }

    fn job(&self) -> NewJob {
        NewJob {
            args: self.payload(),
            ..job()
        }
    }

    fn end(&self, one: Submitted, attempt: u32, state: State) {
        let end = AttemptEnd::completed(self.payload());
        let sequence = one.sequence;
        self.probe.finish(sequence, attempt, end, Next::End(state));
    }

    /// Submits, claims and completes a job with a live argument and a live result.
    fn completed(&self) -> Submitted {
        let one = self.probe.running(self.job());
        self.end(one, 1, State::Completed);
        one
    }
}

/// Runs `work`, after which so many live payloads must be gone. A lock that is held while one is
/// dropped would never be given back, so all of it happens on a thread that may be left behind.
fn drops(make: Maker<'_>, expected: usize, work: impl FnOnce(&Trap) + Send + 'static) {
    let settings = Settings {
        max_results: 2,
        result_ttl: Duration::from_secs(60),
    };
    let probe = Probe::with(make, settings);
    if !probe.store.capabilities().live_payloads {
        return;
    }
    let trap = Trap {
        probe,
        dropped: Arc::default(),
    };
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        work(&trap);
        send.send(trap.dropped.load(Ordering::SeqCst))
    });
    let dropped = receive.recv_timeout(Duration::from_secs(20));
    assert_eq!(
        dropped,
        Ok(expected),
        "a lock was held, or a payload is still there"
    );
}

/// The arguments of a job that is not stored, since another has its key.
pub fn a_duplicate_is_dropped_outside_of_locks(make: Maker<'_>) {
    drops(make, 3, |trap| {
        let with_key = || NewJob {
            args: trap.payload(),
            ..keyed("k")
        };
        trap.probe.submit([with_key(), with_key()]);
        trap.probe.submit([with_key(), with_key()]);
    });
}

/// A checkpoint that another one replaces, or that came too late.
pub fn a_checkpoint_is_dropped_outside_of_locks(make: Maker<'_>) {
    drops(make, 2, |trap| {
        let one = trap.probe.running(job());
        for attempt in [1, 1, 9] {
            let state = NoteKind::Checkpoint(trap.payload());
            trap.probe.note(one.sequence, attempt, state);
        }
    });
}

/// The arguments of a job that has ended well, and an end that came too late.
pub fn an_end_is_dropped_outside_of_locks(make: Maker<'_>) {
    drops(make, 2, |trap| {
        let one = trap.completed();
        trap.end(one, 1, State::Completed);
    });
}

/// Whatever a job has when it is pushed out, pruned or deleted.
pub fn a_forgotten_job_is_dropped_outside_of_locks(make: Maker<'_>) {
    drops(make, 8, |trap| {
        for _ in 0..3 {
            trap.completed();
        }
        trap.probe.pass(60);
        trap.probe.prune();
        let last = trap.completed();
        trap.probe.delete(last.id);
    });
}

/// Whatever is left at the close.
pub fn a_closed_store_drops_its_jobs_outside_of_locks(make: Maker<'_>) {
    drops(make, 3, |trap| {
        trap.completed();
        trap.probe.submit([trap.job()]);
        // The store is closed by now, so that nothing can be checked but that this comes back.
        let closed = trap.probe.store.close().wait();
        assert!(closed.is_ok());
    });
}
