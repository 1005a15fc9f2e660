//! Jobs that wait for other jobs, engines that only submit, and what events say.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{Attempt, ErrorKind, EventKind, Priority, SlotPause, State, TaskOptions, Ticket};
use bursar_testkit::{Rig, until};

#[test]
fn as_many_parents_as_slots_each_waiting_for_a_child_finish() {
    const SLOTS: usize = 4;
    let rig = Rig::builder().slots(SLOTS as u32).start();
    let parents: Vec<Arc<Ticket>> = (0..SLOTS).map(|_| rig.submit()).collect();
    let attempts: Vec<Arc<Attempt>> = (0..SLOTS).map(|_| rig.script.next()).collect();
    let children: Vec<Arc<Ticket>> = (0..SLOTS).map(|_| rig.submit()).collect();
    assert!(rig.script.take().is_none(), "every slot is taken");
    let pairs = attempts.iter().zip(&children);
    let pauses: Vec<SlotPause> = pairs
        .map(|(attempt, child)| SlotPause::begin(attempt, child).unwrap())
        .collect();
    for child in &children {
        let attempt = rig.script.next();
        rig.script.complete(&attempt);
        assert_eq!(rig.final_state(child), State::Completed);
    }
    drop(pauses);
    assert_eq!(rig.slots(), SLOTS as u64);
    attempts
        .iter()
        .for_each(|attempt| rig.script.complete(attempt));
    for parent in &parents {
        assert_eq!(rig.final_state(parent), State::Completed);
    }
    rig.is_at_rest();
}

#[test]
fn a_parent_that_waits_for_two_children_takes_its_slot_again_after_both() {
    let rig = Rig::builder().slots(1).start();
    rig.submit();
    let parent = rig.script.next();
    let (first, second) = (rig.submit(), rig.submit());
    let one = SlotPause::begin(&parent, &first).unwrap();
    let two = SlotPause::begin(&parent, &second).unwrap();
    rig.script.complete(&rig.script.next());
    drop(one);
    let attempt = rig.script.next();
    assert_eq!(attempt.job(), second.id(), "the parent still waits");
    rig.script.complete(&attempt);
    drop(two);
    assert_eq!(rig.slots(), 1);
    rig.script.complete(&parent);
    rig.is_at_rest();
}

#[test]
fn one_child_may_be_waited_for_twice() {
    let rig = Rig::builder().slots(1).start();
    rig.submit();
    let parent = rig.script.next();
    let child = rig.submit();
    let pauses = [0, 1].map(|_| SlotPause::begin(&parent, &child).unwrap());
    let attempt = rig.script.next();
    let [one, two] = pauses;
    drop(one);
    assert_eq!(rig.slots(), 1, "only the child's");
    drop(two);
    assert_eq!(rig.slots(), 2, "taken again at once");
    rig.script.complete(&attempt);
    rig.script.complete(&parent);
    rig.is_at_rest();
}

#[test]
fn a_pause_that_outlives_its_attempt_changes_nothing() {
    let rig = Rig::builder().slots(2).start();
    rig.submit();
    let parent = rig.script.next();
    rig.submit();
    let other = rig.script.next();
    let child = rig.submit();
    let pause = SlotPause::begin(&parent, &child).unwrap();
    rig.script.complete(&parent);
    drop(pause);
    let attempt = rig.script.next();
    assert_eq!(rig.slots(), 2);
    // Of the two that run, one waits: that is no deadlock.
    let next = rig.submit_with(|options| options.memory = Some(256_000_000));
    let pause = SlotPause::begin(&other, &next);
    assert!(pause.is_ok());
    rig.script.complete(&attempt);
    rig.script.complete(&other);
    drop(pause);
    rig.script.complete(&rig.script.next());
    rig.is_at_rest();
}

#[test]
fn a_wait_that_memory_makes_endless_is_refused() {
    let rig = Rig::new();
    let large = |options: &mut TaskOptions| options.memory = Some(200_000_000);
    let parent = rig.submit_with(large);
    let attempt = rig.script.next();
    let child = rig.submit_with(large);
    let error = SlotPause::begin(&attempt, &child).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("never end"), "{error}");
    assert_eq!(rig.slots(), 1, "the slot was taken again");
    rig.script.fail(&attempt);
    assert_eq!(rig.final_state(&parent), State::Failed);
    rig.script.complete(&rig.script.next());
    assert_eq!(rig.final_state(&child), State::Completed);
    rig.is_at_rest();
}

#[test]
fn a_child_whose_time_has_not_come_is_no_deadlock() {
    let rig = Rig::new();
    rig.submit_with(|options| options.memory = Some(200_000_000));
    let parent = rig.script.next();
    let child = rig.submit_with(|options| {
        options.memory = Some(0);
        options.delay = Some(Duration::from_secs(5));
    });
    rig.submit_with(|options| options.memory = Some(256_000_000));
    let pause = SlotPause::begin(&parent, &child).unwrap();
    rig.pass(Duration::from_secs(5));
    rig.script.complete(&rig.script.next());
    assert_eq!(rig.final_state(&child), State::Completed);
    drop(pause);
}

#[test]
fn an_engine_that_only_submits_starts_nothing_and_says_so() {
    let rig = Rig::builder()
        .options(|options| options.run = false)
        .start();
    let job = rig.submit();
    let later = rig.submit_with(|options| options.delay = Some(Duration::from_secs(1)));
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.state(&later), State::Queued);
    assert!(rig.why(&job).contains("only submits"), "{}", rig.why(&job));
    assert_eq!(rig.script.total(), 0);
    for ticket in [&job, &later] {
        assert!(rig.cancel(ticket));
        assert_eq!(rig.final_state(ticket), State::Cancelled);
    }
    rig.is_at_rest();
}

#[test]
fn priorities_are_strict_and_first_in_first_out_within() {
    let rig = Rig::builder().slots(1).start();
    rig.submit();
    let first = rig.script.next();
    let order = [
        Priority::Low,
        Priority::Normal,
        Priority::Critical,
        Priority::Low,
        Priority::High,
        Priority::Critical,
    ];
    let jobs = order.map(|priority| rig.submit_with(|options| options.priority = Some(priority)));
    rig.script.complete(&first);
    for index in [2, 5, 4, 1, 0, 3] {
        let attempt = rig.script.next();
        assert_eq!(attempt.job(), jobs[index].id(), "job {index} was to start");
        rig.script.complete(&attempt);
    }
    rig.is_at_rest();
}

#[test]
fn events_of_a_job_come_in_the_order_of_its_life() {
    let rig = Rig::builder().slots(8).start();
    let mut events = rig.engine.events(None);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    rig.submit();
                    while let Some(attempt) = rig.script.take() {
                        rig.script.complete(&attempt);
                    }
                }
            });
        }
    });
    while let Some(attempt) = rig.script.take() {
        rig.script.complete(&attempt);
    }
    until("rest", || rig.engine.unfinished() == 0);
    let mut seen = std::collections::HashMap::<_, Vec<State>>::new();
    while let Some(event) = events.try_next() {
        match event.kind {
            EventKind::State(state) => seen.entry(event.job).or_default().push(state),
            other => panic!("{other:?}"),
        }
    }
    let life = [State::Queued, State::Running, State::Completed];
    assert_eq!(seen.len(), 150);
    assert!(seen.values().all(|states| *states == life), "{seen:?}");
}
