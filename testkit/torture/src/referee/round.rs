use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::Store;
use bursar_store_sqlite::SqliteStore;
use fastrand::Rng;

use crate::child::points::POINTS;
use crate::outcome::{Outcome, failed};
use crate::part::{Durability, Part, Role};
use crate::referee::crew::{Crew, Language, Said};
use crate::referee::drain::Drain;
use crate::referee::facts::Facts;
use crate::referee::report::{Fault, Report};
use crate::referee::{history, promises, store};

/// How long everything may take that must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long those who hang may keep everybody from going on: a process that stands still in the
/// middle of a write has the turn.
const HELD: Duration = Duration::from_secs(4);

/// A short lease, so that hanging is noticed soon, in milliseconds.
const LEASE: u64 = 600;

/// The longest that is waited for the next kill: most often, and sometimes.
const LONG: Duration = Duration::from_millis(120);
const SHORT: Duration = Duration::from_millis(20);

/// How much slower children in other languages are killed.
const SLOWER: u32 = 4;

/// How many jobs the caller at the end of a round submits.
const CALLS: u32 = 12;

/// One file, from its first child to the last.
#[derive(Debug)]
pub struct Round {
    random: Rng,
    pub(super) crew: Crew,
    folder: PathBuf,
    languages: Vec<Language>,
    durability: Durability,
    lease: u64,
    store: Option<Arc<SqliteStore>>,
    pub(super) report: Report,
}

impl Round {
    /// A round with a seed of its own, in a folder of its own.
    pub fn new(seed: u64, folder: PathBuf, crew: Crew, languages: &[Language]) -> Self {
        let mut random = Rng::with_seed(seed);
        let only_rust = languages.iter().all(|language| *language == Language::Rust);
        let durability = if random.u8(0..4) == 0 {
            Durability::Full
        } else {
            Durability::Process
        };
        Self {
            random,
            crew,
            folder,
            languages: languages.to_vec(),
            durability,
            // The others have the usual one, and would be taken for dead.
            lease: if only_rust { LEASE } else { 0 },
            store: None,
            report: Report::default(),
        }
    }

    /// Plays it, with about this many kills.
    ///
    /// # Errors
    /// Where the referee itself can't go on.
    pub fn play(mut self, kills: u64) -> Outcome<Report> {
        // Whoever opens the file alone sees that everybody else is gone: that must be tried too.
        if self.random.u8(0..4) > 0 {
            self.store = Some(store::open(&self.path())?);
        }
        let (workers, submitters) = (self.random.usize(2..=3), self.random.usize(1..=2));
        for role in [Role::Worker]
            .repeat(workers)
            .into_iter()
            .chain([Role::Submitter].repeat(submitters))
        {
            self.begin(role)?;
        }
        let freezes = self.lease > 0 && self.random.u8(0..4) == 0;
        let frozen = self.kill_many(kills, freezes)?;
        self.clean_up(frozen)?;
        Ok(self.report)
    }

    fn path(&self) -> PathBuf {
        self.folder.join("jobs.db")
    }

    fn part(&mut self, role: Role, jobs: u32) -> Part {
        let name = format!("{}{}", &role.to_string()[..1], self.crew.members.len());
        Part {
            role,
            store: self.path(),
            witness: self.folder.join(format!("{name}.log")),
            name,
            seed: self.random.u64(..),
            jobs,
            lease: self.lease,
            durability: self.durability,
        }
    }

    /// Starts a child that is to be killed.
    fn begin(&mut self, role: Role) -> Outcome<usize> {
        let jobs = self.random.u32(4..=16);
        let part = self.part(role, jobs);
        let language = self.languages[self.random.usize(0..self.languages.len())];
        let (name, passes) = POINTS[self.random.usize(0..POINTS.len())];
        let point = format!("{name}:{}", self.random.u64(1..=passes));
        let has_point = language == Language::Rust && self.random.u8(0..5) < 2;
        self.crew.start(language, part, has_point.then_some(point))
    }

    /// Kills one after the other, and puts another one in the place of each.
    fn kill_many(&mut self, kills: u64, freezes: bool) -> Outcome<Option<usize>> {
        let freeze_at = freezes.then(|| self.random.u64(0..kills.max(1)));
        let mut frozen = None;
        let mut round = 0;
        while self.crew.kills().0 < kills {
            self.listen_a_while()?;
            let awake = self.crew.awake();
            let Some(child) = self.random.choice(awake) else {
                return failed("there is nobody left to kill");
            };
            let role = self.crew.members[child].part.role;
            if freeze_at == Some(round) && role == Role::Worker {
                self.crew.freeze(child, true)?;
                frozen = Some(child);
                self.begin(role)?;
            } else if self.random.u8(0..6) == 0 && !self.crew.members[child].leaving {
                let grace = self.random.u64(0..20);
                self.crew.dismiss(child, grace);
            } else {
                self.crew.kill(child)?;
                self.begin(role)?;
            }
            round += 1;
        }
        for child in self.crew.awake() {
            self.crew.kill(child)?;
        }
        Ok(frozen)
    }

    /// Until it is time for the next kill. Those who end by themselves meanwhile are replaced.
    fn listen_a_while(&mut self) -> Outcome<()> {
        // Most often long enough to do something, and sometimes not.
        let most = if self.random.u8(0..4) == 0 {
            SHORT
        } else {
            LONG
        };
        // An interpreter takes its time to begin.
        let slower = if self.lease > 0 { 1 } else { SLOWER };
        let most = most * slower;
        let micros = self.random.u64(0..most.as_micros() as u64);
        let until = self.crew.tick().after(Duration::from_micros(micros));
        while let Some((child, said)) = self.crew.listen(until)? {
            if said == Said::End {
                let member = &self.crew.members[child];
                let (role, replaced) = (member.part.role, member.was_replaced());
                if !replaced {
                    self.begin(role)?;
                }
            }
        }
        Ok(())
    }

