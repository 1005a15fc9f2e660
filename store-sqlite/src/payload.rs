//! Payloads as they stand in the file: the bytes, and beside them how they are encoded.

use std::sync::Arc;

use bursar_core::{ContentType, Error, Payload, Result};
use rusqlite::Row;

/// The number of each content type. They never change.
fn code(kind: ContentType) -> i64 {
    match kind {
        ContentType::Json => 1,
    }
}

fn kind(code: i64) -> rusqlite::Result<ContentType> {
    match code {
        1 => Ok(ContentType::Json),
        _ => Err(rusqlite::Error::IntegralValueOutOfRange(0, code)),
    }
}

/// What is added to the number of a content type where the bytes are in a file, and its name stands in
/// their place.
const IN_FILE: i64 = 256;

/// The columns of a payload: nothing is two nulls.
pub(crate) type Columns<'a> = (Option<i64>, Option<&'a [u8]>);

/// # Errors
/// `Invalid` for a live object.
pub(crate) fn columns(payload: &Payload) -> Result<Columns<'_>> {
    match payload {
        Payload::Null => Ok((None, None)),
        Payload::Bytes(kind, bytes) => Ok((Some(code(*kind)), Some(bytes))),
        Payload::Spilled(kind, file) => {
            Ok((Some(IN_FILE + code(*kind)), Some(file.file().as_bytes())))
        }
        Payload::Live(_) => Err(Error::invalid(
            "a store on disk can't keep a live object: encode it, as strict does in memory",
        )),
    }
}

/// The file that the two columns name which begin at `index`, and how the bytes in it are encoded.
pub(crate) fn read_file<'a>(
    row: &'a Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<(ContentType, &'a str)>> {
    let found = row.get::<_, Option<i64>>(index)?;
    let Some(code) = found.filter(|code| *code > IN_FILE) else {
        return Ok(None);
    };
    let name = std::str::from_utf8(row.get_ref(index + 1)?.as_blob()?);
    Ok(Some((
        kind(code - IN_FILE)?,
        name.map_err(|error| rusqlite::Error::Utf8Error(index + 1, error))?,
    )))
}

/// Reads the two columns that begin at `index`.
pub(crate) fn read(row: &Row<'_>, index: usize) -> rusqlite::Result<Payload> {
    let Some(code) = row.get::<_, Option<i64>>(index)? else {
        return Ok(Payload::Null);
    };
    let bytes = row.get_ref(index + 1)?.as_blob()?;
    Ok(Payload::Bytes(kind(code)?, Arc::from(bytes)))
}
