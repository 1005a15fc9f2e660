//! The budget of an engine: never exceeded, never lost, and always explained.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_core::{
    Attempt, Dimension, Ended, ErrorKind, Failure, Reason, State, TaskOptions, Ticket,
};
use bursar_testkit::{Rig, Seed};
use fastrand::Rng;

const MB: u64 = 1_000_000;

/// Every dimension of the engine is within its total.
fn is_within_budget(rig: &Rig) {
    let stats = rig.stats();
    let slots = stats.concurrency.iter().map(|(_, share)| share);
    for share in stats.budget.iter().chain(slots) {
        assert!(share.reserved <= share.total, "{share:?}");
    }
}

#[test]
fn eight_jobs_of_the_default_size_run_and_the_ninth_waits_and_says_why() {
    let rig = Rig::new();
    let jobs: Vec<Arc<Ticket>> = (0..9).map(|_| rig.submit()).collect();
    let running: Vec<Arc<Attempt>> = (0..8).map(|_| rig.script.next()).collect();
    assert!(rig.script.take().is_none());
    assert_eq!(rig.reserved(), 256 * MB);
    let why = rig.engine.why(jobs[8].id()).wait().unwrap();
    assert_eq!(why.state, State::Queued);
    let Reason::Budget {
        dimension,
        needs,
        free,
        total,
        held_by,
    } = &why.reasons[0]
    else {
        panic!("{why}");
    };
    assert_eq!((dimension, *needs), (&Dimension::Memory, 32 * MB));
    assert_eq!((*free, *total, held_by.len()), (0, 256 * MB, 8));
    assert!(
        why.to_string()
            .contains("memory: needs 32MB, 0B free of 256MB"),
        "{why}"
    );
    rig.script.complete(&running[3]);
    assert_eq!(rig.script.next().job(), jobs[8].id());
}

#[test]
fn a_job_that_could_never_run_is_refused_with_both_numbers() {
    let rig = Rig::new();
    let options = TaskOptions {
        memory: Some(300 * MB),
        ..TaskOptions::default()
    };
    let error = rig.engine.plan("plain", &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    let message = error.to_string();
    assert!(
        message.contains("300MB") && message.contains("256MB"),
        "{message}"
    );
    rig.is_at_rest();
}

#[test]
fn a_task_that_is_too_big_by_itself_still_runs_jobs_that_ask_for_less() {
    let rig = Rig::builder()
        .options(|options| options.default_memory = 300 * MB)
        .start();
    let too_big = rig
        .engine
        .plan("plain", &TaskOptions::default())
        .unwrap_err();
    assert_eq!(too_big.kind(), ErrorKind::BudgetExceeded);
    let job = rig.submit_with(|options| options.memory = Some(MB));
    rig.script.complete(&rig.script.next());
    assert_eq!(rig.final_state(&job), State::Completed);
}

#[test]
fn tokens_cpu_and_slots_are_shared_out_too() {
    let rig = Rig::builder()
        .slots(4)
        .options(|options| {
            options.tokens = vec![("gpu".into(), 2)];
            options.cpu = Some(3_000);
        })
        .start();
    let gpu = |options: &mut TaskOptions| options.tokens = Some(vec![("gpu".into(), 1)]);
    let jobs: Vec<_> = (0..3).map(|_| rig.submit_with(gpu)).collect();
    assert_eq!(rig.share(&Dimension::Token("gpu".into())).reserved, 2);
    assert!(
        rig.why(&jobs[2])
            .contains("token gpu: needs 1, 0 free of 2")
    );
    let cpu = rig.submit_with(|options| options.cpu = Some(3_000));
    assert_eq!(
        rig.state(&cpu),
        State::Running,
        "others may pass a job that doesn't fit"
    );
    let slotless = [rig.submit(), rig.submit()];
    assert_eq!(rig.slots(), 4);
    assert!(
        rig.why(&slotless[1])
            .contains("concurrency of async: needs 1, 0 free of 4")
    );
}

#[test]
fn every_state_is_explained() {
    let rig = Rig::builder().slots(1).start();
    let why = |ticket: &Ticket| rig.why(ticket);
    let retries = |options: &mut TaskOptions| {
        options.retries = Some(1);
        options.backoff = Some(bursar_core::Backoff::Fixed);
        options.retry_delay = Some(Duration::from_secs(60));
    };
    let retrying = rig.submit_with(retries);
    rig.script.fail(&rig.script.next());
    assert_eq!(why(&retrying), "retrying: its next attempt comes in 1m");
    let scheduled = rig.submit_with(|options| options.delay = Some(Duration::from_secs(10)));
    assert_eq!(why(&scheduled), "scheduled: its time comes in 10s");
    let running = rig.submit();
    let attempt = rig.script.next();
    assert_eq!(why(&running), "running: it is running");
    let (first, second) = (rig.submit(), rig.submit());
    assert!(
        why(&first).contains("concurrency of async"),
        "{}",
        why(&first)
    );
    assert!(
        why(&second).contains("1 jobs are before it"),
        "{}",
        why(&second)
    );
    rig.cancel(&first);
    assert_eq!(why(&first), "cancelled: it has ended: cancelled");
    rig.script.complete(&attempt);
    assert_eq!(why(&running), "completed: it has ended: completed");
    let failure = Failure::new("ValueError", "hopeless");
    rig.script.end(&rig.script.next(), Ended::GaveUp(failure));
    assert_eq!(why(&second), "failed: it has ended: failed");
}

#[test]
fn nothing_starts_while_memory_is_short_and_it_goes_on_after() {
    let rig = Rig::new();
    let first = rig.submit();
    let attempt = rig.script.next();
    rig.scale.set(80);
    rig.pass(Duration::from_millis(250));
    let second = rig.submit();
    assert!(rig.script.take().is_none());
    assert!(
        rig.why(&second).contains("nears the memory"),
        "{}",
        rig.why(&second)
    );
    let paused = rig.stats().paused.unwrap();
    assert!(paused.contains("80B of 100B"), "{paused}");
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&first), State::Completed);
    rig.scale.set(70);
    rig.pass(Duration::from_millis(250));
    assert!(rig.script.take().is_none(), "70 % is not below 70 %");
    rig.scale.set(69);
    rig.pass(Duration::from_millis(250));
    assert_eq!(rig.script.next().job(), second.id());
    assert_eq!(rig.stats().paused, None);
}

