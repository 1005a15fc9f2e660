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
        Self::given().unwrap_or_else(|| Self(Rng::new().u64(..)))
    }

    /// The seed of this run, `usual` unless the environment sets one: for tests that
    /// compare figures.
    #[must_use]
    pub fn from_env_or(usual: u64) -> Self {
        Self::given().unwrap_or(Self(usual))
    }

    fn given() -> Option<Self> {
        let text = std::env::var(Self::VARIABLE).ok()?;
        text.trim().parse().ok().map(Self)
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
