//! Large output on its way from an attempt to the store: results that are written to a file before the
//! end that names them is recorded, and what an attempt wrote beside its result.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::command::{COMMAND_TASK, OUTPUTS};
use crate::engine::attempt::Attempt;
use crate::engine::finish::Judged;
use crate::engine::inner::Inner;
use crate::engine::verdict::Verdict;
use crate::error::{Error, Result};
use crate::id::JobId;
use crate::outcome::End;
use crate::spill::{Captured, Output, RESULT, SpillFolder, SpillName, SpillWriter, is_large};
use crate::store::Reply;

impl Attempt {
    /// Takes in what it writes beside its result, such as `stdout`; [`keep_output`](Self::keep_output) then
    /// keeps it with the job. It needs no more memory however much is written.
    ///
    /// # Errors
    /// `Invalid` for a name that isn't 1 to 32 of `a-z`, `0-9` and `_`, or where the store keeps no large
    /// output; `Closed` without an engine.
    pub fn output(&self, name: &str) -> Result<SpillWriter> {
        let inner = self.engine().ok_or_else(Error::closed)?;
        let folder = inner.spill.as_ref().ok_or_else(|| {
            let kind = inner.store.capabilities().name;
            Error::invalid(format!("a {kind} store keeps no output beside the result"))
        })?;
        folder.writer(self.job(), self.number(), name)
    }

    /// Keeps what was written with the end of this attempt, whatever that is, and for as long as the job.
    /// What was kept under the same name before is dropped.
    ///
    /// # Errors
    /// `Invalid` for a name that isn't as [`output`](Self::output) asks for it, or is `result`.
    pub fn keep_output(&self, name: &str, data: Captured) -> Result<()> {
        SpillName::new(self.job(), self.number(), name)?;
        if name == RESULT {
            return Err(Error::invalid(
                "\"result\" is what the handler returns: give the output another name",
            ));
        }
        let output = Output {
            name: name.into(),
            data,
        };
        let before = {
            let mut outputs = self.outputs.lock();
            let place = outputs.iter().position(|one| one.name == output.name);
            let before = place.map(|place| outputs.remove(place));
            outputs.push(output);
            before
        };
        remove(before);
        Ok(())
    }

    /// Runs what may wait for the disk that large output is on, on a thread of the engine that nobody waits
    /// for; here where there is no engine.
    pub(crate) fn beside(&self, run: impl FnOnce() + Send + 'static) {
        match self.engine() {
            Some(engine) => engine.driver.spawn_blocking(run),
            None => run(),
        }
    }

    /// Hands what was kept over to the end of the attempt.
    pub(super) fn hand_over_outputs(&self, end: &mut End) {
        let mut outputs = std::mem::take(&mut *self.outputs.lock());
        if !outputs.is_empty() {
            outputs.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            end.to_mut().outputs = outputs;
        }
    }

    /// Drops what was kept: its end is not recorded.
    pub(super) fn drop_outputs(&self) {
        let outputs = std::mem::take(&mut *self.outputs.lock());
        remove(outputs);
    }
}

fn remove(outputs: impl IntoIterator<Item = Output>) {
    for output in outputs {
        output
            .data
            .as_file()
            .into_iter()
            .for_each(|file| file.remove());
    }
}

impl Inner {
    /// What an attempt of a job wrote under this name: the newest attempt that has it. A command that has ended
    /// and wrote nothing has written that.
    pub(crate) fn output(&self, id: JobId, name: &str) -> Reply<Captured> {
        let name = name.to_owned();
        self.info(id, true).then(move |info| {
            let silent = || match &*info.spec.task == COMMAND_TASK {
                true if !OUTPUTS.contains(&&*name) => Err(Error::not_found(format!(
                    "a command has no output {name:?}: use stdout or stderr"
                ))),
                true if info.state.is_terminal() => Ok(Captured::Inline(Arc::default())),
                _ => Err(Error::not_found(format!(
                    "no attempt of job {id} has written {name:?}"
                ))),
            };
            let attempts = info.attempts.iter().rev();
            let mut outputs = attempts.flat_map(|attempt| &attempt.outputs);
            let found = outputs.find(|output| *output.name == *name);
            Reply::now(found.map_or_else(silent, |output| Ok(output.data.clone())))
        })
    }

    /// Takes those out whose results are to be written to a file.
    pub(super) fn take_large(&self, judged: &mut Judged) -> Judged {
        let mut large = Judged::new();
        if self.spill.is_some() && judged.iter().any(is_to_be_spilled) {
            (large, *judged) = std::mem::take(judged)
                .into_iter()
                .partition(is_to_be_spilled);
        }
        large
    }

    /// Writes results to files, on a thread that may wait for the disk, and then records the verdicts. What
    /// the attempts hold stays theirs until then: their results are in memory.
    pub(super) fn spill(&self, large: Judged, now: Timestamp, ended: bool) {
        let (Some(inner), Some(folder)) = (self.this.upgrade(), self.spill.clone()) else {
            return;
        };
        self.phase.set_out();
        self.driver.spawn_blocking(move || {
            let mut failed = None;
            let (kept, left): (Judged, Judged) = large
                .into_iter()
                .map(|(attempt, mut verdict)| {
                    failed = failed
                        .take()
                        .or(keep(&folder, &attempt, &mut verdict).err());
                    (attempt, verdict)
                })
                .partition(|judged| !folder.is_durable() || !is_to_be_spilled(judged));
            inner.write_down(kept, now, ended);
            match failed.filter(|_| !left.is_empty()) {
                Some(error) => inner.not_recorded(left, now, ended, &error),
                None => inner.arrived(),
            }
        });
    }
}

fn is_to_be_spilled((_, verdict): &(Arc<Attempt>, Verdict)) -> bool {
    is_large(&verdict.end.result)
}

/// Where a private folder can't be written, the result stays in memory, as small ones do.
fn keep(folder: &SpillFolder, attempt: &Attempt, verdict: &mut Verdict) -> Result<()> {
    let kept = folder.keep(&verdict.end.result, attempt.job(), attempt.number())?;
    verdict.end.to_mut().result = kept;
    Ok(())
}
