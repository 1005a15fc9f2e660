//! What is in the bodies of frames.

use std::time::Duration;

use crate::clock::micros;
use crate::engine::Attempt;
use crate::error::Error;
use crate::limits::{Had, Times};
use crate::outcome::{Ended, Failure};
use crate::payload::Payload;
use crate::process::Sizes;
use crate::units::parse_duration;

use super::frame::Malformed;
use super::turn::Turn;

// 1 is for daemons.
pub(super) const CHECKPOINT: u8 = 2;
pub(super) const ENCODED: u8 = 4;
// 8 is for `turn`.

/// Marks an end with which a child tells what it has now that the job is over.
pub(super) const TELLS_WHAT_IS_LEFT: u8 = 0x80;

/// How many bytes that takes.
pub(super) const LEFT: usize = 32;

/// How a payload is encoded.
pub(super) const NOTHING: u8 = 0;
pub(super) const JSON: u8 = 1;
pub(super) const HOST: u8 = 2;

/// The body of a start, but for the arguments, which follow it.
pub(super) struct Start<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) address: &'a str,
    /// Whether the result must be JSON.
    pub(super) encoded: bool,
    pub(super) turn: Turn,
}

impl Start<'_> {
    /// # Errors
    /// `Invalid` for what only the process itself can use.
    pub(super) fn encode<'a>(&self, args: &'a Payload) -> Result<(Vec<u8>, &'a [u8]), Error> {
        let (content, args) = content(args)?;
        let checkpoint = self.attempt.checkpoint();
        let saved = checkpoint.as_ref().and_then(Payload::as_json);
        let flag = |set: bool, flag| if set { flag } else { 0 };
        let (turn, until) = self.turn.encode();
        let mut body = vec![
            content,
            flag(saved.is_some(), CHECKPOINT) | flag(self.encoded, ENCODED) | turn,
        ];
        body.extend(self.attempt.number().to_le_bytes());
        body.extend(self.attempt.failures().to_le_bytes());
        body.extend(until.to_le_bytes());
        body.extend(self.attempt.memory().to_le_bytes());
        body.extend(self.attempt.job().as_bytes());
        let (task, saved) = (self.attempt.task(), saved.unwrap_or_default());
        body.extend(length::<u16>(task)?.to_le_bytes());
        body.extend(length::<u16>(self.address)?.to_le_bytes());
        body.extend(length::<u32>(saved)?.to_le_bytes());
        body.extend(task.as_bytes());
        body.extend(self.address.as_bytes());
        body.extend(saved);
        Ok((body, args))
    }
}

fn content(args: &Payload) -> Result<(u8, &[u8]), Error> {
    if let Some(bytes) = args.as_host_bytes() {
        return Ok((HOST, bytes));
    }
    match args {
        Payload::Null => Ok((NOTHING, &[])),
        args => args.as_json().map(|bytes| (JSON, bytes)).ok_or_else(|| {
            Error::invalid("the arguments are objects of this process, which no other can use")
        }),
    }
}

fn length<N: TryFrom<usize>>(bytes: impl AsRef<[u8]>) -> Result<N, Error> {
    let length = bytes.as_ref().len();
    N::try_from(length).map_err(|_| {
        Error::invalid(format!(
            "{length} bytes are too many to be sent to a process"
        ))
    })
}

/// The body of a reply to a note: empty where it was taken.
pub(super) fn reply(answer: Result<(), Error>) -> Vec<u8> {
    let Err(error) = answer else {
        return Vec::new();
    };
    let kind = format!("{:?}", error.kind());
    let mut body = (kind.len() as u32).to_le_bytes().to_vec();
    body.extend(kind.as_bytes());
    body.extend(error.message().as_bytes());
    body
}

/// What a child has now that a job is over, as it tells that.
pub(super) fn left(sizes: Sizes, times: Times) -> [u8; LEFT] {
    let numbers = [
        sizes.resident,
        sizes.own,
        micros(times.own),
        micros(times.reaped),
    ];
    let mut body = [0; LEFT];
    for (place, number) in body.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    body
}

/// How a job ended, as a child says it.
#[derive(Debug)]
pub(super) struct End {
    pub(super) ended: Ended,
    pub(super) cpu_time: Duration,
    /// In bytes; 0 for unknown.
    pub(super) peak_memory: u64,
    /// What its process has now, where it says that: it has started nothing that lives.
    pub(super) left: Option<Had>,
}

/// What breaks a child, if something does.
#[derive(Debug)]
pub(super) enum Breakage {
    /// What a job has left behind that is over.
    OfEarlier,
    /// What its job did.
    OfJob(Failure),
}

/// Takes a body apart.
pub(super) struct Body<'a>(pub(super) &'a [u8]);

