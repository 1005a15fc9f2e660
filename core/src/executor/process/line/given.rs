//! What a child is given.

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::executor::process::frame::Malformed;
use crate::executor::process::message::{Body, CHECKPOINT, ENCODED};
use crate::executor::process::turn::Turn;
use crate::id::JobId;
use crate::payload::Payload;

/// A job to run.
#[derive(Clone, Debug)]
pub struct ChildJob {
    /// By what it is spoken of.
    pub key: u64,
    /// The id of the job.
    pub id: JobId,
    /// The name of the task.
    pub task: String,
    /// Where its function is found, in words of the host language.
    pub address: String,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// How many attempts of the job failed before.
    pub failures: u32,
    /// When its timeout is over.
    pub deadline: Option<Timestamp>,
    /// The bytes of memory that are reserved for it.
    pub memory: u64,
    /// Whether the result must be JSON.
    pub encoded: bool,
    /// The arguments.
    pub args: Payload,
    /// The last checkpoint of the job, as JSON.
    pub checkpoint: Option<Vec<u8>>,
}

/// A job, and when it begins: its deadline is known then.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) job: ChildJob,
    pub(super) turn: Turn,
}

impl Given {
    /// It begins now.
    pub(super) fn begin(self, clock: &dyn Clock) -> ChildJob {
        let deadline = match self.turn {
            Turn::Now(deadline) => deadline,
            Turn::Next(timeout) => timeout.map(|timeout| clock.now().after(timeout)),
        };
        ChildJob {
            deadline,
            ..self.job
        }
    }
}

/// A request to stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildStop {
    /// Why: a name of [`StopKind`](crate::StopKind).
    pub kind: String,
    /// In words.
    pub reason: String,
}

impl Body<'_> {
    /// The body of a start.
    pub(super) fn start(mut self, key: u64) -> Result<Given, Malformed> {
        let (content, flags) = (self.byte()?, self.byte()?);
        let (number, failures) = (self.array()?, self.array()?);
        let (until, memory) = (self.number()?, self.number()?);
        let id = JobId::from_bytes(self.array()?);
        let task = usize::from(u16::from_le_bytes(self.array()?));
        let address = usize::from(u16::from_le_bytes(self.array()?));
        let saved = u32::from_le_bytes(self.array()?) as usize;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (task, address) = (text(self.bytes(task)?), text(self.bytes(address)?));
        let saved = self.bytes(saved)?.to_vec();
        let job = ChildJob {
            key,
            id,
            task,
            address,
            number: u32::from_le_bytes(number),
            failures: u32::from_le_bytes(failures),
            deadline: None,
            memory,
            encoded: flags & ENCODED != 0,
            args: self.payload(content)?,
            checkpoint: Some(saved).filter(|_| flags & CHECKPOINT != 0),
        };
        let turn = Turn::decode(flags, until);
        Ok(Given { job, turn })
    }

    /// All of it, as text.
    pub(super) fn whole_text(&self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }

    /// The body of a reply.
    pub(super) fn answer(mut self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let kind = self.text().unwrap_or_default();
        Err(Error::new(kind_of(&kind), self.whole_text()))
    }
}

fn kind_of(name: &str) -> ErrorKind {
    let kinds = [
        ErrorKind::Invalid,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::BudgetExceeded,
        ErrorKind::Unavailable,
        ErrorKind::Closed,
    ];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == name);
    kind.unwrap_or(ErrorKind::Internal)
}
