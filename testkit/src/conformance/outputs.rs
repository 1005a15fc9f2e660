//! Rules of large output: files that live exactly as long as their job.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    AttemptEnd, Captured, ContentType, Deletion, ErrorKind, Fenced, JobFilter, JobInfo, NewJob,
    Next, OutcomeKind, Output, PREVIEW, Payload, SPILL_ABOVE, SpillFolder, Spilled, State,
    Submitted,
};

use super::probe::{Maker, Probe, Settings, job, kept_for};

/// A store that keeps large output, and where.
struct Scene {
    probe: Probe,
    folder: SpillFolder,
}

impl Scene {
    /// `None` for a store that keeps all by itself: these rules say nothing about it.
    fn new(make: Maker<'_>) -> Option<Self> {
        Self::with(make, Settings::default())
    }

    fn with(make: Maker<'_>, settings: Settings) -> Option<Self> {
        let probe = Probe::with(make, settings);
        let folder = probe.store.capabilities().spill?;
        Some(Self { probe, folder })
    }

    /// Writes so many bytes for an attempt.
    fn captured(&self, of: &Submitted, attempt: u32, what: &str, size: usize) -> Captured {
        let mut writer = self.folder.writer(of.id, attempt, what).unwrap();
        let bytes = json(size);
        for piece in bytes.chunks(1 << 20) {
            writer.append(piece).unwrap();
        }
        assert_eq!(writer.size(), size as u64);
        writer.finish().unwrap()
    }

    /// The end of an attempt with a large result.
    fn large(&self, of: &Submitted, attempt: u32) -> AttemptEnd {
        let captured = self.captured(of, attempt, "result", LARGE);
        AttemptEnd::completed(captured.into_payload(ContentType::Json))
    }

    /// The end of an attempt that failed, and wrote a large file before.
    fn failed(&self, of: &Submitted, attempt: u32) -> AttemptEnd {
        let data = self.captured(of, attempt, "stderr", LARGE);
        let outputs = vec![output("stderr", data)];
        let kind = OutcomeKind::Failed;
        AttemptEnd {
            outputs,
            ..AttemptEnd::new(kind)
        }
    }

    /// A completed job with a large result.
    fn completed(&self, job: NewJob) -> Submitted {
        let one = self.probe.running(job);
        self.finish(&one, 1, self.large(&one, 1), State::Completed);
        one
    }

    fn finish(&self, of: &Submitted, attempt: u32, end: AttemptEnd, state: State) {
        let fenced = self
            .probe
            .finish(of.sequence, attempt, end, Next::End(state));
        assert_eq!(fenced, Fenced::Applied);
    }

    /// How many files there are.
    fn files(&self) -> usize {
        self.folder.files().unwrap().len()
    }
}

/// A little more than is kept without a file.
const LARGE: usize = SPILL_ABOVE + 1;

/// A text of so many bytes that JSON can carry.
fn json(size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (b'a'..=b'z').cycle().take(size).collect();
    (bytes[0], bytes[size - 1]) = (b'"', b'"');
    bytes
}

fn output(name: &str, data: Captured) -> Output {
    Output {
        name: name.into(),
        data,
    }
}

fn file_of(info: &JobInfo) -> Arc<Spilled> {
    let result = info.result.as_ref().and_then(Payload::as_spilled);
    Arc::clone(result.unwrap_or_else(|| panic!("it is not in a file: {:?}", info.result)))
}

/// A result in a file is told by its size, checksum and beginning, wherever jobs are read, and is read back
/// whole.
pub fn a_large_result_is_told_by_its_file(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let one = scene.probe.running(job());
    let end = scene.large(&one, 1);
    let written = Arc::clone(end.result.as_spilled().unwrap());
    scene.finish(&one, 1, end, State::Completed);
    let listed = scene.probe.list(JobFilter::default()).remove(0);
    for info in [scene.probe.get(one.id), listed] {
        let file = file_of(&info);
        assert_eq!(file, written);
        assert_eq!(file.size(), LARGE as u64);
        assert_eq!(file.preview(), &json(LARGE)[..PREVIEW]);
        assert!(file.read().unwrap() == json(LARGE), "it is another text");
    }
}

/// Files are for their user alone, in a folder that is.
pub fn files_are_for_their_user_alone(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let one = scene.completed(job());
    let path = file_of(&scene.probe.get(one.id)).path();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
    assert!(path.is_file());
}

