//! Requests on their way to a thread, and the answers on their way back.

use std::collections::VecDeque;
use std::sync::Arc;

use bursar_core::{Error, ErrorKind, Promise, Reply, Result, Signal};
use parking_lot::{Condvar, Mutex};

use crate::error::{Fault, Outcome, Trouble};

/// A queue that one thread empties. Once it is closed, nothing more is taken in; what is there is
/// still carried out.
pub(crate) struct Lane<W> {
    line: Mutex<Line<W>>,
    more: Condvar,
    /// The thread has ended, and its connection is closed.
    pub(crate) ended: Arc<Signal<()>>,
}

struct Line<W> {
    waiting: VecDeque<W>,
    closed: bool,
}

impl<W> Line<W> {
    /// How many of the first ones are of a total `weight` of `most`.
    fn fitting(&self, most: usize, weight: impl Fn(&W) -> usize) -> usize {
        let mut total = 0;
        let fit = self.waiting.iter().take_while(|work| {
            total += weight(work);
            total <= most
        });
        fit.count()
    }
}

impl<W> Default for Lane<W> {
    fn default() -> Self {
        Self {
            line: Mutex::new(Line {
                waiting: VecDeque::new(),
                closed: false,
            }),
            more: Condvar::new(),
            ended: Arc::default(),
        }
    }
}

impl<W> Lane<W> {
    /// Puts a request in the line; gives it back where that is closed.
    pub(crate) fn push(&self, work: W) -> std::result::Result<(), W> {
        let mut line = self.line.lock();
        if line.closed {
            return Err(work);
        }
        line.waiting.push_back(work);
        drop(line);
        self.more.notify_one();
        Ok(())
    }

    /// Everything that waits, up to a total `weight`, but one at least; `None` once the line is
    /// closed and empty.
    pub(crate) fn take(&self, most: usize, weight: impl Fn(&W) -> usize) -> Option<Vec<W>> {
        let mut line = self.line.lock();
        while line.waiting.is_empty() {
            if line.closed {
                return None;
            }
            self.more.wait(&mut line);
        }
        let count = line.fitting(most, weight).max(1);
        Some(line.waiting.drain(..count).collect())
    }

    /// Adds what waits at this moment to what was `taken`, up to a total `weight`.
    pub(crate) fn add_to(&self, taken: &mut Vec<W>, most: usize, weight: impl Fn(&W) -> usize) {
        let mut line = self.line.lock();
        let count = line.fitting(most, weight);
        taken.extend(line.waiting.drain(..count));
    }

    /// Everything that waits at this moment.
    pub(crate) fn take_all(&self) -> Vec<W> {
        self.line.lock().waiting.drain(..).collect()
    }

    pub(crate) fn close(&self) {
        self.line.lock().closed = true;
        self.more.notify_one();
    }

    /// Tells that the thread has ended, and drops what it has left undone.
    pub(crate) fn end(&self) {
        self.close();
        drop(self.take_all());
        self.ended.set(());
    }
}

/// Ends a lane however its thread ends, so that nobody waits for ever.
pub(crate) struct EndOf<W>(pub(crate) Arc<Lane<W>>);

impl<W> Drop for EndOf<W> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The answer to one request: known, and then sent.
pub(crate) struct Answer<T: Send + 'static> {
    known: Option<Result<T>>,
    to: Promise<T>,
}

impl<T: Send + 'static> Answer<T> {
    /// An answer to give, and what it is given to.
    pub(crate) fn new() -> (Self, Reply<T>) {
        let (to, reply) = Reply::promised(gone);
        (Self { known: None, to }, reply)
    }

    /// Notes what came of the request.
    ///
    /// # Errors
    /// The error of SQLite, which concerns more than this request.
    pub(crate) fn note(&mut self, outcome: Outcome<T>) -> rusqlite::Result<()> {
        self.known = Some(match outcome {
            Ok(value) => Ok(value),
            Err(Fault::Refused(error)) => Err(error),
            Err(Fault::Sqlite(error)) => return Err(error),
        });
        Ok(())
    }

    /// Sends this.
    pub(crate) fn give(self, result: Result<T>) {
        self.to.give(result);
    }

    /// Sends what is known, or else `trouble`.
    pub(crate) fn send(mut self, trouble: Option<&Trouble>) {
        let known = self.known.take().unwrap_or_else(|| Err(gone()));
        let result = trouble.map_or(known, |trouble| Err(trouble.error()));
        self.to.give(result);
    }
}

pub(crate) fn gone() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the store's thread has ended before it could answer: open the engine again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_take_is_bounded_and_never_empty() {
        let lane = Lane::default();
        for weight in [9, 1, 2, 3, 9] {
            assert!(lane.push(weight).is_ok());
        }
        let take = || lane.take(5, |weight| *weight);
        assert_eq!(take(), Some(vec![9]));
        assert_eq!(take(), Some(vec![1, 2]));
        assert_eq!(take(), Some(vec![3]));
        lane.close();
        assert_eq!(lane.take(5, |weight| *weight), Some(vec![9]));
        assert_eq!(lane.take(5, |weight| *weight), None);
        assert_eq!(lane.push(1), Err(1));
    }

    #[test]
    fn what_came_meanwhile_is_added_as_far_as_it_fits() {
        let lane = Lane::default();
        let mut taken = vec![7];
        let mut add = |most| lane.add_to(&mut taken, most, |weight| *weight);
        add(9);
        for weight in [1, 2, 3] {
            assert!(lane.push(weight).is_ok());
        }
        add(4);
        add(2);
        assert_eq!(taken, [7, 1, 2]);
    }
}
