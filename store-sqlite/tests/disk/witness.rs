//! What must be in the store, by what was acknowledged; and what may be, where no answer came.

use std::collections::{BTreeMap, BTreeSet};

use bursar_core::{JobInfo, OutcomeKind, State, Submitted};

/// What can be seen of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) state: State,
    pub(crate) attempt: u32,
    pub(crate) outcome: Option<OutcomeKind>,
    pub(crate) result: Option<Vec<u8>>,
    pub(crate) percent: Option<u32>,
    pub(crate) logs: usize,
}

impl Look {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state,
            attempt: 0,
            outcome: None,
            result: None,
            percent: None,
            logs: 0,
        }
    }

    pub(crate) fn of(job: &JobInfo) -> Self {
        let result = job.result.as_ref().and_then(|result| result.as_json());
        Self {
            state: job.state,
            attempt: job.attempt,
            outcome: job.outcome.filter(|_| job.state.is_terminal()),
            result: result.map(<[u8]>::to_vec),
            percent: job
                .progress
                .as_ref()
                .map(|progress| progress.percent as u32),
            logs: job.logs.len(),
        }
    }
}

/// The jobs of one submit.
pub(crate) type Tag = u64;

/// A job as it may be; `None` where it is gone.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    may: Vec<Option<Look>>,
}

/// What is known at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    jobs: BTreeMap<u64, Fate>,
    /// Submits of which no answer came, or none yet.
    flying: BTreeSet<Tag>,
}

/// What is found in a store: jobs by their numbers, and how many there are of each submit.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) jobs: BTreeMap<u64, (Tag, Look)>,
    /// How many jobs each submit has.
    pub(crate) of: BTreeMap<Tag, usize>,
}

impl Known {
    /// Whether a store holds what it must, and nothing that it may not. Says what differs.
    pub(crate) fn check(&self, found: &Found) -> Result<(), String> {
        for (sequence, fate) in &self.jobs {
            let look = found.jobs.get(sequence).map(|(_, look)| look.clone());
            if !fate.may.contains(&look) {
                return Err(format!("job {sequence} is {look:?}, not {:?}", fate.may));
            }
        }
        let mut strangers = BTreeMap::<Tag, usize>::new();
        for (sequence, (tag, _)) in &found.jobs {
            if !self.jobs.contains_key(sequence) {
                *strangers.entry(*tag).or_default() += 1;
            }
        }
        for (tag, count) in strangers {
            if !self.flying.contains(&tag) {
                return Err(format!("submit {tag} is there, and nobody knows it"));
            }
            if found.of[&tag] != count {
                return Err(format!("{count} jobs of submit {tag} are there, not all"));
            }
        }
        Ok(())
    }

    /// With every job as `change` makes it, where it makes any difference.
    fn changed(&self, change: &dyn Fn(u64, &Look) -> Option<Option<Look>>) -> Self {
        let mut after = self.clone();
        for (sequence, fate) in &mut after.jobs {
            for may in &mut fate.may {
                let other = may.as_ref().and_then(|look| change(*sequence, look));
                *may = other.unwrap_or_else(|| may.clone());
            }
        }
        after
    }

    /// As before or as after.
    fn or(&self, after: &Self) -> Self {
        let mut either = self.clone();
        for (sequence, fate) in &mut either.jobs {
            fate.may.extend(after.jobs[sequence].may.iter().cloned());
        }
        either
    }
}

/// What a program was told, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness {
    pub(crate) known: Known,
    /// What was known from a position of the record on.
    pub(crate) marks: Vec<(usize, Known)>,
    pub(crate) acknowledged: usize,
    pub(crate) refused: usize,
    tags: Tag,
}

impl Witness {
    fn mark(&mut self, position: usize, known: Known) {
        self.known = known.clone();
        self.marks.push((position, known));
    }

    /// A submit is on its way.
    pub(crate) fn submits(&mut self, position: usize) -> Tag {
        self.tags += 1;
        let mut during = self.known.clone();
        during.flying.insert(self.tags);
        self.mark(position, during);
        self.tags
    }

    /// It was acknowledged.
    pub(crate) fn submitted(
        &mut self,
        position: usize,
        tag: Tag,
        jobs: impl IntoIterator<Item = (Submitted, State)>,
    ) {
        let mut after = self.known.clone();
        after.flying.remove(&tag);
        for (job, state) in jobs {
            let may = vec![Some(Look::new(state))];
            after.jobs.insert(job.sequence, Fate { may });
        }
        self.mark(position, after);
    }

    /// A change is on its way. What will be known once it is acknowledged.
    pub(crate) fn changes(
        &mut self,
        position: usize,
        change: &dyn Fn(u64, &Look) -> Option<Option<Look>>,
    ) -> Known {
        let after = self.known.changed(change);
        self.mark(position, self.known.or(&after));
        after
    }

    /// It was acknowledged.
    pub(crate) fn changed(&mut self, position: usize, after: Known) {
        self.mark(position, after);
    }
}
