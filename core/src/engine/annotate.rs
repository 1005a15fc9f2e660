//! What a running attempt says of itself: progress, log lines, checkpoints.

use std::sync::Arc;

use crate::engine::attempt::Attempt;
use crate::engine::inner::Inner;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::job::{LogLine, Progress};
use crate::limits::Notice;
use crate::payload::Payload;
use crate::store::{Fenced, Note, NoteKind, Reply};

/// The largest checkpoint, in bytes: 1 MiB.
const LARGEST_CHECKPOINT: usize = 1 << 20;

/// The longest log line or progress message kept, in bytes; the rest is cut off.
const LONGEST_TEXT: usize = 16 * 1_024;

impl Attempt {
    /// Says how far the job has come.
    ///
    /// # Errors
    /// `Invalid` for a percentage outside 0 to 100; `Conflict` once a newer attempt has begun.
    pub fn progress(&self, percent: f64, message: Option<&str>) -> Result<Reply<()>> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(Error::invalid(format!(
                "progress {percent} is out of range: it is a percentage, from 0 to 100"
            )));
        }
        let progress = Progress {
            percent,
            message: message.map(shorten),
        };
        let kind = EventKind::Progress(progress.clone());
        Ok(self.note(NoteKind::Progress(progress), Some(kind)))
    }

    /// Logs a line.
    pub fn log(&self, level: &str, message: &str) -> Reply<()> {
        let Some(inner) = self.engine() else {
            return Reply::now(Err(Error::closed()));
        };
        let line = LogLine {
            at: inner.now(),
            attempt: self.number(),
            level: shorten(level),
            message: shorten(message),
        };
        let kind = EventKind::Log(line.clone());
        self.note(NoteKind::Log(line), Some(kind))
    }

    /// Saves a state that later attempts can go on from.
    ///
    /// # Errors
    /// `Invalid` for more than 1 MiB; `Conflict` once a newer attempt has begun.
    pub fn save_checkpoint(&self, state: Payload) -> Result<Reply<()>> {
        let size = state.as_json().map_or(0, <[u8]>::len);
        if size > LARGEST_CHECKPOINT {
            return Err(Error::invalid(format!(
                "a checkpoint of {size} bytes is too large: at most {LARGEST_CHECKPOINT}; save a reference instead"
            )));
        }
        let reply = self.note(NoteKind::Checkpoint(state.clone()), None);
        self.keep_checkpoint(state);
        Ok(reply)
    }

    /// Says that it nears a limit, or is above it: in its log, and to whoever listens.
    pub(crate) fn tell_limit(&self, notice: Notice) {
        let Some(inner) = self.engine() else {
            return;
        };
        let logged = self.log("warning", &notice.to_string());
        inner
            .events
            .emit(&*inner.clock, &self.ticket, || EventKind::Limit(notice));
        // Nobody is told where the attempt is over by then.
        inner.with_reply(logged, |_, _| {});
    }

    fn note(&self, kind: NoteKind, event: Option<EventKind>) -> Reply<()> {
        let Some(inner) = self.engine() else {
            return Reply::now(Err(Error::closed()));
        };
        inner.note(self, kind, event)
    }
}

impl Inner {
    fn note(&self, attempt: &Attempt, kind: NoteKind, event: Option<EventKind>) -> Reply<()> {
        let (sequence, number) = (attempt.ticket.sequence(), attempt.number());
        let reply = self.store.note(Note {
            now: self.now(),
            sequence,
            attempt: number,
            kind,
        });
        let (this, ticket, id) = (
            self.this.clone(),
            Arc::clone(&attempt.ticket),
            attempt.job(),
        );
        reply.then(move |fenced| {
            if fenced == Fenced::Stale {
                let message =
                    format!("attempt {number} of job {id} is over: nothing more can be said of it");
                return Reply::now(Err(Error::conflict(message)));
            }
            if let (Some(inner), Some(event)) = (this.upgrade(), event) {
                inner.events.emit(&*inner.clock, &ticket, || event);
            }
            Reply::ok(())
        })
    }
}

fn shorten(text: &str) -> Arc<str> {
    let end = (0..=LONGEST_TEXT.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    Arc::from(&text[..end.unwrap_or(0)])
}
