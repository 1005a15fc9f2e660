//! How SQLite means to carry out each statement: none walks through all jobs.

use rusqlite::Connection;

use crate::SqliteOptions;
use crate::open::Place;
use crate::sql;

/// What may walk through jobs, since it is asked by people: a listing stops at the end of its page, and a
/// backup copies all that there is.
const MAY_WALK: [&str; 4] = ["count", "files", "list_newest", "list_oldest"];

/// What has no plan.
const NO_PLAN: [&str; 12] = [
    "begin",
    "begin_read",
    "checkpoint_log",
    "commit",
    "copy",
    "data_version",
    "free_pages",
    "pages",
    "rollback",
    "sync_off",
    "sync_on",
    "vacuum_step",
];

fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explain = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
        .unwrap();
    // Parameters that aren't bound are null, which makes no difference to a plan.
    let rows = explain.raw_query().mapped(|row| row.get(3));
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn in_store(look: impl FnOnce(&Connection)) {
    let folder = bursar_testkit::Folder::new();
    let path = folder.join("jobs.db");
    let (place, connection, presence) = Place::open(&path, &SqliteOptions::default()).unwrap();
    look(&connection);
    drop((connection, place, presence));
}

/// Eight rows, a row for each who has the store open, and an index that holds nothing but what is looked for, are no walk.
fn is_walk(step: &str) -> bool {
    let fine = [
        "tally",
        "session",
        "sqlite_sequence",
        "spec USING COVERING INDEX spec_unused",
    ];
    step.strip_prefix("SCAN ")
        .is_some_and(|what| !fine.contains(&what))
}

#[test]
fn no_hot_statement_walks_through_a_table() {
    in_store(|connection| {
        let mut looked_at = 0;
        for (name, statement) in sql::ALL.iter().filter(|(name, _)| !NO_PLAN.contains(name)) {
            let plan = plan(connection, statement);
            looked_at += 1;
            let walks = plan.iter().any(|step| is_walk(step));
            let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
            let may = MAY_WALK.contains(name);
            assert!(may || !(walks || sorts), "{name}: {plan:#?}");
        }
        assert_eq!(looked_at, sql::ALL.len() - NO_PLAN.len());
    });
}

#[test]
fn every_statement_is_looked_at() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<String> = files
        .map(|file| file.unwrap())
        // A folder has those that bugs are planted with.
        .filter(|file| file.file_type().unwrap().is_file())
        .map(|file| file.file_name().into_string().unwrap())
        .collect();
    files.sort();
    let listed: Vec<String> = sql::ALL
        .iter()
        .map(|(name, _)| format!("{name}.sql"))
        .collect();
    assert_eq!(files, listed);
}

#[test]
fn a_page_is_read_in_its_order() {
    in_store(|connection| {
        for name in ["list_newest", "list_oldest"] {
            let statement = sql::ALL.iter().find(|(of, _)| *of == name).unwrap().1;
            let plan = plan(connection, statement);
            let walk = "SEARCH job USING INTEGER PRIMARY KEY";
            assert!(plan.iter().any(|step| step.starts_with(walk)), "{plan:#?}");
            assert!(
                !plan.iter().any(|step| step.contains("ORDER BY")),
                "{plan:#?}"
            );
        }
    });
}

#[test]
fn a_walk_would_be_noticed() {
    in_store(|connection| {
        let plan = plan(connection, "SELECT 1 FROM job WHERE worker = 1");
        assert_eq!(plan, ["SCAN job"]);
    });
}