/// One thread of the random load: submits, cancels and ends jobs.
fn load(rig: &Rig, mut random: Rng, stop: &AtomicBool) -> Vec<Arc<Ticket>> {
    let mut tickets = Vec::new();
    let mut mine: Vec<Arc<Attempt>> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match random.u8(0..10) {
            0..=3 => tickets.push(rig.submit_with(|options| {
                options.memory = Some(random.u64(0..120) * MB);
                options.cpu = Some(random.u64(0..1_500));
                options.tokens = random
                    .bool()
                    .then(|| vec![("gpu".into(), random.u64(1..=2))]);
                options.retries = Some(1);
                options.retry_delay = Some(Duration::from_secs(1));
            })),
            4 => {
                if let Some(ticket) = random.choice(&tickets) {
                    rig.cancel(ticket);
                }
            }
            5 | 6 => mine.extend(rig.script.take()),
            _ if !mine.is_empty() => {
                let attempt = mine.swap_remove(random.usize(0..mine.len()));
                match random.u8(0..4) {
                    0 => rig.script.fail(&attempt),
                    _ => rig.script.complete(&attempt),
                }
            }
            _ => rig.clock.advance(Duration::from_millis(100)),
        }
        is_within_budget(rig);
    }
    rig.script.end_all(
        mine.into_iter()
            .map(|attempt| (attempt, Ended::Cancelled("over".into()))),
    );
    tickets
}

#[test]
fn random_load_from_threads_never_overdraws_and_leaves_nothing() {
    let seed = Seed::from_env();
    let rig = Rig::builder()
        .slots(6)
        .options(|options| {
            options.tokens = vec![("gpu".into(), 3)];
            options.cpu = Some(4_000);
        })
        .start();
    let stop = AtomicBool::new(false);
    let tickets: Vec<Arc<Ticket>> = std::thread::scope(|scope| {
        let (rig, stop, seed) = (&rig, &stop, seed.get());
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let random = Rng::with_seed(seed.wrapping_add(n));
                scope.spawn(move || load(rig, random, stop))
            })
            .collect();
        bursar_testkit::until("3,000 starts", || rig.script.total() > 3_000);
        stop.store(true, Ordering::Relaxed);
        let loads = threads.into_iter().map(|one| one.join().unwrap());
        loads.flatten().collect()
    });
    let drained = rig.engine.drained();
    bursar_testkit::until("the rest to end", || {
        rig.clock.advance(Duration::from_secs(1));
        while let Some(attempt) = rig.script.take() {
            rig.script.complete(&attempt);
        }
        is_within_budget(&rig);
        drained.is_set()
    });
    assert!(tickets.iter().all(|ticket| ticket.is_done()));
    rig.is_at_rest();
}

#[test]
fn a_big_job_behind_an_endless_stream_starts_within_the_bound() {
    let rig = Rig::new();
    (0..8).for_each(|_| drop(rig.submit()));
    let mut running: Vec<Arc<Attempt>> = (0..8).map(|_| rig.script.next()).collect();
    let big = rig.submit_with(|options| options.memory = Some(256 * MB));
    let mut passed = 0;
    // Each job that ends is followed by another; the clock stands still.
    while rig.state(&big) == State::Queued {
        rig.submit();
        rig.script.complete(&running.remove(0));
        while let Some(attempt) = rig.script.take() {
            passed += usize::from(attempt.job() != big.id());
            running.push(attempt);
        }
        assert!(passed <= 64, "{passed} jobs have passed it");
    }
    assert_eq!(passed, 64);
}
