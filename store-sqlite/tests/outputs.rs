//! The folder of large output beside the file: what a crash leaves there, odd names, and copies.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_core::{
    AttemptEnd, Backup, ContentType, ErrorKind, Fenced, JobFilter, JobInfo, Next, SPILL_ABOVE,
    SpillFolder, State, Store as _, Submitted,
};
use bursar_store_sqlite::{SqliteOptions, SqliteStore};
use bursar_testkit::conformance::{Probe, Settings, job};
use bursar_testkit::{Folder, Puppet};

fn open(path: &Path) -> (Arc<SqliteStore>, Probe) {
    let store = Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap());
    let same = Arc::clone(&store);
    (store, Probe::with(&|_| same.clone(), Settings::default()))
}

fn folder_of(probe: &Probe) -> SpillFolder {
    probe.store.capabilities().spill.unwrap()
}

fn names(probe: &Probe) -> Vec<String> {
    let files = folder_of(probe).files().unwrap();
    files.iter().map(ToString::to_string).collect()
}

fn end_of(probe: &Probe, one: &Submitted) -> AttemptEnd {
    let mut writer = folder_of(probe).writer(one.id, 1, "result").unwrap();
    writer.append(&vec![b'7'; SPILL_ABOVE + 1]).unwrap();
    let captured = writer.finish().unwrap();
    AttemptEnd::completed(captured.into_payload(ContentType::Json))
}

fn completed(probe: &Probe) -> Submitted {
    let one = probe.running(job());
    let end = end_of(probe, &one);
    let fenced = probe.finish(one.sequence, 1, end, Next::End(State::Completed));
    assert_eq!(fenced, Fenced::Applied);
    one
}

fn path_of(info: &JobInfo) -> PathBuf {
    info.result.as_ref().unwrap().as_spilled().unwrap().path()
}

#[test]
fn what_a_crash_left_is_swept_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let (store, probe) = open(&path);
    let (kept, runs) = (completed(&probe), probe.running(job()));
    // Between the file and the commit that names it.
    drop(end_of(&probe, &runs));
    let outputs = folder.join("jobs.db-outputs");
    let like = |id, what: &str| outputs.join(format!("{id}.1.{what}"));
    let named = path_of(&probe.get(kept.id));
    // Between the commit that forgets it and the removal; of an attempt that is over; of no job at all.
    let strays = [like(kept.id, "stdout"), like(kept.id, "result.2"), {
        let other = bursar_core::JobId::new(probe.now(), 77, 1);
        like(other, "result")
    }];
    let strange = [outputs.join("notes.txt"), outputs.join("..hidden")];
    for file in strays.iter().chain(&strange) {
        fs::write(file, "x").unwrap();
    }
    fs::create_dir(outputs.join("mine")).unwrap();
    drop((store, probe));
    let (_store, probe) = open(&path);
    assert!(strays.iter().all(|file| !file.exists()));
    assert!(strange.iter().all(|file| file.exists()) && outputs.join("mine").exists());
    // Whoever runs it may have been gone for long, but its end was not recorded.
    assert!(named.exists() && like(runs.id, "result").exists());
    probe.finish(
        runs.sequence,
        1,
        AttemptEnd::new(bursar_core::OutcomeKind::Lost),
        Next::Requeue,
    );
    assert_eq!(
        names(&probe),
        [named.file_name().unwrap().to_str().unwrap()]
    );
}

#[test]
fn a_copy_has_the_files_and_is_consistent() {
    let folder = Folder::new();
    let (store, probe) = open(&folder.join("jobs.db"));
    let (one, other) = (completed(&probe), completed(&probe));
    let missing = completed(&probe);
    fs::remove_file(path_of(&probe.get(missing.id))).unwrap();
    let copy = folder.join("copy.db");
    store.backup(&copy).wait().unwrap();
    // What goes here stays there.
    probe.delete(one.id);
    assert_eq!(names(&probe).len(), 1);
    let (_copied, there) = open(&copy);
    assert_eq!(names(&there).len(), 2);
    for id in [one.id, other.id] {
        let info = there.get(id);
        assert_eq!(
            path_of(&info).parent().unwrap(),
            folder.join("copy.db-outputs")
        );
        assert!(info.result.unwrap().read().is_ok());
    }
    let gone = there.get(missing.id).result.unwrap().read();
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    let taken = folder.join("taken.db");
    fs::create_dir(folder.join("taken.db-outputs")).unwrap();
    let error = store.backup(&taken).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("taken.db-outputs"), "{error}");
    assert!(!taken.exists());
}

#[test]
fn a_new_store_leaves_the_files_of_another_alone() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let (store, probe) = open(&path);
    let one = completed(&probe);
    store.close().wait().unwrap();
    drop((store, probe));
    let moved = folder.join("moved.db");
    fs::rename(&path, &moved).unwrap();
    let error = SqliteStore::open(&path, SqliteOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("jobs.db-outputs"), "{error}");
    fs::rename(
        folder.join("jobs.db-outputs"),
        folder.join("moved.db-outputs"),
    )
    .unwrap();
    assert!(SqliteStore::open(&path, SqliteOptions::default()).is_ok());
    let (_store, probe) = open(&moved);
    assert!(probe.get(one.id).result.unwrap().read().is_ok());
}

