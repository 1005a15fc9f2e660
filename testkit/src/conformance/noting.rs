//! Rules of [`Store::note`](bursar_core::Store::note).

use bursar_core::{Fenced, Get, LogLine, Next, NoteKind, Payload, Progress, State, Submitted};

use super::probe::{Maker, Probe, due_at, job};
use super::view::content;

fn line(probe: &Probe, message: &str) -> NoteKind {
    NoteKind::Log(LogLine {
        at: probe.now(),
        attempt: 1,
        level: "info".into(),
        message: message.into(),
    })
}

fn progress(percent: f64, message: Option<&str>) -> Progress {
    Progress {
        percent,
        message: message.map(Into::into),
    }
}

/// The last progress is the one to read, and outlives the attempt.
pub fn progress_is_the_last_one(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    assert!(probe.get(one.id).progress.is_none());
    for said in [progress(0.0, Some("begun")), progress(12.5, None)] {
        let fenced = probe.note(one.sequence, 1, NoteKind::Progress(said.clone()));
        assert_eq!(fenced, Fenced::Applied);
        assert_eq!(probe.get(one.id).progress, Some(said));
    }
    probe.end(one.sequence, 1, Next::End(State::Completed));
    assert_eq!(probe.get(one.id).progress, Some(progress(12.5, None)));
}

/// Log lines are read as they were written, over all attempts.
pub fn log_lines_are_kept_in_their_order(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    probe.note(one.sequence, 1, line(&probe, "first"));
    probe.pass(1);
    probe.note(one.sequence, 1, line(&probe, "second"));
    probe.end(one.sequence, 1, Next::Requeue);
    probe.start(one.sequence);
    probe.note(one.sequence, 2, line(&probe, "third"));
    let logs = probe.get(one.id).logs;
    let messages: Vec<&str> = logs.iter().map(|line| &*line.message).collect();
    assert_eq!(messages, ["first", "second", "third"]);
    assert_eq!((&*logs[0].level, logs[0].attempt), ("info", 1));
    assert!(logs[0].at < logs[1].at);
}

/// A job that logs without end keeps the last 1,000 lines.
pub fn only_the_newest_thousand_lines_are_kept(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    for number in 0..1_003 {
        probe.note(one.sequence, 1, line(&probe, &number.to_string()));
    }
    let logs = probe.get(one.id).logs;
    let ends = (logs.len(), &*logs[0].message, &*logs[999].message);
    assert_eq!(ends, (1_000, "3", "1002"));
}

/// A read that doesn't ask for log lines gets none.
pub fn log_lines_are_read_only_when_asked_for(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    probe.note(one.sequence, 1, line(&probe, "hello"));
    let read = |logs| {
        let request = Get {
            now: probe.now(),
            id: one.id,
            logs,
        };
        let info = probe.store.get(request).wait().unwrap().unwrap();
        info.logs.len()
    };
    assert_eq!((read(true), read(false)), (1, 0));
}

/// The last checkpoint is given to every later attempt, whatever ended the earlier ones.
pub fn a_checkpoint_is_given_to_later_attempts(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    let save = |attempt: u32, text: &str| {
        let state = Payload::json(text.as_bytes().to_vec());
        probe.note(one.sequence, attempt, NoteKind::Checkpoint(state))
    };
    save(1, "1");
    assert_eq!(save(1, r#"{"at": 2}"#), Fenced::Applied);
    for (attempt, next) in [(1, Next::Requeue), (2, Next::Retry(probe.in_seconds(1)))] {
        probe.end(one.sequence, attempt, next);
        probe.pass(1);
        probe.promote();
        let claimed = probe.claim(&[one.sequence]);
        let state = claimed[0].checkpoint.as_ref().map(content);
        assert_eq!(state.as_deref(), Some(r#"{"at": 2}"#));
    }
}

/// A note of an attempt that is over, or has not begun, changes nothing.
pub fn notes_of_other_attempts_are_stale(make: Maker<'_>) {
    let probe = Probe::new(make);
    let newer = probe.running(job());
    probe.end(newer.sequence, 1, Next::Requeue);
    probe.start(newer.sequence);
    refuses_notes(&probe, newer, &[0, 1, 3]);
    for state in [State::Completed, State::Failed, State::Cancelled] {
        let ended = probe.ended(job(), state);
        refuses_notes(&probe, ended, &[0, 1, 2]);
    }
    refuses_notes(&probe, probe.add(job()), &[0, 1]);
    refuses_notes(&probe, probe.add(due_at(probe.in_seconds(5))), &[0, 1]);
    let unknown = Submitted {
        sequence: 1_000_000,
        ..newer
    };
    refuses_notes(&probe, unknown, &[1]);
    probe.end(newer.sequence, 2, Next::Requeue);
    let claimed = probe.claim(&[newer.sequence]);
    assert!(
        claimed[0].checkpoint.is_none(),
        "a stale checkpoint was kept"
    );
}

fn refuses_notes(probe: &Probe, one: Submitted, attempts: &[u32]) {
    let before = probe.all();
    for attempt in attempts {
        let notes = [
            NoteKind::Progress(progress(99.0, None)),
            line(probe, "stale"),
            NoteKind::Checkpoint(Payload::json(*b"13")),
        ];
        for note in notes {
            let fenced = probe.note(one.sequence, *attempt, note);
            assert_eq!(fenced, Fenced::Stale, "attempt {attempt}");
        }
    }
    assert_eq!(probe.all(), before);
}
