//! A small day in the life of a store, asked one thing after the other, with all that it answers.

use std::path::PathBuf;
use std::time::Duration;

use bursar_core::{
    AttemptEnd, Backup, Cancel, Claim, Failure, Fenced, Finish, FinishedAttempt, LogLine, NewJob,
    Next, Note, NoteKind, OutcomeKind, Payload, Progress, Promote, Prune, Result, State, Store,
    Submit, Submitted, Timestamp,
};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::conformance::job;

use crate::disk::Disk;
use crate::trouble::told;
use crate::witness::{Look, Tag, Witness};

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000_000;

/// The arguments of a job, which say whose they are.
pub(crate) fn args(tag: Tag, number: usize, of: usize) -> Payload {
    // Some fit into a page, some don't.
    let pad = "x".repeat(if number == 0 { 5_000 } else { 20 });
    Payload::json(format!("[{tag},{number},{of},\"{pad}\"]").into_bytes())
}

fn result(sequence: u64) -> Vec<u8> {
    format!("[{sequence},\"{}\"]", "y".repeat(50)).into_bytes()
}

pub(crate) fn open(disk: &Disk, durability: Durability) -> Result<SqliteStore> {
    let options = SqliteOptions {
        durability,
        result_ttl: Duration::from_secs(60),
        ..SqliteOptions::default()
    };
    SqliteStore::open(disk.path(), options)
}

type Change<'c> = &'c dyn Fn(u64, &Look) -> Option<Option<Look>>;

/// One round on an open store.
pub(crate) struct Play<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) store: &'a SqliteStore,
    pub(crate) witness: &'a mut Witness,
    pub(crate) round: u64,
}

