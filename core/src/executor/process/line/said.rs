//! What a child says of the end of a job.

use std::time::Duration;

use crate::clock::micros;
use crate::error::{Error, Result};
use crate::executor::process::message::{HOST, JSON, NOTHING};
use crate::outcome::{Ended, Failure, Measured};
use crate::payload::Payload;

/// The longest text that is sent, and the largest value beside a failure, in bytes.
const LONGEST: usize = 1 << 20;

/// The body of an end.
pub(super) struct Said<'a> {
    pub(super) head: Vec<u8>,
    /// What follows it.
    pub(super) value: &'a [u8],
}

/// # Errors
/// `Invalid` for a value that only this process can use, `Internal` for an end that no job says.
pub(super) fn said(ended: &Ended, used: Measured) -> Result<Said<'_>> {
    let (outcome, middle, value) = match ended {
        Ended::Returned(value) => (0, Vec::new(), content(value)?),
        Ended::Raised(failure) => (1, self::failure(failure), thrown(failure)),
        Ended::Retry(delay, failure) => {
            let middle = [self::delay(*delay), self::failure(failure)].concat();
            (2, middle, thrown(failure))
        }
        Ended::GaveUp(failure) => (3, self::failure(failure), thrown(failure)),
        Ended::Cancelled(reason) => (4, text(reason), (NOTHING, &[][..])),
        _ => {
            let message = "a child says of its job what only its pool can say";
            return Err(Error::new(crate::error::ErrorKind::Internal, message));
        }
    };
    let (content, value) = value;
    let mut head = vec![outcome, content];
    head.extend(micros(used.cpu_time).to_le_bytes());
    head.extend(used.peak_memory.to_le_bytes());
    head.extend(middle);
    Ok(Said { head, value })
}

/// How a value is encoded, and its bytes.
pub(super) fn content(value: &Payload) -> Result<(u8, &[u8])> {
    if let Some(bytes) = value.as_host_bytes() {
        return Ok((HOST, bytes));
    }
    match value {
        Payload::Null => Ok((NOTHING, &[])),
        value => value
            .as_json()
            .map(|bytes| (JSON, bytes))
            .ok_or_else(|| Error::invalid("the result is an object of this process alone")),
    }
}

/// What was thrown itself, where that can be sent.
fn thrown(failure: &Failure) -> (u8, &[u8]) {
    let bytes = failure.live.as_host_bytes();
    bytes
        .filter(|bytes| bytes.len() <= LONGEST)
        .map_or((NOTHING, &[]), |bytes| (HOST, bytes))
}

/// Its type, message and traceback.
pub(super) fn failure(failure: &Failure) -> Vec<u8> {
    let traceback = failure.traceback.as_deref().unwrap_or_default();
    [&failure.kind, &failure.message, traceback]
        .map(text)
        .concat()
}

fn delay(delay: Option<Duration>) -> Vec<u8> {
    let mut body = vec![u8::from(delay.is_some())];
    body.extend(delay.unwrap_or_default().as_secs_f64().to_le_bytes());
    body
}

/// Text with its length before it.
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text.as_bytes()[..end];
    let mut body = (text.len() as u32).to_le_bytes().to_vec();
    body.extend(text);
    body
}
