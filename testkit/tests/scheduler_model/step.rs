use bursar_core::{Amounts, Priority};

/// What the budget of the test has: memory, CPU, slots, a token.
pub(crate) const POOL: [u64; 4] = [1_000, 400, 12, 2];

/// One thing that happens to a scheduler and its ledger. Where it names "one of" the
/// queued or running jobs, any number will do: it is taken modulo how many there are.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A new job.
    Submit { priority: Priority, demand: Amounts },
    /// One of the running jobs ends and queues again under its old sequence.
    Retry(usize),
    /// One of the queued jobs is cancelled.
    Cancel(usize),
    /// A job that isn't queued is cancelled.
    CancelUnknown(Amounts),
    /// One of the running jobs ends; maybe its permit is released a second time.
    Finish { which: usize, twice: bool },
    /// One of the running jobs ends, and the next job takes over what it holds if it needs as much.
    Follow(usize),
    /// One of the running jobs gives a dimension back, or takes it back.
    Suspend {
        which: usize,
        dimension: usize,
        suspended: bool,
    },
    /// The pool changes.
    Resize { dimension: usize, total: u64 },
    /// Time goes by, in microseconds.
    Advance(u64),
    /// At most so many jobs start.
    Start(usize),
}

impl Step {
    pub(crate) fn random(random: &mut fastrand::Rng) -> Self {
        let which = random.usize(..);
        let dimension = random.usize(..POOL.len());
        match random.u8(..100) {
            0..25 => Self::Submit {
                priority: Priority::ALL[random.usize(..4)],
                demand: demand(random),
            },
            25..28 => Self::Retry(which),
            28..31 => Self::Cancel(which),
            31 => Self::CancelUnknown(demand(random)),
            32..38 => Self::Follow(which),
            38..58 => Self::Finish {
                which,
                twice: random.bool(),
            },
            58..66 => Self::Suspend {
                which,
                dimension,
                suspended: random.bool(),
            },
            66 => Self::Resize {
                dimension,
                total: POOL[dimension] * random.u64(1..=4) / 3,
            },
            67..77 => Self::Advance(random.u64(..60)),
            _ => Self::Start(random.usize(1..6)),
        }
    }
}

/// Mostly small and often the same; now and then big, or one of a kind.
fn demand(random: &mut fastrand::Rng) -> Amounts {
    let [memory, cpu] = match random.u8(..20) {
        0 => [random.u64(..1_000), random.u64(..400)],
        1 => [900, 10],
        2 => [10, 390],
        3 => [0, 0],
        4..8 => [random.u64(1..5) * 100, 50],
        _ => [32, random.u64(1..3) * 10],
    };
    let token = u64::from(random.u8(..8) == 0);
    Amounts::from_slice(&[memory, cpu, 1, token])
}
