//! The end of an engine: nothing starts any more, grace, what is left is given back, all are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_core::{
    Ended, ErrorKind, MemoryStore, OutcomeKind, Payload, Signal, State, StopKind, Submission,
};
use bursar_testkit::stores::LateStore;
use bursar_testkit::{PATIENCE, Rig, until};

const SECOND: Duration = Duration::from_secs(1);

fn is_told(signal: &Signal<()>) {
    assert_eq!(
        signal.wait(Some(PATIENCE)),
        Some(()),
        "the signal never came"
    );
}

/// Moves the clock a second at a time until the signal comes; how many seconds that took.
#[expect(clippy::panic, reason = "a helper of tests")]
fn seconds_until<T: Clone>(rig: &Rig, signal: &Signal<T>, most: u64) -> u64 {
    for seconds in 0..=most {
        if signal.wait(Some(Duration::from_millis(100))).is_some() {
            return seconds;
        }
        rig.clock.advance(SECOND);
    }
    panic!("it took more than {most} s");
}

#[test]
fn an_idle_engine_is_closed_at_once() {
    let rig = Rig::new();
    is_told(&rig.engine.shutdown(None));
    assert!(rig.script.is_closed() && rig.engine.is_closed());
    is_told(&rig.engine.shutdown(None));
}

#[test]
fn a_closed_engine_refuses_everything_and_says_so() {
    let rig = Rig::new();
    let job = rig.submit();
    rig.script.complete(&rig.script.next());
    is_told(&rig.engine.shutdown(Some(Duration::ZERO)));
    let call = || [Submission::new(rig.plan(Default::default()), Payload::Null)];
    let engine = &rig.engine;
    let kinds = [
        engine.submit(call()).wait().err(),
        engine.retry(job.id()).wait().err(),
        engine.cancel(job.id(), "").wait().err(),
        engine.info(job.id(), false).wait().err(),
        engine.delete(job.id()).wait().err(),
        engine.count(Default::default()).wait().err(),
        engine.stats().wait().err(),
    ];
    for error in kinds {
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Closed));
    }
}

#[test]
fn nothing_starts_after_and_what_runs_may_end_in_its_grace() {
    let rig = Rig::builder().slots(1).start();
    let (first, second) = (rig.submit(), rig.submit());
    let attempt = rig.script.next();
    let closed = rig.engine.shutdown(None);
    assert!(!closed.is_set() && attempt.stopped().is_none());
    rig.script.complete(&attempt);
    is_told(&closed);
    assert_eq!(rig.final_state(&first), State::Completed);
    let end = rig.end_of(&second);
    assert_eq!(end.state, State::Cancelled);
    assert!(end.end.failure.as_ref().unwrap().message.contains("closed"));
    assert_eq!(rig.script.total(), 1);
}

#[test]
fn what_runs_too_long_is_asked_then_left_behind() {
    let rig = Rig::new();
    let job = rig.submit();
    let attempt = rig.script.next();
    let closed = rig.engine.shutdown(Some(SECOND * 3));
    let asked = seconds_until(&rig, attempt.stop_signal(), 5);
    assert!((2..=4).contains(&asked), "asked after {asked} s");
    assert_eq!(attempt.stopped().unwrap().kind, StopKind::Shutdown);
    let more = seconds_until(&rig, &closed, 6);
    assert!((4..=6).contains(&more), "closed {more} s after it asked");
    assert_eq!(rig.end_of(&job).state, State::Cancelled);
    rig.script.complete(&attempt);
}

#[test]
fn what_ends_when_asked_is_given_back() {
    let store = Arc::new(MemoryStore::default());
    let rig = Rig::builder().store(store).start();
    let (given_back, done) = (rig.submit(), rig.submit());
    let (first, second) = (rig.script.next(), rig.script.next());
    let closed = rig.engine.shutdown(Some(Duration::ZERO));
    until("asked", || {
        first.stopped().is_some() && second.stopped().is_some()
    });
    rig.script.end(&first, Ended::Cancelled("asked to".into()));
    assert_eq!(rig.info(&given_back).outcome, Some(OutcomeKind::Released));
    rig.script.complete(&second);
    is_told(&closed);
    assert_eq!(
        rig.final_state(&done),
        State::Completed,
        "a result in time counts"
    );
    assert_eq!(rig.final_state(&given_back), State::Cancelled);
}

