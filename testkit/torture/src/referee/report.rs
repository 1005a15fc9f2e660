use std::collections::BTreeMap;
use std::fmt;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which one, in a word.
    pub kind: &'static str,
    /// Where, and how it shows.
    pub what: String,
}

impl Fault {
    /// A promise that was not kept.
    pub fn new(kind: &'static str, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { kind, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.what)
    }
}

/// What a round, or all of them, came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many rounds there were.
    pub rounds: u64,
    /// How many children were killed, by others or at a point.
    pub kills: u64,
    /// How many of those died at each point.
    pub points: BTreeMap<String, u64>,
    /// How many hung for longer than their lease and then went on.
    pub hung: u64,
    /// How many of those hung in the middle of a write, and kept everybody from writing.
    pub held: u64,
    /// How many children began.
    pub children: u64,
    /// How many jobs were acknowledged.
    pub acknowledged: u64,
    /// How many attempts began.
    pub attempts: u64,
    /// How many of them were lost with their workers.
    pub lost_attempts: u64,
    /// What was found.
    pub faults: Vec<Fault>,
}

impl Report {
    /// Adds what another round came to.
    pub fn add(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.kills += other.kills;
        for (point, count) in other.points {
            *self.points.entry(point).or_default() += count;
        }
        self.hung += other.hung;
        self.held += other.held;
        self.children += other.children;
        self.acknowledged += other.acknowledged;
        self.attempts += other.attempts;
        self.lost_attempts += other.lost_attempts;
        self.faults.extend(other.faults);
    }

    /// How many faults are of this kind.
    pub fn count(&self, kind: &str) -> usize {
        self.faults
            .iter()
            .filter(|fault| fault.kind == kind)
            .count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_points: u64 = self.points.values().sum();
        let (lost, twice) = (self.count("lost"), self.count("recorded twice"));
        writeln!(
            f,
            "{} rounds, {} children: {} kills ({at_points} at {} named points), {} hung past their lease ({} of them in a write)",
            self.rounds,
            self.children,
            self.kills,
            self.points.len(),
            self.hung,
            self.held,
        )?;
        writeln!(
            f,
            "{} jobs acknowledged, {} attempts, {} of them lost with their workers",
            self.acknowledged, self.attempts, self.lost_attempts
        )?;
        let points = self.points.iter();
        let points: Vec<String> = points
            .map(|(name, kills)| format!("{name} {kills}"))
            .collect();
        writeln!(f, "killed at: {}", points.join(", "))?;
        let others = self.faults.len() - lost - twice;
        write!(
            f,
            "{lost} lost, {twice} recorded twice, {others} other faults"
        )
    }
}