    /// Lets clean workers finish what is left, and looks at what became of everything.
    fn clean_up(&mut self, frozen: Option<usize>) -> Outcome<()> {
        let workers = [self.clean(Role::Worker, 0)?, self.clean(Role::Worker, 0)?];
        if let Some(frozen) = frozen
            && !self.are_ready(workers, HELD)?
        {
            self.thaw(frozen)?;
        }
        if !self.are_ready(workers, PATIENCE)? {
            self.fault("stuck", "a clean worker did not begin")?;
        }
        let clean = self.crew.now();
        let path = self.path();
        let store = match self.store.take() {
            Some(store) => store,
            None => store::open(&path)?,
        };
        let same: Arc<dyn Store> = Arc::<SqliteStore>::clone(&store);
        let drain = Drain::of(same);
        self.drain(&drain, &store, frozen)?;
        if self.lease > 0 && self.random.u8(0..6) == 0 {
            self.overtake(&drain, &store)?;
        }
        self.call(&drain)?;
        for worker in workers {
            self.part_with(worker)?;
        }
        self.judge(&store, clean)?;
        store.close().wait()?;
        Ok(())
    }

    fn are_ready(&mut self, workers: [usize; 2], patience: Duration) -> Outcome<bool> {
        let until = self.crew.tick().after(patience);
        for worker in workers {
            if !self.crew.hears(worker, "ready", until)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets one go on that hangs in the middle of a write.
    fn thaw(&mut self, frozen: usize) -> Outcome<()> {
        self.report.held += 1;
        self.crew.freeze(frozen, false)
    }

    pub(super) fn fault(&mut self, kind: &'static str, what: impl Into<String>) -> Outcome<()> {
        self.report.faults.push(Fault::new(kind, what));
        Ok(())
    }

    /// A child that nobody kills.
    fn clean(&mut self, role: Role, jobs: u32) -> Outcome<usize> {
        let part = self.part(role, jobs);
        let language = self.languages[self.random.usize(0..self.languages.len())];
        self.crew.start(language, part, None)
    }

    /// All jobs end while somebody hangs, and nothing changes when that one goes on.
    fn drain(&mut self, drain: &Drain, store: &SqliteStore, frozen: Option<usize>) -> Outcome<()> {
        let Some(frozen) = frozen else {
            return self.all_end(drain, PATIENCE);
        };
        self.report.hung += 1;
        if self.crew.members[frozen].frozen && drain.wait(HELD)? > 0 {
            self.thaw(frozen)?;
        }
        if !self.crew.members[frozen].frozen {
            self.all_end(drain, PATIENCE)?;
            return self.part_with(frozen);
        }
        let before = store::records(store)?;
        self.crew.freeze(frozen, false)?;
        self.part_with(frozen)?;
        if store::records(store)? != before {
            self.fault(
                "late write",
                "a worker that hung has changed what was recorded",
            )?;
        }
        Ok(())
    }

    pub(super) fn all_end(&mut self, drain: &Drain, patience: Duration) -> Outcome<()> {
        let left = drain.wait(patience)?;
        if left > 0 {
            self.fault(
                "stuck",
                format!("{left} jobs have not ended after {patience:?}"),
            )?;
        }
        Ok(())
    }

    /// While everybody is idle, each job wakes a worker at once.
    fn call(&mut self, drain: &Drain) -> Outcome<()> {
        let caller = self.clean(Role::Caller, CALLS)?;
        let until = self.crew.tick().after(PATIENCE);
        if !self.crew.hears(caller, "submitted", until)? {
            self.fault(
                "stuck",
                "a job that found everybody idle did not end in time",
            )?;
        }
        self.part_with(caller)?;
        self.all_end(drain, PATIENCE)
    }

    /// Has a child end by itself.
    fn part_with(&mut self, child: usize) -> Outcome<()> {
        self.crew.dismiss(child, 0);
        let until = self.crew.tick().after(PATIENCE);
        if !self.crew.ends(child, until)? {
            let name = self.crew.members[child].part.name.clone();
            self.fault("stuck", format!("{name} did not stop when it was told to"))?;
            self.crew.kill(child)?;
        }
        Ok(())
    }

    fn judge(&mut self, store: &SqliteStore, clean: bursar_core::Timestamp) -> Outcome<()> {
        let facts = Facts::gather(&self.crew, store, clean)?;
        let report = &mut self.report;
        report.faults.extend(promises::faults(&facts));
        report
            .faults
            .extend(history::faults(&self.folder.join("jobs.db"))?);
        report.faults.extend(self.crew.faults());
        report.rounds = 1;
        (report.kills, report.points) = self.crew.kills();
        report.children = self.crew.members.len() as u64;
        report.acknowledged = facts.acknowledged.len() as u64;
        let attempts = || facts.jobs.values().flat_map(|job| &job.attempts);
        report.attempts = attempts().count() as u64;
        let lost = bursar_core::OutcomeKind::Lost;
        let lost = attempts().filter(|attempt| attempt.outcome == Some(lost));
        report.lost_attempts = lost.count() as u64;
        Ok(())
    }
}