/// What an attempt wrote is kept with that attempt, few bytes as they are and many in a file, and is read
/// with the log.
pub fn outputs_are_kept_with_their_attempts(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let probe = &scene.probe;
    let one = probe.running(job());
    let mut end = scene.failed(&one, 1);
    let few = scene.captured(&one, 1, "stdout", 5);
    assert!(few.as_file().is_none());
    end.outputs.push(output("stdout", few));
    probe.finish(one.sequence, 1, end, Next::Requeue);
    probe.start(one.sequence);
    let second = scene.failed(&one, 2);
    scene.finish(&one, 2, second, State::Failed);
    let info = probe.get(one.id);
    let names = |attempt: usize| -> Vec<&str> {
        let outputs = info.attempts[attempt].outputs.iter();
        outputs.map(|output| &*output.name).collect()
    };
    assert_eq!(
        (names(0), names(1)),
        (vec!["stderr", "stdout"], vec!["stderr"])
    );
    let sizes = [(0, 0, LARGE), (0, 1, 5), (1, 0, LARGE)];
    for (attempt, place, size) in sizes {
        let data = &info.attempts[attempt].outputs[place].data;
        assert!(*data.read().unwrap() == *json(size), "it is another text");
    }
    let listed = probe.list(JobFilter::default()).remove(0);
    assert!(listed.attempts.iter().all(|one| one.outputs.is_empty()));
    assert_eq!(scene.files(), 2);
    assert_eq!(probe.delete(one.id), Deletion::Done);
    assert_eq!(scene.files(), 0);
}

/// The files of a job are there until it is deleted, and not longer.
pub fn a_deleted_job_leaves_no_file(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let (one, other) = (scene.completed(job()), scene.completed(job()));
    let file = file_of(&scene.probe.get(one.id));
    assert_eq!(scene.files(), 2);
    assert_eq!(scene.probe.delete(one.id), Deletion::Done);
    assert_eq!(scene.files(), 1);
    let error = file.read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let shown = file.path().display().to_string();
    assert!(error.to_string().contains(&shown), "{error}");
    assert!(file_of(&scene.probe.get(other.id)).read().is_ok());
}

/// The files of a job go when its time is up.
pub fn a_forgotten_job_leaves_no_file(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let long = scene.completed(kept_for(100));
    scene.completed(kept_for(10));
    scene.probe.pass(10);
    assert_eq!(scene.files(), 2);
    assert_eq!(scene.probe.prune().removed, 1);
    assert_eq!(scene.files(), 1);
    assert!(file_of(&scene.probe.get(long.id)).read().is_ok());
    scene.probe.advance(Duration::from_secs(1_000));
    scene.probe.prune();
    assert_eq!(scene.files(), 0);
}

/// Nor does one that had to go for others leave one.
pub fn the_least_recently_used_leave_no_file(make: Maker<'_>) {
    let settings = Settings {
        max_results: 2,
        ..Settings::default()
    };
    let Some(scene) = Scene::with(make, settings) else {
        return;
    };
    if scene.probe.store.capabilities().durable {
        return;
    }
    let first = scene.completed(job());
    scene.completed(job());
    scene.probe.get(first.id);
    scene.completed(job());
    assert_eq!(scene.files(), 2);
    assert!(file_of(&scene.probe.get(first.id)).read().is_ok());
}

/// What comes too late is not kept, and takes nothing from the attempt that came in time.
pub fn a_late_end_leaves_no_file(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let probe = &scene.probe;
    let one = probe.running(job());
    let late = scene.large(&one, 1);
    probe.finish(
        one.sequence,
        1,
        AttemptEnd::new(OutcomeKind::Lost),
        Next::Requeue,
    );
    probe.start(one.sequence);
    scene.finish(&one, 2, scene.large(&one, 2), State::Completed);
    let completed = Next::End(State::Completed);
    assert_eq!(
        probe.finish(one.sequence, 1, late, completed),
        Fenced::Stale
    );
    assert_eq!(scene.files(), 1);
    assert!(file_of(&probe.get(one.id)).read().is_ok());
}

