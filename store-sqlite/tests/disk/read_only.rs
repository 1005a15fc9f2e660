//! A file that may be read and not written, whoever asks: root too.

use bursar_core::{ErrorKind, Store};
use bursar_store_sqlite::Durability;

use crate::disk::{Act, Disk, Fault, Plan};
use crate::play;

#[test]
fn a_file_that_cannot_be_written() {
    let disk = Disk::new();
    let store = play::open(&disk, Durability::Full).unwrap();
    store.close().wait().unwrap();
    let before = std::fs::read(disk.path()).unwrap();
    disk.fail(Plan {
        fault: Fault::ReadOnly,
        at: 1,
        lasts: true,
        only: Some((Act::Open, "jobs.db")),
    });
    let error = play::open(&disk, Durability::Full).unwrap_err();
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{message}");
    for part in [
        disk.path().to_str().unwrap(),
        "can't be written",
        "allow it",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(disk.repair() > 0);
    assert_eq!(std::fs::read(disk.path()).unwrap(), before);
    let store = play::open(&disk, Durability::Full).unwrap();
    store.close().wait().unwrap();
}
