//! The history of each job, as the store told it to those who followed it, and whether the file is
//! sound.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::outcome::Outcome;
use crate::referee::report::Fault;

/// The first state that is an end, and the one of running jobs, as they stand in the file.
const COMPLETED: i64 = 5;
const CANCELLED: i64 = 7;
const RUNNING: i64 = 3;

/// One change: the job, its new state, and the attempt. A job that runs may be told to run again:
/// when somebody asks it to stop, and when it is found to be orphaned.
type Change = (i64, i64, i64);

/// What is wrong with what was told.
pub(super) fn faults(path: &Path) -> Outcome<Vec<Fault>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    let mut faults = unsound(&file)?;
    let mut statement = file.prepare("SELECT job, state, attempt FROM change ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let changes: Vec<Change> = rows.collect::<Result<_, _>>()?;
    faults.extend(broken(&changes));
    Ok(faults)
}

#[derive(Clone, Copy, Default)]
struct So {
    ended: bool,
    runs: bool,
    newest: i64,
}

/// Nothing follows an end, attempts only grow, and only the newest one ends.
fn broken(changes: &[Change]) -> Vec<Fault> {
    let mut jobs = HashMap::<i64, So>::new();
    let mut faults = Vec::new();
    for (job, state, attempt) in changes {
        let so = jobs.entry(*job).or_default();
        let what = format!("job {job} went to state {state} in attempt {attempt}");
        if so.ended {
            let kind = if *state >= COMPLETED {
                "recorded twice"
            } else {
                "changed after its end"
            };
            faults.push(Fault::new(kind, format!("{what} after its end")));
        } else if *state == RUNNING && !so.runs && *attempt <= so.newest {
            faults.push(Fault::new(
                "attempts",
                format!("{what} after attempt {}", so.newest),
            ));
        } else if *attempt < so.newest && *state != CANCELLED {
            let newest = so.newest;
            faults.push(Fault::new(
                "old attempt",
                format!("{what} after attempt {newest} began"),
            ));
        }
        so.runs = *state == RUNNING;
        so.ended |= *state >= COMPLETED;
        so.newest = so.newest.max(*attempt);
    }
    faults
}

/// What is counted beside the jobs, and how many counts are wrong.
const MISCOUNTED: [(&str, &str); 3] = [
    (
        "states",
        "SELECT count(*) FROM tally WHERE jobs <> (SELECT count(*) FROM job WHERE job.state = tally.state)",
    ),
    (
        "blocks",
        "WITH counted AS (
            SELECT sequence / 64 AS number, sum(forget IS NULL) AS unfinished, min(forget) AS forget
            FROM job GROUP BY sequence / 64
        )
        SELECT count(*) FROM (
            SELECT * FROM (SELECT * FROM counted EXCEPT SELECT number, unfinished, forget FROM block)
            UNION ALL
            SELECT * FROM (SELECT number, unfinished, forget FROM block EXCEPT SELECT * FROM counted)
        )",
    ),
    (
        "blocks that run",
        "WITH counted AS (
            SELECT worker, sequence / 64 AS block, count(*) AS jobs
            FROM job WHERE state = 3 GROUP BY worker, sequence / 64
        )
        SELECT count(*) FROM (
            SELECT * FROM (SELECT * FROM counted EXCEPT SELECT worker, block, jobs FROM running)
            UNION ALL
            SELECT * FROM (SELECT worker, block, jobs FROM running EXCEPT SELECT * FROM counted)
        )",
    ),
];

fn unsound(file: &Connection) -> Outcome<Vec<Fault>> {
    let mut faults = Vec::new();
    let said: String = file.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        faults.push(Fault::new("file", said));
    }
    for (what, statement) in MISCOUNTED {
        let miscounted: i64 = file.query_row(statement, [], |row| row.get(0))?;
        if miscounted > 0 {
            faults.push(Fault::new(
                "tally",
                format!("{miscounted} {what} are miscounted"),
            ));
        }
    }
    let orphans: i64 = file.query_row(
        "SELECT count(*) FROM attempt LEFT JOIN job ON job.sequence = attempt.job WHERE job.sequence IS NULL",
        [],
        |row| row.get(0),
    )?;
    if orphans > 0 {
        faults.push(Fault::new("file", format!("{orphans} attempts of no job")));
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(changes: &[Change]) -> Vec<&'static str> {
        broken(changes).iter().map(|fault| fault.kind).collect()
    }

    #[test]
    fn a_sound_history_is_let_be() {
        // Queued, run by a session that dies, found, given back, run again, ended.
        let sound = [
            (1, 2, 0),
            (1, 3, 1),
            (1, 3, 1),
            (1, 2, 1),
            (1, 3, 2),
            (1, 5, 2),
            (2, 2, 0),
            (2, 7, 0),
        ];
        assert_eq!(kinds(&sound), Vec::<&str>::new());
    }

    #[test]
    fn what_breaks_a_promise_is_found() {
        let twice = [(1, 3, 1), (1, 5, 1), (1, 5, 1)];
        assert_eq!(kinds(&twice), ["recorded twice"]);
        let rescued = [(1, 3, 1), (1, 5, 1), (1, 2, 1)];
        assert_eq!(kinds(&rescued), ["changed after its end"]);
        let old = [(1, 3, 1), (1, 2, 1), (1, 3, 2), (1, 5, 1)];
        assert_eq!(kinds(&old), ["old attempt"]);
        let again = [(1, 3, 1), (1, 2, 1), (1, 3, 1)];
        assert_eq!(kinds(&again), ["attempts"]);
    }
}
