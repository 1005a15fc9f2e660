use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Cancel, Claim, Claimed, Count, Cursor, Finish, Get, JobFilter, JobId, List, Note, Order,
    Promote, Promoted, Prune, Ref, Submit, Timestamp,
};
use fastrand::Rng;

use super::requests;
use crate::conformance::probe::{Maker, Probe, Settings, cancelled, everything};
use crate::conformance::view::content;
use crate::conformance::{Model, view};

/// A store and the model, given the same requests.
pub(super) struct Duel {
    probe: Probe,
    model: Model,
    random: Rng,
    seed: u64,
    steps: usize,
    /// Everything that was seen of the store, in its order.
    seen: RefCell<Vec<String>>,
}

impl Duel {
    pub(super) fn new(make: Maker<'_>, settings: Settings, seed: u64) -> Self {
        let probe = Probe::with(make, settings);
        let bounded = !probe.store.capabilities().durable;
        Self {
            probe,
            model: Model::new(settings, bounded),
            random: Rng::with_seed(seed),
            seed,
            steps: 0,
            seen: RefCell::default(),
        }
    }

    /// One request of each kind with its odds; now and then a look at everything.
    pub(super) fn step(&mut self) {
        self.steps += 1;
        match self.random.u8(0..40) {
            0..=7 => self.submit(),
            8..=14 => self.claim(),
            15..=20 => self.finish(),
            21..=23 => self.note(),
            24 | 25 => self.cancel(),
            26..=29 => self.promote(),
            30 => self.retry(),
            31 => self.delete(),
            32 | 33 => self.get(),
            34 => self.list(),
            35 => self.count(),
            36 => self.prune(),
            _ => self.pass(),
        }
        if self.steps.is_multiple_of(25) {
            self.compare_all();
        }
    }

    /// Everything that was seen of the store.
    pub(super) fn into_seen(self) -> Vec<String> {
        self.seen.into_inner()
    }

    fn same<T: std::fmt::Debug>(&self, what: &str, store: &T, model: &T) {
        let (store, model) = (format!("{store:?}"), format!("{model:?}"));
        self.equal(what, &store, &model);
    }

    fn equal(&self, what: &str, store: &str, model: &str) {
        let (step, seed) = (self.steps, self.seed);
        self.seen.borrow_mut().push(format!("{what}: {store}"));
        assert_eq!(
            store, model,
            "{what} at step {step} of trace {seed}: store and model"
        );
    }

    fn now(&self) -> Timestamp {
        self.probe.now()
    }

    /// The number of some job, or of none.
    fn sequence(&mut self) -> u64 {
        let jobs: Vec<u64> = self.model.jobs().map(|job| job.sequence).collect();
        self.random
            .choice(jobs)
            .filter(|_| self.random.u8(0..12) > 0)
            .unwrap_or(1)
    }

    /// The id of some job, or of none.
    fn id(&mut self) -> JobId {
        let ids: Vec<JobId> = self.model.jobs().map(|job| job.id).collect();
        let known = self
            .random
            .choice(ids)
            .filter(|_| self.random.u8(0..12) > 0);
        known.unwrap_or_else(|| JobId::new(Timestamp::default(), 1, 0))
    }

    /// A job with its newest attempt, or with another one.
    fn attempt(&mut self) -> (u64, u32) {
        let sequence = self.sequence();
        let newest = self.model.jobs().find(|job| job.sequence == sequence);
        let attempt = newest.map_or(0, |job| job.attempt);
        let other = self.random.u8(0..8) == 0;
        (
            sequence,
            if other {
                self.random.u32(0..4)
            } else {
                attempt
            },
        )
    }

    fn pass(&mut self) {
        let micros = self.random.u64(0..8_000_000);
        self.probe.advance(Duration::from_micros(micros));
    }

    fn submit(&mut self) {
        let now = self.now();
        let count = self.random.usize(0..4);
        let jobs: Vec<_> = (0..count)
            .map(|_| requests::job(&mut self.random, now))
            .collect();
        let request = |jobs: &[_]| Submit {
            now,
            jobs: jobs.iter().cloned().collect(),
        };
        let store = self.probe.store.submit(request(&jobs)).wait().unwrap();
        let model = self.model.submit(request(&jobs), &store);
        self.same("submit", &store, &model);
    }

    fn claim(&mut self) {
        let count = self.random.usize(0..5);
        let jobs: Vec<u64> = (0..count).map(|_| self.sequence()).collect();
        let worker = requests::worker(&mut self.random);
        let request = || Claim {
            now: self.now(),
            worker: Arc::clone(&worker),
            jobs: jobs.iter().copied().collect(),
        };
        let store = self.probe.store.claim(request()).wait().unwrap();
        let request = request();
        let model = self.model.claim(&request);
        self.equal("claim", &shown(&store), &shown(&model));
    }