impl Play<'_> {
    /// No more than a submit.
    pub(crate) fn begin(&mut self) -> Option<()> {
        self.submit(&[None]).map(drop)
    }

    /// Everything that writes, once. A copy of the file that was acknowledged.
    pub(crate) fn run(&mut self) -> Option<PathBuf> {
        self.prune();
        if let Some(jobs) = self.submit(&[None, Some("key"), None]) {
            self.work(jobs[0].sequence, jobs[1].sequence);
        }
        if let Some(jobs) = self.submit(&[None]) {
            self.cancel(jobs[0]);
        }
        self.promote();
        // Once is enough: it writes the whole file.
        (self.round == 1).then(|| self.backup()).flatten()
    }

    fn now(&self, seconds: u64) -> Timestamp {
        Timestamp::from_micros(START).after(Duration::from_secs(self.round * 3_600 + seconds))
    }

    fn work(&mut self, one: u64, other: u64) {
        if self.claim(&[one, other]).is_none() {
            return;
        }
        if self.note(one).is_some() {
            self.complete(one);
        }
        if self.requeue(other).is_some() && self.claim(&[other]).is_some() {
            self.fail(other);
        }
    }

    /// Hears an answer.
    fn heard<T>(&mut self, answer: Result<T>, path: &std::path::Path) -> Option<T> {
        match answer {
            Ok(value) => {
                self.witness.acknowledged += 1;
                Some(value)
            }
            Err(error) => {
                told(&error, path);
                self.witness.refused += 1;
                None
            }
        }
    }

    /// Asks for a change.
    fn change<T>(&mut self, change: Change<'_>, ask: impl FnOnce(&Self) -> Result<T>) -> Option<T> {
        let after = self.witness.changes(self.disk.position(), change);
        let answer = ask(self);
        let value = self.heard(answer, &self.disk.path())?;
        self.witness.changed(self.disk.position(), after);
        Some(value)
    }

    /// Submits jobs, the last of three for later.
    fn submit(&mut self, keys: &[Option<&str>]) -> Option<Vec<Submitted>> {
        let tag = self.witness.submits(self.disk.position());
        let later = self.now(10);
        let due = |number: usize| (number == 2).then_some(later);
        let jobs = keys.iter().enumerate().map(|(number, key)| NewJob {
            args: args(tag, number, keys.len()),
            unique: key.map(|key| format!("{key}-{tag}").into()),
            due: due(number),
            ..job()
        });
        let (now, jobs) = (self.now(0), jobs.collect());
        let answer = self.store.submit(Submit { now, jobs }).wait();
        let jobs = self.heard(answer, &self.disk.path())?;
        let state = |number| match due(number) {
            Some(_) => State::Scheduled,
            None => State::Queued,
        };
        let states = (0..keys.len()).map(state).collect::<Vec<_>>();
        let known = jobs.iter().copied().zip(states);
        self.witness.submitted(self.disk.position(), tag, known);
        Some(jobs.iter().copied().collect())
    }

    fn claim(&mut self, sequences: &[u64]) -> Option<()> {
        let change = |sequence, look: &Look| {
            sequences.contains(&sequence).then(|| {
                Some(Look {
                    state: State::Running,
                    attempt: look.attempt + 1,
                    ..look.clone()
                })
            })
        };
        let claimed = self.change(&change, |play| {
            let request = Claim {
                now: play.now(1),
                worker: "worker".into(),
                jobs: sequences.iter().copied().collect(),
            };
            play.store.claim(request).wait()
        })?;
        assert_eq!(claimed.len(), sequences.len());
        Some(())
    }

    fn note(&mut self, of: u64) -> Option<()> {
        let progress = Progress {
            percent: 40.0,
            message: Some("so far".into()),
        };
        let line = LogLine {
            at: self.now(2),
            attempt: 1,
            level: "info".into(),
            message: "hello".into(),
        };
        let percent = Some(40);
        let progressed = move |look: &Look| Look {
            percent,
            ..look.clone()
        };
        let logged = |look: &Look| Look {
            logs: 1,
            ..look.clone()
        };
        self.note_one(of, NoteKind::Progress(progress), &progressed)?;
        self.note_one(of, NoteKind::Log(line), &logged)?;
        let state = Payload::json(vec![b'1'; 60]);
        self.note_one(of, NoteKind::Checkpoint(state), &Look::clone)
    }

    fn note_one(&mut self, of: u64, kind: NoteKind, after: &dyn Fn(&Look) -> Look) -> Option<()> {
        let change = |sequence, look: &Look| (sequence == of).then(|| Some(after(look)));
        let fenced = self.change(&change, |play| {
            let request = Note {
                now: play.now(2),
                sequence: of,
                attempt: 1,
                kind,
            };
            play.store.note(request).wait()
        })?;
        assert_eq!(fenced, Fenced::Applied);
        Some(())
    }

    fn complete(&mut self, of: u64) -> Option<()> {
        let after = |look: &Look| Look {
            state: State::Completed,
            outcome: Some(OutcomeKind::Completed),
            result: Some(result(of)),
            ..look.clone()
        };
        let end = || AttemptEnd::completed(Payload::json(result(of)));
        self.finish((of, 1), end, Next::End(State::Completed), &after)
    }

    fn requeue(&mut self, of: u64) -> Option<()> {
        let after = |look: &Look| Look {
            state: State::Queued,
            ..look.clone()
        };
        let end = || AttemptEnd::new(OutcomeKind::Released);
        self.finish((of, 1), end, Next::Requeue, &after)
    }

    fn fail(&mut self, of: u64) -> Option<()> {
        let after = |look: &Look| Look {
            state: State::Failed,
            outcome: Some(OutcomeKind::Failed),
            ..look.clone()
        };
        let end = || AttemptEnd::failed(OutcomeKind::Failed, Failure::new("Error", "it broke"));
        self.finish((of, 2), end, Next::End(State::Failed), &after)
    }

    fn finish(
        &mut self,
        (of, attempt): (u64, u32),
        end: impl Fn() -> AttemptEnd,
        next: Next,
        after: &dyn Fn(&Look) -> Look,
    ) -> Option<()> {
        let change = |sequence, look: &Look| (sequence == of).then(|| Some(after(look)));
        let fenced = self.change(&change, |play| {
            let ended = FinishedAttempt {
                sequence: of,
                attempt,
                end: end().into(),
                next,
            };
            let (now, attempts) = (play.now(3), [ended].into_iter().collect());
            play.store.finish(Finish { now, attempts }).wait()
        })?;
        assert_eq!(fenced[0], Fenced::Applied);
        Some(())
    }

    fn cancel(&mut self, job: Submitted) -> Option<()> {
        let change = |sequence, look: &Look| {
            (sequence == job.sequence).then(|| {
                Some(Look {
                    state: State::Cancelled,
                    outcome: Some(OutcomeKind::Cancelled),
                    ..look.clone()
                })
            })
        };
        let end = || {
            AttemptEnd::failed(
                OutcomeKind::Cancelled,
                Failure::new("Cancelled", "not needed"),
            )
        };
        self.change(&change, |play| {
            let (now, id, end) = (play.now(4), job.id, end().into());
            play.store.cancel(Cancel { now, id, end }).wait()
        })
        .map(drop)
    }

    /// Queues what is due.
    fn promote(&mut self) -> Option<()> {
        let change = |_, look: &Look| {
            (look.state == State::Scheduled).then(|| {
                Some(Look {
                    state: State::Queued,
                    ..look.clone()
                })
            })
        };
        self.change(&change, |play| {
            let (now, limit) = (play.now(20), usize::MAX);
            play.store.promote(Promote { now, limit }).wait()
        })
        .map(drop)
    }

    /// Forgets what has ended in earlier rounds.
    fn prune(&mut self) -> Option<()> {
        let change = |_, look: &Look| look.state.is_terminal().then_some(None);
        self.change(&change, |play| {
            let (now, limit) = (play.now(0), usize::MAX);
            play.store.prune(Prune { now, limit }).wait()
        })
        .map(drop)
    }

    fn backup(&mut self) -> Option<PathBuf> {
        let path = self.disk.join(&format!("backup-{}.db", self.round));
        let answer = self.store.backup(&path).wait();
        let heard = self.heard(answer, &path);
        if heard.is_none() {
            assert!(!path.exists(), "half a backup is there");
        }
        heard.map(|()| path)
    }
}
