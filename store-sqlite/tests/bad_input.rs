//! What can be wrong with a path or a file: each error says which, what is wrong, and what to do;
//! and nothing is left behind.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bursar_core::{Error, ErrorKind, JobFilter, JobInfo, Store};
use bursar_store_sqlite::{SqliteOptions, SqliteStore};
use bursar_testkit::Folder;
use bursar_testkit::conformance::{Probe, Settings, job, keyed};

fn open(path: impl AsRef<Path>) -> Result<SqliteStore, Error> {
    SqliteStore::open(path, SqliteOptions::default())
}

/// Refused, with this kind, naming the path and each of `says`.
fn refused(path: &Path, kind: ErrorKind, says: &[&str]) {
    let error = open(path).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.to_string();
    let all = [path.to_str().unwrap()]
        .into_iter()
        .chain(says.iter().copied());
    for part in all {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn no_path() {
    refused(Path::new(""), ErrorKind::Invalid, &["sqlite:jobs.db"]);
}

#[test]
fn a_folder() {
    let folder = Folder::new();
    refused(folder.path(), ErrorKind::Invalid, &["a folder", "jobs.db"]);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = Folder::new();
    let path = folder.join("missing/jobs.db");
    refused(
        &path,
        ErrorKind::Invalid,
        &["there is no folder", "make it"],
    );
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_file_that_is_no_database() {
    let folder = Folder::new();
    for (name, text) in [("notes.txt", "hello ".repeat(2_000)), ("short", "x".into())] {
        let path = folder.join(name);
        fs::write(&path, &text).unwrap();
        refused(
            &path,
            ErrorKind::Invalid,
            &["not an SQLite database", "its own"],
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(files(folder.path()), ["notes.txt", "short"]);
}

fn database(path: &Path, statements: &str) -> Vec<u8> {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(statements).unwrap();
    connection.close().unwrap();
    fs::read(path).unwrap()
}

#[test]
fn a_database_of_another_program() {
    let folder = Folder::new();
    let path = folder.join("other.db");
    let before = database(&path, "CREATE TABLE job (id)");
    refused(&path, ErrorKind::Invalid, &["another program", "its own"]);
    assert_eq!(fs::read(&path).unwrap(), before, "it was changed");
    assert_eq!(files(folder.path()), ["other.db"]);
}

#[test]
fn a_newer_schema() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let store = open(&path).unwrap();
    store.close().wait().unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    connection.close().unwrap();
    let before = fs::read(&path).unwrap();
    refused(
        &path,
        ErrorKind::Conflict,
        &["version 999", "update Bursar"],
    );
    assert_eq!(fs::read(&path).unwrap(), before, "it was changed");
}

#[test]
fn an_empty_file_is_a_new_store() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    fs::write(&path, "").unwrap();
    let store = open(&path).unwrap();
    assert_eq!(store.tally().wait().unwrap().unfinished(), 0);
}

/// A folder in which nobody can make a file: root can in all but those of the system itself.
fn unwritable(folder: &Folder) -> std::path::PathBuf {
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    match fs::write(folder.join("try"), "") {
        Err(_) => folder.path().to_owned(),
        Ok(()) => "/sys/kernel".into(),
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let folder = Folder::new();
    let path = unwritable(&folder).join("jobs.db");
    refused(
        &path,
        ErrorKind::Unavailable,
        &["can't be written", "allow it"],
    );
    assert!(!path.exists());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

fn reading_fails(store: &SqliteStore, jobs: &[JobInfo]) -> Vec<Error> {
    let read = jobs.iter().map(|job| {
        let (now, id, logs) = (job.created, job.id, false);
        store.get(bursar_core::Get { now, id, logs }).wait()
    });
    read.filter_map(Result::err).collect()
}

#[test]
fn a_damaged_page() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let probe = Probe::with(
        &|_| std::sync::Arc::new(open(&path).unwrap()),
        Settings::default(),
    );
    for _ in 0..20 {
        probe.submit((0..100).map(|_| job()));
    }
    let ids: Vec<_> = probe.list(JobFilter::default());
    probe.store.close().wait().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let whole = bytes.len();
    bytes[whole / 2..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let errors = match open(&path) {
        Err(error) => vec![error],
        Ok(store) => reading_fails(&store, &ids),
    };
    assert!(!errors.is_empty(), "nobody noticed");
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let message = error.to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(
            message.contains("damaged") && message.contains("backup"),
            "{message}"
        );
    }
}

#[test]
fn a_live_object_is_refused_and_takes_nothing_with_it() {
    let folder = Folder::new();
    let store = open(folder.join("jobs.db")).unwrap();
    let probe = Probe::with(
        &|_| std::sync::Arc::new(open(folder.join("jobs.db")).unwrap()),
        Settings::default(),
    );
    let live = bursar_core::NewJob {
        args: bursar_core::Payload::Live(std::sync::Arc::new(7)),
        ..keyed("live")
    };
    let jobs = [job(), live].into_iter().collect();
    let now = probe.now();
    let request = bursar_core::Submit { now, jobs };
    let error = store.submit(request).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("live object"), "{error}");
    assert_eq!(probe.count(JobFilter::default()), 0);
}
