use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Engine, EngineBuilder, EngineOptions, ErrorKind, ExecutorKind, Result, ThreadPool,
};
use bursar_store_sqlite::{SqliteOptions, SqliteStore};

use crate::outcome::Outcome;
use crate::part::{Part, Role};

/// What each worker has to share out, in bytes.
pub(crate) const MEMORY: u64 = 8_000_000;

/// How many jobs run at once.
const SLOTS: u32 = 6;

/// How long a job that was asked to stop may take.
const GRACE: Duration = Duration::from_millis(200);

/// How a store is opened for this part.
pub(crate) fn store_options(part: &Part) -> SqliteOptions {
    let usual = SqliteOptions {
        durability: part.durability,
        seed: Some(part.seed),
        ..SqliteOptions::default()
    };
    if part.lease == 0 {
        return usual;
    }
    let lease = Duration::from_millis(part.lease);
    let lease_grace = lease / 2;
    SqliteOptions {
        lease,
        lease_grace,
        ..usual
    }
}

/// The engine of a part. It is made of its pieces, so that its lease can be short.
pub(crate) fn open(part: &Part) -> Outcome<Engine> {
    let store = patiently(|| SqliteStore::open(&part.store, store_options(part)))?;
    let options = EngineOptions {
        memory: Some(MEMORY),
        concurrency: vec![(ExecutorKind::Thread, SLOTS)],
        grace: GRACE,
        run: part.role == Role::Worker,
        name: Some(part.name.as_str().into()),
        seed: Some(part.seed),
        ..EngineOptions::default()
    };
    let builder = EngineBuilder::new(Arc::new(store), options);
    let engine = builder.executor(ExecutorKind::Thread, Arc::new(ThreadPool::new()));
    Ok(engine.start()?)
}

/// Asks again while somebody hangs in the middle of a write: a store waits for that by itself, and
/// has written nothing when it gives up. How long that may take is the referee's to judge.
pub(super) fn patiently<T>(mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match ask() {
            Err(error) if error.kind() == ErrorKind::Unavailable => {}
            done => return done,
        }
    }
}