impl<'a> Body<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| cut_short())
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn float(&mut self) -> Result<f64, Malformed> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        Ok(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// What is left, as a payload.
    pub(super) fn payload(&mut self, content: u8) -> Result<Payload, Malformed> {
        let bytes = self.rest();
        match content {
            NOTHING => Ok(Payload::Null),
            JSON => Ok(Payload::json(bytes)),
            HOST => Ok(Payload::host_bytes(bytes)),
            _ => Err(Malformed(format!(
                "a value of the unknown encoding {content}"
            ))),
        }
    }

    /// The body of an end. Where `encoded`, what comes in the host language's own encoding is refused:
    /// reading that may run code.
    pub(super) fn end(mut self, encoded: bool) -> Result<End, Malformed> {
        let (outcome, content) = (self.byte()?, self.byte()?);
        let tells = outcome & TELLS_WHAT_IS_LEFT != 0;
        let outcome = outcome & !TELLS_WHAT_IS_LEFT;
        if encoded && content == HOST {
            return Err(Malformed(
                "a value in an encoding that isn't read here".into(),
            ));
        }
        let cpu_time = Duration::from_micros(self.number()?);
        let peak_memory = self.number()?;
        let left = tells.then(|| self.left()).transpose()?;
        let ended = match outcome {
            0 => Ended::Returned(self.payload(content)?),
            1 => Ended::Raised(self.failure(content)?),
            2 => {
                let delay = self.delay()?;
                let failure = self.failure(content)?;
                match delay {
                    Ok(delay) => Ended::Retry(delay, failure),
                    Err(error) => Ended::GaveUp(Failure::new("Invalid", error.message())),
                }
            }
            3 => Ended::GaveUp(self.failure(content)?),
            4 => Ended::Cancelled(self.text()?),
            other => return Err(Malformed(format!("an end of the unknown kind {other}"))),
        };
        Ok(End {
            ended,
            cpu_time,
            peak_memory,
            left,
        })
    }

    fn left(&mut self) -> Result<Had, Malformed> {
        let (resident, own) = (self.number()?, self.number()?);
        let times = Times {
            own: Duration::from_micros(self.number()?),
            reaped: Duration::from_micros(self.number()?),
        };
        Ok(Had {
            resident,
            own,
            times: Some(times),
        })
    }

    fn failure(&mut self, content: u8) -> Result<Failure, Malformed> {
        let mut failure = Failure::new(self.text()?, self.text()?);
        failure.traceback = Some(self.text()?).filter(|text| !text.is_empty());
        failure.live = self.payload(content)?;
        Ok(failure)
    }

    /// The delay that a job asks for: none, seconds, or text as people write it.
    fn delay(&mut self) -> Result<Result<Option<Duration>, Error>, Malformed> {
        let (kind, seconds) = (self.byte()?, self.float()?);
        let delay = match kind {
            0 => Ok(Duration::ZERO),
            // What doesn't fit is longer than anybody waits.
            1 => Ok(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)),
            2 => parse_duration(&self.text()?),
            other => return Err(Malformed(format!("a delay of the unknown kind {other}"))),
        };
        Ok(delay.map(|delay| Some(delay).filter(|delay| !delay.is_zero())))
    }

    /// The body of what breaks a child: nothing that its job has to do with, or what the job did, where that
    /// is known.
    pub(super) fn breakage(mut self) -> Result<Breakage, Malformed> {
        match self.byte()? {
            0 => Ok(Breakage::OfEarlier),
            1 => self.failure(NOTHING).map(Breakage::OfJob),
            other => Err(Malformed(format!("a breakage of the unknown kind {other}"))),
        }
    }

    /// The body of a progress: percent, and a message perhaps.
    pub(super) fn progress(mut self) -> Result<(f64, Option<String>), Malformed> {
        let percent = self.float()?;
        if self.0.is_empty() {
            return Ok((percent, None));
        }
        self.byte()?;
        Ok((percent, Some(self.text()?)))
    }

    /// The body of what is given back: keys.
    pub(super) fn keys(mut self) -> Result<Vec<u64>, Malformed> {
        let mut keys = Vec::new();
        while !self.0.is_empty() {
            keys.push(self.number()?);
        }
        Ok(keys)
    }

    /// The body of what lasts: the memory that its process had before, and what of that was its own.
    pub(super) fn sizes(mut self) -> Result<Had, Malformed> {
        Ok(Had {
            resident: self.number()?,
            own: self.number()?,
            times: None,
        })
    }

    /// The body of a line to log: its level and what it says.
    pub(super) fn log(mut self) -> Result<(String, String), Malformed> {
        Ok((self.text()?, self.text()?))
    }
}

fn cut_short() -> Malformed {
    Malformed("a message that is cut short".into())
}
