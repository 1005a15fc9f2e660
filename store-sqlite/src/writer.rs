//! The thread that writes. All that waits when it begins is one transaction and one sync; what
//! comes meanwhile is the next one.

use std::sync::Arc;

use rusqlite::Connection;

use crate::books::{Books, Memo};
use crate::error::{Outcome, Trouble, is_fatal, is_of_request};
use crate::lane::{Answer, EndOf, Lane};
use crate::open::{Place, Role};
use crate::sql;

/// How many jobs one transaction may change at most: many enough to share its sync, few enough not
/// to keep those waiting that come next.
const BATCH: usize = 8_192;

/// A request that writes.
pub(crate) trait Write: Send {
    /// How many jobs it changes.
    fn weight(&self) -> usize;

    /// Carries it out, and keeps the answer. Carried out again, it does the same again.
    fn run(&mut self, books: &mut Books<'_>) -> rusqlite::Result<()>;

    /// Gives the answer once it is committed, or what kept it from being so.
    fn answer(self: Box<Self>, trouble: Option<&Trouble>);
}

/// A request with its answer.
pub(crate) struct Asked<T, F> {
    pub(crate) weight: usize,
    pub(crate) ask: F,
    pub(crate) answer: Answer<T>,
}

impl<T, F> Write for Asked<T, F>
where
    T: Send + 'static,
    F: Fn(&mut Books<'_>) -> Outcome<T> + Send,
{
    fn weight(&self) -> usize {
        self.weight
    }

    fn run(&mut self, books: &mut Books<'_>) -> rusqlite::Result<()> {
        self.answer.note((self.ask)(books))
    }

    fn answer(self: Box<Self>, trouble: Option<&Trouble>) {
        self.answer.send(trouble);
    }
}

pub(crate) type Works = Lane<Box<dyn Write>>;

/// The writer's side of a store.
pub(crate) struct Writer {
    pub(crate) place: Arc<Place>,
    pub(crate) memo: Memo,
    pub(crate) result_ttl: i64,
    /// None once it saw an error after which it must not be used: the next request opens another.
    pub(crate) connection: Option<Connection>,
}

impl Writer {
    pub(crate) fn run(mut self, works: &Arc<Works>) {
        let end = EndOf(Arc::clone(works));
        while let Some(batch) = works.take(BATCH, |work| work.weight()) {
            self.carry_out(batch);
        }
        self.close();
        drop(end);
    }

    fn carry_out(&mut self, mut batch: Vec<Box<dyn Write>>) {
        let Err(error) = self.transact(&mut batch) else {
            return answer(batch, None);
        };
        if batch.len() > 1 && is_of_request(&error) {
            // One of them is to blame: it must not take the others with it.
            return batch
                .into_iter()
                .for_each(|work| self.carry_out(vec![work]));
        }
        answer(batch, Some(&Trouble::of(&self.place.path, &error)));
    }

    fn transact(&mut self, batch: &mut [Box<dyn Write>]) -> rusqlite::Result<()> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.place.connect(Role::Writer)?,
        };
        let done = {
            let place = Arc::clone(&self.place);
            let _turn = place.guard.hold()?;
            let done = self.write(&connection, batch);
            if done.is_err() {
                self.memo.clear();
                take_back(&connection);
            }
            done
        };
        match &done {
            Err(error) if is_fatal(error) => drop(connection),
            _ => self.connection = Some(connection),
        }
        done
    }

    fn write(
        &mut self,
        connection: &Connection,
        batch: &mut [Box<dyn Write>],
    ) -> rusqlite::Result<()> {
        let mut books = Books::begin(connection, &mut self.memo, self.result_ttl)?;
        for work in batch {
            work.run(&mut books)?;
        }
        books.settle()?;
        connection.prepare_cached(sql::COMMIT)?.execute([])?;
        Ok(())
    }

    /// Brings everything from the log into the file itself, where nobody else is in the way.
    fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            let _turn = self.place.guard.hold();
            // What can't be moved now is in the log, and is found there.
            let _ = connection.execute_batch(sql::CHECKPOINT_LOG);
        }
    }
}

fn take_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // A rollback that fails leaves a transaction that was never committed.
        let _ = connection.execute_batch(sql::ROLLBACK);
    }
}

fn answer(batch: Vec<Box<dyn Write>>, trouble: Option<&Trouble>) {
    for work in batch {
        work.answer(trouble);
    }
}
