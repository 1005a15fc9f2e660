//! The thread that reads, beside the one that writes. What was committed before a read was asked
//! for is seen by it.

use std::sync::Arc;

use rusqlite::Connection;

use crate::error::{Outcome, Trouble, is_fatal};
use crate::lane::{Answer, EndOf, Lane};
use crate::open::{Place, Role};
use crate::read::Reading;
use crate::row::Library;
use crate::sql;

/// How many requests one snapshot is read for.
const BATCH: usize = 256;

/// A request that reads.
pub(crate) trait Read: Send {
    /// Reads, and keeps the answer.
    fn run(&mut self, reading: &mut Reading<'_>) -> rusqlite::Result<()>;

    /// Gives the answer, or what kept it from being known.
    fn answer(self: Box<Self>, trouble: Option<&Trouble>);
}

/// A request with its answer.
pub(crate) struct Looked<T: Send + 'static, F> {
    pub(crate) look: F,
    pub(crate) answer: Answer<T>,
}

impl<T, F> Read for Looked<T, F>
where
    T: Send + 'static,
    F: Fn(&mut Reading<'_>) -> Outcome<T> + Send,
{
    fn run(&mut self, reading: &mut Reading<'_>) -> rusqlite::Result<()> {
        self.answer.note((self.look)(reading))
    }

    fn answer(self: Box<Self>, trouble: Option<&Trouble>) {
        self.answer.send(trouble);
    }
}

pub(crate) type Looks = Lane<Box<dyn Read>>;

/// The reader's side of a store.
pub(crate) struct Reader {
    pub(crate) place: Arc<Place>,
    pub(crate) library: Library,
    pub(crate) connection: Option<Connection>,
}

impl Reader {
    pub(crate) fn run(mut self, looks: &Arc<Looks>) {
        let end = EndOf(Arc::clone(looks));
        while let Some(batch) = looks.take(BATCH, |_| 1) {
            for look in batch {
                self.carry_out(look);
            }
        }
        drop(self.connection.take());
        drop(end);
    }

    fn carry_out(&mut self, mut look: Box<dyn Read>) {
        let trouble = self.snapshot(&mut *look).err();
        let trouble = trouble.map(|error| Trouble::of_read(&self.place.path, &error));
        look.answer(trouble.as_ref());
    }

    fn snapshot(&mut self, look: &mut dyn Read) -> rusqlite::Result<()> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.place.connect(Role::Reader)?,
        };
        let done = self.read(&connection, look);
        if !connection.is_autocommit() {
            // It has written nothing: how it ends doesn't matter.
            let _ = connection.execute_batch(sql::COMMIT);
        }
        match &done {
            Err(error) if is_fatal(error) => drop(connection),
            _ => self.connection = Some(connection),
        }
        done
    }

    fn read(&mut self, connection: &Connection, look: &mut dyn Read) -> rusqlite::Result<()> {
        connection.prepare_cached(sql::BEGIN_READ)?.execute([])?;
        look.run(&mut Reading {
            connection,
            library: &mut self.library,
            here: &self.place.here,
            spill: &self.place.spill,
        })
    }
}
