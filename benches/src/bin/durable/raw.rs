//! The floor: the same cycle by SQLite alone, with no engine, no attempts and no events.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::Result;

/// Jobs of one transaction.
const GROUP: usize = 1_000;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE job (
        id INTEGER PRIMARY KEY, task TEXT NOT NULL, state INTEGER NOT NULL, priority INTEGER NOT NULL,
        created INTEGER NOT NULL, args BLOB NOT NULL, result BLOB
    );
    CREATE INDEX queued ON job (priority, id) WHERE state = 0;
";
const INSERT: &str =
    "INSERT INTO job (task, state, priority, created, args) VALUES ('noop', 0, 2, ?1, ?2)";
const CLAIM: &str = "UPDATE job SET state = 1 WHERE id IN
    (SELECT id FROM job WHERE state = 0 ORDER BY priority, id LIMIT ?1) RETURNING id";
const COMPLETE: &str = "UPDATE job SET state = 2, result = ?2 WHERE id = ?1 AND state = 1";

/// Jobs per second: inserted, claimed and completed in groups, each group synced.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
pub(crate) fn cycle(path: &Path, jobs: usize) -> Result<f64> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(SCHEMA)?;
    let start = Instant::now();
    for _ in 0..jobs / GROUP {
        insert(&mut connection)?;
        let claimed = claim(&mut connection)?;
        complete(&mut connection, &claimed)?;
    }
    Ok(jobs as f64 / start.elapsed().as_secs_f64())
}

fn insert(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(INSERT)?;
        for number in 0..GROUP {
            statement.execute(params![number as i64, b"[]"])?;
        }
    }
    Ok(transaction.commit()?)
}

fn claim(connection: &mut Connection) -> Result<Vec<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let claimed = {
        let mut statement = transaction.prepare_cached(CLAIM)?;
        let rows = statement.query_map([GROUP as i64], |row| row.get(0))?;
        rows.collect::<rusqlite::Result<Vec<i64>>>()?
    };
    transaction.commit()?;
    Ok(claimed)
}

fn complete(connection: &mut Connection, claimed: &[i64]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(COMPLETE)?;
        for id in claimed {
            statement.execute(params![id, b"null"])?;
        }
    }
    Ok(transaction.commit()?)
}
