//! Values as JSON, the encoding of arguments, results and checkpoints.

mod finite;

use bursar_core::{Error, Payload, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How JSON spells nothing.
const NULL: &[u8] = b"null";

/// `value` as a payload. What has no content, such as `()`, takes no memory.
///
/// # Errors
/// `Invalid` for what JSON can't carry, such as NaN or a map whose keys are no text; the message
/// begins with `what`.
pub(crate) fn encode<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<Payload> {
    if size_of_val(value) == 0 && is_null(value) {
        return Ok(Payload::Null);
    }
    let mut bytes = Vec::with_capacity(64);
    append(&mut bytes, what, value)?;
    Ok(Payload::json(bytes))
}

/// Writes `value` behind what `bytes` holds.
///
/// # Errors
/// `Invalid` for what JSON can't carry.
pub(crate) fn append<T: Serialize + ?Sized>(
    bytes: &mut Vec<u8>,
    what: &str,
    value: &T,
) -> Result<()> {
    let begin = bytes.len();
    let refused = |error: serde_json::Error| {
        Error::invalid(format!("{what} can't be carried by JSON: {error}")).with_source(error)
    };
    serde_json::to_writer(&mut *bytes, value).map_err(refused)?;
    // The encoder writes what is not a number as null, so only a null is worth a second look.
    if bytes[begin..]
        .windows(NULL.len())
        .any(|window| window == NULL)
    {
        finite::check(value).map_err(refused)?;
    }
    Ok(())
}

fn is_null<T: Serialize + ?Sized>(value: &T) -> bool {
    let mut buffer = [0_u8; NULL.len()];
    let mut rest = &mut buffer[..];
    serde_json::to_writer(&mut rest, value).is_ok() && buffer == NULL
}

/// The value in `payload`.
///
/// # Errors
/// `Invalid` where it is not a `T`; the message begins with `what`.
pub(crate) fn decode<T: DeserializeOwned>(what: &str, payload: &Payload) -> Result<T> {
    let bytes = payload.as_json().ok_or_else(|| {
        Error::invalid(format!(
            "{what} is a live object of another language, not JSON"
        ))
    })?;
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("{what} is not a {}: {error}", std::any::type_name::<T>());
        Error::invalid(message).with_source(error)
    })
}
