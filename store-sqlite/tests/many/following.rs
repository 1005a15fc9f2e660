use std::time::Duration;

use bursar_core::{Cancelled, ErrorKind, Next, Position, State, Store};
use bursar_store_sqlite::SqliteStore;
use bursar_testkit::conformance::{due_at, expiring, job};
use bursar_testkit::{Folder, PATIENCE};

use crate::{ask, caught_up, files, follow, open, options, probe, sequences};

#[test]
fn what_others_submit_is_told_and_what_is_done_here_is_not() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let from = caught_up(&one.store);
    let told = ask(&one.store, from, 10);
    let own = one.add(job()).sequence;
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
    let theirs = other.add(job());
    let told = told.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(sequences(&told), [theirs.sequence]);
    let standing = &told.jobs[0];
    assert_eq!((standing.id, standing.state), (theirs.id, State::Queued));
    assert_eq!((standing.attempt, standing.orphaned), (0, false));
    // The other one has the pages still before it.
    let page = follow(&other.store, Position::Unfinished(0), 10);
    assert_eq!(sequences(&page), [own]);
}

#[test]
fn each_change_of_state_is_told() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let mut from = caught_up(&one.store);
    let mut next = |what: &str, sequence: u64, state: State| {
        let told = follow(&one.store, from, 10);
        from = told.next;
        let found: Vec<_> = told
            .jobs
            .iter()
            .map(|job| (job.sequence, job.state))
            .collect();
        assert_eq!(found, [(sequence, state)], "{what}");
    };
    let first = other.add(job());
    next("submit", first.sequence, State::Queued);
    other.start(first.sequence);
    next("claim", first.sequence, State::Running);
    other.end(first.sequence, 1, Next::Retry(other.in_seconds(1)));
    next("retry", first.sequence, State::Retrying);
    other.pass(1);
    other.promote();
    next("promote", first.sequence, State::Queued);
    other.start(first.sequence);
    next("claim", first.sequence, State::Running);
    other.end(first.sequence, 2, Next::End(State::Failed));
    next("end", first.sequence, State::Failed);
    assert!(other.retry(first.id).is_ok());
    next("retry of a dead letter", first.sequence + 1, State::Queued);
    let due = other.add(due_at(other.in_seconds(60)));
    next("delayed", due.sequence, State::Scheduled);
    other.cancel(due.id);
    next("cancel", due.sequence, State::Cancelled);
    let late = other.add(expiring(5));
    next("submit", late.sequence, State::Queued);
    other.pass(5);
    other.promote();
    next("expiry", late.sequence, State::Cancelled);
}

#[test]
fn each_job_is_told_once_in_the_order_of_changes_and_at_most_so_many() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let from = caught_up(&one.store);
    let jobs = other.submit([job(), job(), job(), job()]);
    let order: Vec<u64> = jobs.iter().map(|job| job.sequence).collect();
    other.start(order[2]);
    other.start(order[0]);
    other.end(order[0], 1, Next::End(State::Completed));
    let all = follow(&one.store, from, 10);
    assert_eq!(sequences(&all), order);
    assert_eq!(all.jobs[0].state, State::Completed);
    let (mut told, mut from) = (Vec::new(), from);
    while from != all.next {
        let some = follow(&one.store, from, 3);
        assert!((1..=3).contains(&some.jobs.len()));
        told.extend(sequences(&some));
        from = some.next;
    }
    // What was changed again is told again.
    assert_eq!(
        told,
        [order[0], order[1], order[2], order[3], order[2], order[0]]
    );
}

#[test]
fn what_others_did_between_the_open_and_the_pages_is_not_lost() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let own = one.add(job()).sequence;
    let theirs = other.add(job()).sequence;
    other.start(own);
    let page = follow(&one.store, Position::Unfinished(0), 1);
    assert_eq!(sequences(&page), [theirs]);
    let rest = follow(&one.store, page.next, 1);
    assert!(rest.jobs.is_empty());
    // Theirs is told again, with what became of our own.
    let told = follow(&one.store, rest.next, 10);
    assert_eq!(sequences(&told), [theirs, own]);
    assert_eq!(told.jobs[1].state, State::Running);
}