    fn finish(&mut self) {
        let now = self.now();
        let count = self.random.usize(0..4);
        let mut request = || {
            let attempts = (0..count).map(|_| {
                let (sequence, attempt) = self.attempt();
                requests::finished(&mut self.random, sequence, attempt, now)
            });
            attempts.collect::<Vec<_>>()
        };
        let ended = request();
        let again = ended.iter().map(|one| bursar_core::FinishedAttempt {
            end: one.end.clone(),
            ..*one
        });
        let attempts = again.collect();
        let model = self.model.finish(Finish { now, attempts });
        let attempts = ended.into_iter().collect();
        let store = self.probe.store.finish(Finish { now, attempts });
        self.same("finish", &store.wait().unwrap(), &model);
    }

    fn note(&mut self) {
        let now = self.now();
        let (sequence, attempt) = self.attempt();
        let mut twin = self.random.clone();
        let note = |random: &mut Rng| Note {
            now,
            sequence,
            attempt,
            kind: requests::note(random, attempt, now),
        };
        let store = self.probe.store.note(note(&mut twin)).wait().unwrap();
        let model = self.model.note(note(&mut self.random));
        self.same("note", &store, &model);
    }

    fn cancel(&mut self) {
        let (now, id) = (self.now(), self.id());
        let end = bursar_core::End::from(cancelled("not needed"));
        let request = || Cancel {
            now,
            id,
            end: end.clone(),
        };
        let store = self.probe.store.cancel(request()).wait().unwrap();
        let model = self.model.cancel(&request());
        self.same("cancel", &store, &model);
    }

    fn promote(&mut self) {
        let limit = self.random.usize(0..6);
        let now = self.now();
        let store = self.probe.promote_at_most(limit);
        let model = self.model.promote(Promote { now, limit });
        self.same::<Promoted>("promote", &store, &model);
    }

    fn retry(&mut self) {
        let (now, id) = (self.now(), self.id());
        let store = self.probe.retry(id);
        let model = self
            .model
            .retry(Ref { now, id }, store.as_ref().ok().copied());
        self.same("retry", &store, &model);
    }

    fn delete(&mut self) {
        let id = self.id();
        let (store, model) = (self.probe.delete(id), self.model.delete(id));
        self.same("delete", &store, &model);
    }

    fn get(&mut self) {
        let request = Get {
            now: self.now(),
            id: self.id(),
            logs: self.random.bool(),
        };
        let store = self.probe.store.get(request).wait().unwrap();
        let model = self.model.get(request);
        self.same("get", &store.as_ref().map(view), &model.as_ref().map(view));
    }

    fn list(&mut self) {
        let filter = requests::filter(&mut self.random);
        let after = (self.random.u8(0..3) == 0).then(|| Cursor(self.id()));
        let order = if self.random.bool() {
            Order::Newest
        } else {
            Order::Oldest
        };
        let request = List {
            filter,
            order,
            limit: self.random.usize(0..8),
            offset: self.random.usize(0..3),
            // Cursors come from pages: one of a job that never was means nothing.
            after: after.filter(|after| self.model.jobs().any(|job| job.id == after.0)),
        };
        self.compare_lists(&request);
    }

    fn compare_lists(&self, request: &List) {
        let store = self.probe.page(request.clone());
        let model = self.model.list(request);
        let views = |jobs: &[_]| jobs.iter().map(view).collect::<Vec<_>>().join("\n");
        self.equal("list", &views(&store.jobs), &views(&model.jobs));
        self.same("cursor", &store.next, &model.next);
    }

    fn count(&mut self) {
        let filter = requests::filter(&mut self.random);
        let model = self.model.count(&filter);
        let store = self.probe.store.count(Count { filter }).wait().unwrap();
        self.same("count", &store, &model);
    }

    fn prune(&mut self) {
        let limit = self.random.usize(0..4);
        let now = self.now();
        let store = self.probe.prune_at_most(limit);
        let model = self.model.prune(Prune { now, limit });
        self.same("prune", &store, &model);
    }

    /// Everything that can be seen of both.
    pub(super) fn compare_all(&mut self) {
        self.compare_lists(&everything(usize::MAX));
        self.same("tally", &self.probe.tally(), &self.model.tally());
        let all = JobFilter::default();
        self.same(
            "count",
            &self.probe.count(all.clone()),
            &self.model.count(&all),
        );
        let unfinished: Vec<JobId> = self
            .model
            .jobs()
            .filter(|job| !job.state.is_terminal())
            .map(|job| job.id)
            .collect();
        for id in unfinished {
            let request = Get {
                now: self.now(),
                id,
                logs: true,
            };
            let store = self.probe.find(id);
            let model = self.model.get(request);
            self.same("read", &store.as_ref().map(view), &model.as_ref().map(view));
        }
    }
}

/// Claimed jobs with what is in their payloads.
fn shown(claimed: &[Claimed]) -> String {
    let one = |job: &Claimed| {
        let state = job.checkpoint.as_ref().map(content);
        format!("{job:?} {} {state:?}", content(&job.args))
    };
    claimed.iter().map(one).collect::<Vec<_>>().join("\n")
}
