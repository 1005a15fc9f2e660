use fastrand::Rng;

/// The seed of a random test: from the environment variable `BURSAR_SEED`, else a new
/// one. Dropped by a failing test, it prints how to replay the run.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// The variable that sets the seed.
    pub const VARIABLE: &str = "BURSAR_SEED";

    /// The seed of this run. A value that is no number counts as not set.
    #[must_use]
    pub fn from_env() -> Self {
        let given = std::env::var(Self::VARIABLE).ok();
        let seed = given.and_then(|text| text.trim().parse().ok());
        Self(seed.unwrap_or_else(|| Rng::new().u64(..)))
    }

    /// The number itself.
    #[must_use]
    pub const fn get(&self) -> u64 {
        self.0
    }

    /// A source of randomness that starts from it.
    #[must_use]
    pub fn random(&self) -> Rng {
        Rng::with_seed(self.0)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with {}={}", Self::VARIABLE, self.0);
        }
    }
}