#[test]
fn whoever_is_too_far_behind_begins_again() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let from = caught_up(&one.store);
    for _ in 0..11 {
        other.submit((0..10_000).map(|_| job()));
    }
    let lost = follow(&one.store, from, 10);
    assert!(lost.gap && lost.jobs.is_empty());
    assert_eq!(lost.next, Position::Unfinished(0));
    let page = follow(&one.store, lost.next, 10);
    assert_eq!(sequences(&page), (1..=10).collect::<Vec<_>>());
    let from = follow(&one.store, Position::Unfinished(109_995), 10).next;
    other.cancel(other.get(page.jobs[0].id).id);
    let told = follow(&one.store, from, 10);
    assert_eq!((sequences(&told), told.gap), (vec![1], false));
}

#[test]
fn whoever_only_sees_its_own_changes_is_never_behind() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let from = caught_up(&one.store);
    let told = ask(&one.store, from, 10);
    for _ in 0..30 {
        one.submit((0..5_000).map(|_| job()));
    }
    let theirs = other.add(job()).sequence;
    let told = told.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!((sequences(&told), told.gap), (vec![theirs], false));
}

#[test]
fn a_cancel_of_what_another_one_runs_is_told_to_it_once_for_each_attempt() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let running = one.running(job());
    let from = caught_up(&one.store);
    let sequence = running.sequence;
    let attempt = 1;
    let asked = Cancelled::Running { sequence, attempt };
    assert_eq!(other.cancel(running.id), asked);
    let told = follow(&one.store, from, 10);
    assert_eq!(sequences(&told), [sequence]);
    assert!(told.jobs[0].stop.is_some());
    // Asked again, it is no news.
    assert_eq!(other.cancel(running.id), asked);
    one.end(sequence, 1, Next::Requeue);
    one.start(sequence);
    let page = follow(&other.store, Position::Unfinished(0), 10);
    assert_eq!(page.jobs[0].attempt, 2);
    assert!(page.jobs[0].stop.is_some(), "it stands until the job ends");
    let theirs = other.add(job()).sequence;
    let told = follow(&one.store, told.next, 10);
    assert_eq!(sequences(&told), [theirs]);
}

#[test]
fn a_close_answers_who_waits() {
    let folder = Folder::new();
    let (one, _other) = (probe(&folder), probe(&folder));
    let from = caught_up(&one.store);
    let told = ask(&one.store, from, 10);
    one.store.close().wait().unwrap();
    let error = told.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let error = ask(&one.store, from, 10).recv_timeout(PATIENCE).unwrap();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn what_a_closed_store_ran_is_orphaned() {
    let folder = Folder::new();
    let (one, other) = (probe(&folder), probe(&folder));
    let from = caught_up(&one.store);
    let running = other.running(job());
    other.store.close().wait().unwrap();
    let (mut from, mut orphaned) = (from, false);
    while !orphaned {
        let told = follow(&one.store, from, 10);
        orphaned = told
            .jobs
            .iter()
            .any(|job| job.orphaned && job.sequence == running.sequence);
        from = told.next;
    }
}

#[test]
fn nobody_leaves_files_behind() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let seats = || {
        let names = files(folder.path());
        names
            .iter()
            .filter(|name| name.contains("-session-"))
            .count()
    };
    let (one, other) = (open(&path), open(&path));
    assert_eq!(seats(), 2);
    one.close().wait().unwrap();
    assert_eq!(seats(), 1);
    other.close().wait().unwrap();
    assert_eq!(seats(), 0);
    // What a process that was killed has left is removed by whoever comes next.
    std::fs::write(folder.join("jobs.db-session-99"), "").unwrap();
    std::fs::write(folder.join("jobs.db-session-note"), "").unwrap();
    let store = SqliteStore::open(&path, options()).unwrap();
    store.close().wait().unwrap();
    let left = ["jobs.db-session-note"];
    let names = files(folder.path());
    let found: Vec<&String> = names
        .iter()
        .filter(|name| name.contains("session"))
        .collect();
    assert_eq!(found, left);
}