#[test]
fn a_second_call_without_grace_cuts_the_first_ones_short() {
    let rig = Rig::new();
    rig.submit();
    let attempt = rig.script.next();
    let closed = rig.engine.shutdown(Some(SECOND * 3_600));
    rig.engine.shutdown(Some(Duration::ZERO));
    until("asked", || attempt.stopped().is_some());
    let seconds = seconds_until(&rig, &closed, 10);
    assert!((4..=6).contains(&seconds), "closed after {seconds} s");
}

#[test]
fn an_attempt_given_up_on_before_does_not_hold_the_end_back() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| options.timeout = Some(SECOND));
    let attempt = rig.script.next();
    rig.pass(SECOND);
    rig.pass(SECOND * 5);
    assert_eq!(rig.final_state(&job), State::Failed);
    is_told(&rig.engine.shutdown(None));
    rig.script.complete(&attempt);
}

#[test]
fn drained_comes_after_every_handle_was_told() {
    let rig = Rig::builder().slots(8).start();
    for _ in 0..300 {
        let tickets: Vec<_> = (0..8).map(|_| rig.submit()).collect();
        let attempts: Vec<_> = (0..8).map(|_| rig.script.next()).collect();
        let drained = rig.engine.drained();
        std::thread::scope(|scope| {
            for attempt in &attempts {
                scope.spawn(|| rig.script.complete(attempt));
            }
            is_told(&drained);
            assert!(
                tickets.iter().all(|ticket| ticket.is_done()),
                "drained too soon"
            );
        });
    }
    rig.is_at_rest();
}

#[test]
fn whoever_is_told_may_call_the_engine() {
    let rig = Arc::new(Rig::new());
    let job = rig.submit();
    let called = Arc::new(AtomicBool::new(false));
    for signal in [rig.engine.drained(), rig.engine.drained()] {
        let (rig, called) = (Arc::clone(&rig), Arc::clone(&called));
        signal.on_set(move || {
            rig.stats();
            rig.engine.unfinished();
            called.store(true, Ordering::SeqCst);
        });
    }
    let worker = Arc::clone(&rig);
    std::thread::spawn(move || worker.script.complete(&worker.script.next()));
    until("the call", || called.load(Ordering::SeqCst));
    assert!(job.is_done());
}

#[test]
fn a_callback_that_panics_keeps_nobody_from_being_told() {
    let rig = Rig::new();
    let job = rig.submit();
    let told = Arc::new(AtomicBool::new(false));
    job.on_done(|| panic!("a callback of the user"));
    let flag = Arc::clone(&told);
    job.on_done(move || flag.store(true, Ordering::SeqCst));
    rig.script.complete(&rig.script.next());
    assert!(told.load(Ordering::SeqCst));
    rig.is_at_rest();
}

#[test]
fn submits_that_race_with_the_end_are_refused_or_told() {
    for _ in 0..200 {
        let rig = Rig::builder().slots(2).start();
        std::thread::scope(|scope| {
            let submit = || {
                for _ in 0..50 {
                    let call = Submission::new(rig.plan(Default::default()), Payload::Null);
                    let Ok(accepted) = rig.engine.submit([call]).wait() else {
                        return;
                    };
                    rig.end_of(&accepted[0].ticket);
                }
            };
            let running = [scope.spawn(submit), scope.spawn(submit)];
            let rig = &rig;
            scope.spawn(move || {
                while !running.iter().all(|one| one.is_finished()) {
                    if let Some(attempt) = rig.script.take() {
                        rig.script.complete(&attempt);
                    }
                }
            });
            scope.spawn(move || rig.engine.shutdown(Some(Duration::ZERO)));
        });
    }
}

#[test]
fn handles_are_told_when_an_engine_is_dropped_without_a_shutdown() {
    let rig = Rig::builder().slots(1).start();
    let (running, waiting) = (rig.submit(), rig.submit());
    let attempt = rig.script.next();
    drop(rig.engine);
    for ticket in [running, waiting] {
        let end = ticket.wait(Some(PATIENCE));
        assert_eq!(end.map(|end| end.state), Some(State::Cancelled));
    }
    assert!(attempt.log("info", "nobody listens").wait().is_err());
}

#[test]
fn what_is_being_recorded_is_recorded_before_the_store_is_closed() {
    let store = Arc::new(LateStore::new(Arc::<MemoryStore>::default(), 3));
    let rig = Rig::builder()
        .store(Arc::<LateStore>::clone(&store))
        .start();
    let job = rig.submit();
    let attempt = rig.script.next();
    store.hold_requests("finish");
    rig.script.complete(&attempt);
    let closed = rig.engine.shutdown(None);
    until("a finish", || store.held("finish").0 == 1);
    store.let_go();
    is_told(&closed);
    assert_eq!(rig.final_state(&job), State::Completed);
}