/// An end that is told again, for want of an answer, changes nothing about the file that it named before.
pub fn an_end_told_twice_keeps_its_file(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let probe = &scene.probe;
    let one = probe.running(job());
    let end = scene.large(&one, 1);
    scene.finish(&one, 1, end.clone(), State::Completed);
    let again = probe.finish(one.sequence, 1, end, Next::End(State::Completed));
    assert_eq!(again, Fenced::Stale);
    assert!(file_of(&probe.get(one.id)).read().is_ok());
    let other = probe.running(job());
    let end = scene.failed(&other, 1);
    probe.finish(other.sequence, 1, end.clone(), Next::Requeue);
    for _ in 0..2 {
        let again = probe.finish(other.sequence, 1, end.clone(), Next::Requeue);
        assert_eq!(again, Fenced::Stale);
        probe.start(other.sequence);
        let released = AttemptEnd::new(OutcomeKind::Released);
        let newest = probe.get(other.id).attempt;
        probe.finish(other.sequence, newest, released, Next::Requeue);
    }
    let info = probe.get(other.id);
    assert!(info.attempts[0].outputs[0].data.read().is_ok());
}

/// Attempts write files of their own, whoever else writes.
pub fn no_file_is_written_over(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let one = scene.probe.running(job());
    let ends = [scene.large(&one, 1), scene.large(&one, 1)];
    let files = ends
        .each_ref()
        .map(|end| end.result.as_spilled().unwrap().path());
    assert_ne!(files[0], files[1]);
    let [first, second] = ends;
    scene.finish(&one, 1, first, State::Completed);
    let late = scene
        .probe
        .finish(one.sequence, 1, second, Next::End(State::Completed));
    assert_eq!(late, Fenced::Stale);
    assert_eq!((files[0].exists(), files[1].exists()), (true, false));
}

/// What is not finished leaves nothing behind.
pub fn an_abandoned_writer_leaves_no_file(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let one = scene.probe.running(job());
    let mut writer = scene.folder.writer(one.id, 1, "stdout").unwrap();
    writer.append(&json(LARGE)).unwrap();
    assert_eq!(scene.files(), 1);
    drop(writer);
    assert_eq!(scene.files(), 0);
}

/// A file that is damaged or gone is told by its name, and never taken for what was written.
pub fn a_damaged_file_is_told(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let one = scene.completed(job());
    let file = file_of(&scene.probe.get(one.id));
    let whole = std::fs::read(file.path()).unwrap();
    let mut flipped = whole.clone();
    flipped[LARGE / 2] ^= 1;
    let told = |expected: ErrorKind| {
        let error = file.read().unwrap_err();
        let shown = file.path().display().to_string();
        assert_eq!(error.kind(), expected, "{error}");
        assert!(error.to_string().contains(&shown), "{error}");
    };
    for damaged in [&flipped[..], &whole[1..], b""] {
        std::fs::write(file.path(), damaged).unwrap();
        told(ErrorKind::Unavailable);
    }
    std::fs::write(file.path(), &whole).unwrap();
    assert!(file.read().is_ok());
    std::fs::remove_file(file.path()).unwrap();
    told(ErrorKind::NotFound);
    std::fs::create_dir(file.path()).unwrap();
    told(ErrorKind::Unavailable);
    std::fs::remove_dir(file.path()).unwrap();
    // What is said of the job stays, and so does the way to be rid of it.
    assert_eq!(file_of(&scene.probe.get(one.id)), file);
    assert_eq!(scene.probe.delete(one.id), Deletion::Done);
}

/// A piece at a time it is the same, and damage is told at its end at the latest.
pub fn a_file_is_read_in_pieces(make: Maker<'_>) {
    let Some(scene) = Scene::new(make) else {
        return;
    };
    let one = scene.completed(job());
    let file = file_of(&scene.probe.get(one.id));
    let read = || -> bursar_core::Result<Vec<u8>> {
        let (mut reader, mut whole) = (file.open()?, Vec::new());
        let mut buffer = vec![0; 70_001];
        loop {
            match reader.fill(&mut buffer)? {
                0 => return Ok(whole),
                length => whole.extend_from_slice(&buffer[..length]),
            }
        }
    };
    assert!(read().unwrap() == json(LARGE), "it is another text");
    let mut damaged = json(LARGE);
    damaged[LARGE - 2] ^= 1;
    std::fs::write(file.path(), damaged).unwrap();
    assert_eq!(read().unwrap_err().kind(), ErrorKind::Unavailable);
}
