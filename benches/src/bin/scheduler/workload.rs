//! The jobs: random shapes over memory, CPU, slots and a token.

use bursar_core::{Amounts, Priority, Rank};

/// Memory in MB, milli-CPUs, slots, GPUs.
pub(crate) const DIMENSIONS: usize = 4;
/// A pool in which a few hundred average jobs run at once.
pub(crate) const POOL: [u64; DIMENSIONS] = [256_000, 256_000, 1_000, 16];

/// An endless, seeded stream of jobs over a fixed set of shapes.
pub(crate) struct Workload {
    random: fastrand::Rng,
    shapes: Vec<Amounts>,
    sequence: u64,
}

impl Workload {
    pub(crate) fn new(seed: u64, shapes: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let shapes = (0..shapes).map(|_| shape(&mut random)).collect();
        Self {
            random,
            shapes,
            sequence: 0,
        }
    }

    /// The next job: any shape, any priority, the next sequence.
    pub(crate) fn job(&mut self) -> (Rank, u32) {
        let shape = self.random.u32(..self.shapes.len() as u32);
        let priority = Priority::ALL[self.random.usize(..Priority::ALL.len())];
        self.sequence += 1;
        (Rank::new(priority, self.sequence), shape)
    }

    pub(crate) fn demand(&self, shape: u32) -> &Amounts {
        &self.shapes[shape as usize]
    }
}

/// Memory and CPU spread evenly over their orders of magnitude (1 MB to 32 GB, 10 to
/// 16,000 milli-CPUs), one slot, and for one job in ten one to four GPUs.
fn shape(random: &mut fastrand::Rng) -> Amounts {
    let mut between = |low: f64, high: f64| (low * (high / low).powf(random.f64())) as u64;
    let (memory, cpu) = (between(1.0, 32_000.0), between(10.0, 16_000.0));
    let gpus = if random.u8(..10) == 0 {
        random.u64(1..=4)
    } else {
        0
    };
    Amounts::from_slice(&[memory, cpu, 1, gpus])
}
