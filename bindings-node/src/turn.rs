//! What a worker thread, or a process, that runs jobs says of the last one and hears of the next: numbers and
//! bytes in arrays of JavaScript's.

use bursar::core::{Ended, Payload};

use crate::error::{Result, internal};

/// How a job ended.
mod how {
    pub(super) const NOTHING: i32 = 0;
    /// The handler returned nothing.
    pub(super) const DONE: i32 = 1;
    /// The handler returned what the first bytes are.
    pub(super) const RETURNED: i32 = 2;
    /// As was noted before.
    pub(super) const NOTED: i32 = 3;
}

/// What there is instead of a handler.
pub(crate) mod none {
    pub(crate) const NOW: i32 = -1;
    pub(crate) const EVER: i32 = -2;
}

/// Where the arguments of a job are.
mod args {
    /// So many bytes of the array.
    pub(super) const CLONED: i32 = 0;
    /// To be fetched, as bytes.
    pub(super) const LONG: i32 = 1;
    /// To be fetched, as JSON text.
    pub(super) const TEXT: i32 = 2;
}

/// How the last job ended, where there was one. `noted` is what was noted of it before.
pub(crate) fn read_end(
    how: i32,
    length: i32,
    bytes: &[u8],
    noted: Option<Ended>,
) -> Result<Option<Ended>> {
    Ok(Some(match how {
        how::NOTHING => return Ok(None),
        how::DONE => Ended::Returned(Payload::Null),
        how::RETURNED => {
            let length = usize::try_from(length).unwrap_or(0);
            Ended::Returned(Payload::host_bytes(bytes.get(..length).unwrap_or_default()))
        }
        how::NOTED => noted.ok_or_else(|| internal("no end was noted"))?,
        _ => return Err(internal("unknown kind of end")),
    }))
}

/// Puts arguments into `bytes` where they fit: a number of bytes, and where they are.
pub(crate) fn write_args(args: &Payload, bytes: &mut [u8]) -> (i32, i32) {
    let Some(cloned) = args.as_host_bytes() else {
        return (0, args::TEXT);
    };
    match bytes.get_mut(..cloned.len()) {
        None => (0, args::LONG),
        Some(room) => {
            room.copy_from_slice(cloned);
            (cloned.len() as i32, args::CLONED)
        }
    }
}