#[test]
fn nothing_goes_while_it_is_copied() {
    let folder = Folder::new();
    let (store, probe) = open(&folder.join("jobs.db"));
    let one = completed(&probe);
    let hold = folder_of(&probe).hold().unwrap().unwrap();
    probe.delete(one.id);
    assert_eq!(names(&probe).len(), 1, "it is gone under the copy");
    drop(hold);
    // It ends with a look at what has stayed.
    store.backup(&folder.join("copy.db")).wait().unwrap();
    assert_eq!(names(&probe).len(), 0);
    assert!(!folder.join("copy.db-outputs").exists(), "nothing is in it");
}

#[test]
fn odd_names_of_the_store_are_fine() {
    let folder = Folder::new();
    let odd = [
        "a b.db",
        "'; DROP TABLE output; --.db",
        "-outputs",
        "ä ö.db",
        "a\nb.db",
        "%2e%2e.db",
        "x?y#z.db",
        "\u{1b}[31m.db",
    ];
    for name in odd {
        let (store, probe) = open(&folder.join(name));
        let one = completed(&probe);
        let path = path_of(&probe.get(one.id));
        assert_eq!(
            path.parent().unwrap(),
            folder.join(format!("{name}-outputs"))
        );
        assert!(probe.get(one.id).result.unwrap().read().is_ok(), "{name:?}");
        store
            .backup(&folder.join(format!("{name}.copy")))
            .wait()
            .unwrap();
        assert!(
            folder.join(format!("{name}.copy-outputs")).is_dir(),
            "{name:?}"
        );
    }
}

#[test]
fn a_file_elsewhere_is_refused() {
    let folder = Folder::new();
    let (_one, here) = open(&folder.join("jobs.db"));
    let (_other, there) = open(&folder.join("other.db"));
    let one = here.running(job());
    let end = end_of(&there, &one);
    let attempts = [bursar_core::FinishedAttempt {
        sequence: one.sequence,
        attempt: 1,
        end: end.into(),
        next: Next::End(State::Completed),
    }];
    let attempts = attempts.into_iter().collect();
    let now = here.now();
    let request = bursar_core::Finish { now, attempts };
    let error = here.store.finish(request).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(here.state(one.id), State::Running);
}

#[test]
#[cfg(unix)]
fn a_folder_that_others_may_read_is_closed_to_them_and_a_link_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    let outputs = folder.join("jobs.db-outputs");
    fs::create_dir(&outputs).unwrap();
    fs::set_permissions(&outputs, fs::Permissions::from_mode(0o755)).unwrap();
    let (_store, probe) = open(&folder.join("jobs.db"));
    completed(&probe);
    assert_eq!(
        outputs.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
    let elsewhere = folder.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, folder.join("linked.db-outputs")).unwrap();
    let (_store, probe) = open(&folder.join("linked.db"));
    let one = probe.running(job());
    let mut writer = folder_of(&probe).writer(one.id, 1, "result").unwrap();
    let error = writer.append(&vec![b'7'; SPILL_ABOVE + 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("linked.db-outputs"), "{error}");
    assert!(writer.append(b"more").is_err() && writer.finish().is_err());
    assert!(elsewhere.read_dir().unwrap().next().is_none());
    assert_eq!(probe.count(JobFilter::default()), 1);
}

const STREAMS: &str = "BURSAR_TEST_STREAMS";

/// The most memory that this process has ever had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1_024
}

/// Does nothing but in another process: takes 200 MB in, and reads them back.
#[test]
#[cfg(target_os = "linux")]
fn streams_in_a_process_of_its_own() {
    let Some(path) = std::env::var_os(STREAMS) else {
        return;
    };
    let (_store, probe) = open(Path::new(&path));
    let one = probe.running(job());
    let before = peak();
    let mut writer = folder_of(&probe).writer(one.id, 1, "stdout").unwrap();
    let piece = vec![b'x'; 100_000];
    for _ in 0..2_000 {
        writer.append(&piece).unwrap();
    }
    let data = writer.finish().unwrap();
    let name = "stdout".into();
    let end = AttemptEnd {
        outputs: vec![bursar_core::Output { name, data }],
        ..AttemptEnd::new(bursar_core::OutcomeKind::Completed)
    };
    probe.finish(one.sequence, 1, end, Next::End(State::Completed));
    let info = probe.get(one.id);
    let mut reader = info.attempts[0].outputs[0].data.open().unwrap();
    let (mut buffer, mut length) = (vec![0; 100_000], 0);
    loop {
        match reader.fill(&mut buffer).unwrap() {
            0 => break,
            read => length += read,
        }
    }
    println!(">{length} {}", peak() - before);
}

#[test]
#[cfg(target_os = "linux")]
fn much_more_output_needs_no_more_memory() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let mut other = Puppet::start("streams_in_a_process_of_its_own", STREAMS, path);
    let said = other.answer();
    let (length, memory) = said.split_once(' ').unwrap();
    assert_eq!(length, "200000000");
    let memory: u64 = memory.parse().unwrap();
    println!("200 MB in and out: {memory} bytes more than before");
    assert!(memory < 60_000_000, "{memory} bytes more than before");
}
