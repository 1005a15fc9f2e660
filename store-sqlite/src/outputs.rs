//! Large output: files in a folder beside the store's, each named by a row here.

use std::sync::Arc;

use bursar_core::{AttemptEnd, Captured, Error, Output, Payload, SpillFolder, SpillName, Spilled};
use rusqlite::{Connection, Row, params};

use crate::books::Books;
use crate::codes::{read, stored};
use crate::error::Outcome;
use crate::payload;
use crate::sql;

/// The name of a result among the outputs of its attempt.
const RESULT: &str = "result";

impl Books<'_> {
    /// Keeps what an attempt gave beside the row of its job.
    pub(crate) fn keep_outputs(
        &mut self,
        sequence: i64,
        attempt: u32,
        end: &AttemptEnd,
    ) -> rusqlite::Result<()> {
        if let Some(file) = end.result.as_spilled() {
            self.keep_output(
                (sequence, attempt),
                RESULT,
                &Captured::File(Arc::clone(file)),
            )?;
        }
        for output in &end.outputs {
            self.keep_output((sequence, attempt), &output.name, &output.data)?;
        }
        Ok(())
    }

    fn keep_output(
        &self,
        (sequence, attempt): (i64, u32),
        name: &str,
        data: &Captured,
    ) -> rusqlite::Result<()> {
        let file = data.as_file();
        let bytes = match data {
            Captured::Inline(bytes) => bytes,
            Captured::File(file) => file.preview(),
        };
        self.statement(sql::INSERT_OUTPUT)?.execute(params![
            sequence,
            attempt,
            name,
            file.map(|file| file.file()),
            stored(data.size()),
            file.map(|file| file.sha256()),
            bytes,
        ])?;
        Ok(())
    }

    /// What comes with an end that changes nothing is not kept. Asked again for want of an answer, it is
    /// what was recorded before.
    pub(crate) fn drop_outputs(&mut self, end: &bursar_core::End) -> rusqlite::Result<()> {
        for file in end.files() {
            if !self.statement(sql::OUTPUT_BY_FILE)?.exists([file.file()])? {
                self.drop_file(file.file().to_owned());
            }
        }
        Ok(())
    }

    /// Forgets what the attempts of a job gave, as the job is.
    pub(crate) fn forget_outputs(&mut self, sequence: i64) -> rusqlite::Result<()> {
        let files = {
            let mut statement = self.statement(sql::DELETE_OUTPUTS)?;
            let files = statement.query_map([sequence], |row| row.get(0))?;
            files.collect::<rusqlite::Result<Vec<Option<String>>>>()?
        };
        files
            .into_iter()
            .flatten()
            .for_each(|file| self.drop_file(file));
        Ok(())
    }
}

/// Refuses files that are elsewhere.
///
/// # Errors
/// `Invalid`, with where it is.
pub(crate) fn check(spill: &SpillFolder, end: &AttemptEnd) -> Outcome<()> {
    let outputs = end
        .outputs
        .iter()
        .filter_map(|output| output.data.as_file());
    let mut files = end.result.as_spilled().into_iter().chain(outputs);
    match files.find(|file| !spill.holds(file)) {
        None => Ok(()),
        Some(file) => Err(Error::invalid(format!(
            "the file {} is not in the folder of this store: write it by the store's own",
            file.path().display()
        ))
        .into()),
    }
}

/// The columns `file, size, sha256, bytes` that begin at `index`.
fn captured(spill: &SpillFolder, row: &Row<'_>, index: usize) -> rusqlite::Result<Captured> {
    let bytes = row.get_ref(index + 3)?.as_blob()?;
    let Some(file) = row.get_ref(index)?.as_str_or_null()? else {
        return Ok(Captured::Inline(Arc::from(bytes)));
    };
    let (size, sha256) = (read(row.get(index + 1)?), row.get(index + 2)?);
    let known: Result<Spilled, Error> = spill.spilled(file, size, sha256, bytes);
    let text = rusqlite::types::Type::Text;
    known
        .map(|file| Captured::File(Arc::new(file)))
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, text, Box::new(error)))
}

/// The result in the two columns that begin at `index`, which may name a file.
pub(crate) fn read_result(
    connection: &Connection,
    spill: &SpillFolder,
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<Payload> {
    let Some((kind, file)) = payload::read_file(row, index)? else {
        return payload::read(row, index);
    };
    let mut statement = connection.prepare_cached(sql::OUTPUT_BY_FILE)?;
    let found = statement.query_row([file], |row| captured(spill, row, 0))?;
    Ok(found.into_payload(kind))
}

/// What the attempts of a job wrote beside their results, each with the number of its attempt.
pub(crate) fn outputs(
    connection: &Connection,
    spill: &SpillFolder,
    sequence: u64,
) -> rusqlite::Result<Vec<(u32, Output)>> {
    let mut statement = connection.prepare_cached(sql::OUTPUTS)?;
    let rows = statement.query_map([stored(sequence)], |row| {
        let name = row.get_ref(1)?.as_str()?.into();
        let data = captured(spill, row, 2)?;
        Ok((row.get(0)?, Output { name, data }))
    })?;
    rows.collect()
}

/// Removes the files that nobody names and nobody can name any more, since their attempts don't run: what a
/// crash has left between the file and the commit, or between the commit and the removal. What is written
/// at this moment belongs to an attempt that runs, or is named by then: the folder is read first.
pub(crate) fn sweep(connection: &Connection, spill: &SpillFolder) -> rusqlite::Result<()> {
    // What can't be read now is looked at another time.
    let files = spill.files().unwrap_or_default();
    let mut strays = Vec::new();
    for name in files {
        let file = name.to_string();
        if !is_needed(connection, &name, &file)? {
            strays.push(file);
        }
    }
    spill.remove(strays.iter().map(String::as_str));
    Ok(())
}

fn is_needed(connection: &Connection, name: &SpillName, file: &str) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(sql::IS_FILE_NEEDED)?;
    let of = (file, stored(name.job.counter()), name.attempt);
    statement.exists(of)
}
