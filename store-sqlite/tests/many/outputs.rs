//! Large output on a file that many processes have open: whoever writes a file may die before it is named.

use std::sync::Mutex;

use bursar_core::{
    AttemptEnd, ContentType, Failure, JobFilter, JobId, Next, OutcomeKind, Payload, SPILL_ABOVE,
    SpillFolder, State,
};
use bursar_testkit::conformance::{Probe, job};
use bursar_testkit::{Folder, until};
use rustix::process::Signal;

use crate::child::{Moment, another, signal, stop};
use crate::processes::orphans;
use crate::{caught_up, probe};

/// What was written, and is to be named by an end.
static WRITTEN: Mutex<Vec<AttemptEnd>> = Mutex::new(Vec::new());

fn folder_of(probe: &Probe) -> SpillFolder {
    probe.store.capabilities().spill.unwrap()
}

fn id_of(probe: &Probe, sequence: u64) -> JobId {
    let jobs = probe.list(JobFilter::default());
    jobs.iter().find(|job| job.sequence == sequence).unwrap().id
}

/// The file of a result of the first attempt, and the end that names it.
fn large(probe: &Probe, sequence: u64) -> AttemptEnd {
    let id = id_of(probe, sequence);
    let mut writer = folder_of(probe).writer(id, 1, "result").unwrap();
    writer.append(&vec![b'7'; SPILL_ABOVE + 1]).unwrap();
    let captured = writer.finish().unwrap();
    AttemptEnd::completed(captured.into_payload(ContentType::Json))
}

/// Writes the file of a job's result, in the other process.
pub(crate) fn write(probe: &Probe, sequence: u64) -> usize {
    let end = large(probe, sequence);
    WRITTEN.lock().unwrap().push(end);
    SPILL_ABOVE + 1
}

/// Ends the job with what it wrote before, in the other process.
pub(crate) fn finish_written(probe: &Probe, sequence: u64) -> String {
    let end = WRITTEN.lock().unwrap().pop().unwrap();
    let done = probe.finish(sequence, 1, end, Next::End(State::Completed));
    format!("{done:?}")
}

fn files(probe: &Probe) -> usize {
    folder_of(probe).files().unwrap().len()
}

fn lose(probe: &Probe, sequence: u64) {
    let failure = Failure::new("Lost", "it is gone");
    let lost = AttemptEnd::failed(OutcomeKind::Lost, failure);
    probe.finish(sequence, 1, lost, Next::Requeue);
}

#[test]
fn any_process_reads_what_one_has_written() {
    let folder = Folder::new();
    let here = probe(&folder);
    let mut other = another(&folder.join("jobs.db"));
    let one = here.add(job());
    other.ask("claim 1");
    other.ask("write 1");
    assert_eq!(other.ask("finish_written 1"), "Applied");
    let result = here.get(one.id).result.unwrap();
    assert_eq!(
        result.read().unwrap().as_json().unwrap().len(),
        SPILL_ABOVE + 1
    );
    here.delete(one.id);
    assert_eq!(files(&here), 0);
}

#[test]
fn who_is_killed_between_the_file_and_the_commit_leaves_no_stray() {
    let folder = Folder::new();
    let here = probe(&folder);
    let mut other = another(&folder.join("jobs.db"));
    let one = here.add(job());
    other.ask("claim 1");
    other.ask("write 1");
    assert_eq!(files(&here), 1);
    let from = caught_up(&here.store);
    other.kill();
    orphans(&here.store, from, 1);
    // It may still be named for all that anybody knows.
    assert_eq!(files(&probe(&folder)), 1);
    lose(&here, 1);
    assert_eq!(files(&here), 0);
    here.start(1);
    let end = large(&here, 1);
    here.finish(1, 2, end, Next::End(State::Completed));
    assert!(here.get(one.id).result.unwrap().read().is_ok());
}

#[test]
fn who_has_lost_its_lease_leaves_no_file_and_takes_none() {
    let folder = Folder::new();
    let here = probe(&folder);
    let path = folder.join("jobs.db");
    let mut other = another(&path);
    let one = here.add(job());
    other.ask("claim 1");
    other.ask("write 1");
    let from = caught_up(&here.store);
    stop(&other, &path, Moment::BetweenWrites);
    orphans(&here.store, from, 1);
    lose(&here, 1);
    until("its file is swept", || files(&here) == 0);
    here.start(1);
    let end = large(&here, 1);
    here.finish(1, 2, end, Next::End(State::Completed));
    signal(&other, Signal::CONT);
    assert_eq!(other.ask("finish_written 1"), "Stale");
    assert_eq!(files(&here), 1);
    let result = here.get(one.id).result.unwrap();
    assert!(matches!(result.read().unwrap(), Payload::Bytes(..)));
}
