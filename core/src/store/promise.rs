//! An answer that somebody gives later, from whatever thread: to whoever awaits it, or to what carries
//! on with it. That one takes its turn in a [`Line`], so that whoever answers many does nothing else.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::Mutex;

/// How many take their turn before whatever else its thread has to do.
const TURN: usize = 64;

/// The half that answers. Dropped without that, it says that the answer was lost.
pub struct Promise<T: Send + 'static> {
    promised: Option<Arc<Promised<T>>>,
    lost: fn() -> Error,
}

impl<T: Send + 'static> Promise<T> {
    /// Both halves; `lost` says why no answer will come where this half is dropped.
    pub(crate) fn new(lost: fn() -> Error) -> (Self, Arc<Promised<T>>) {
        let promised = Arc::new(Promised(Mutex::new(State::Open(None))));
        let promise = Self {
            promised: Some(Arc::clone(&promised)),
            lost,
        };
        (promise, promised)
    }

    /// Answers.
    pub fn give(mut self, answer: Result<T>) {
        if let Some(promised) = self.promised.take() {
            promised.know(answer);
        }
    }
}

impl<T: Send + 'static> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(promised) = self.promised.take() {
            promised.know(Err((self.lost)()));
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").finish_non_exhaustive()
    }
}

/// What carries on with an answer.
type Next<T> = Box<dyn FnOnce(Result<T>) + Send>;

enum State<T> {
    /// Not known yet; somebody may wait for it.
    Open(Option<Waker>),
    /// Not known yet, and to be carried on with.
    Carried(Next<T>, Arc<Line>),
    /// Known, and to be carried on with in its turn, if at all.
    Known(Result<T>, Option<Next<T>>),
    Taken,
}

/// The half that the answer comes to.
pub(crate) struct Promised<T>(Mutex<State<T>>);

impl<T> Promised<T> {
    /// The answer, once.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Result<T>> {
        let waker = context.waker().clone();
        let mut state = self.0.lock();
        let before = match std::mem::replace(&mut *state, State::Taken) {
            State::Open(before) => {
                *state = State::Open(Some(waker));
                before
            }
            State::Known(answer, _) => return Poll::Ready(answer),
            State::Carried(..) | State::Taken => return Poll::Ready(Err(taken())),
        };
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl<T: Send + 'static> Promised<T> {
    fn know(self: Arc<Self>, answer: Result<T>) {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Open(waker) => {
                *state = State::Known(answer, None);
                drop(state);
                waker.into_iter().for_each(Waker::wake);
            }
            State::Carried(next, line) => {
                *state = State::Known(answer, Some(next));
                drop(state);
                line.push(self);
            }
            // There is one promise, and it is given once.
            State::Known(..) | State::Taken => {}
        }
    }

    /// Has `next` carry on with the answer, when it is its turn in `line`.
    pub(crate) fn carry(self: Arc<Self>, line: &Arc<Line>, next: Next<T>) {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Open(waker) => {
                *state = State::Carried(next, Arc::clone(line));
                drop(state);
                drop(waker);
            }
            State::Known(answer, _) => {
                *state = State::Known(answer, Some(next));
                drop(state);
                line.push(self);
            }
            State::Carried(..) | State::Taken => {
                drop(state);
                next(Err(taken()));
            }
        }
    }
}

pub(crate) fn taken() -> Error {
    Error::new(ErrorKind::Internal, "an answer was awaited twice")
}

/// Something that has an answer to carry on with.
trait Turn: Send + Sync {
    fn take(&self);
}

impl<T: Send + 'static> Turn for Promised<T> {
    fn take(&self) {
        let state = std::mem::replace(&mut *self.0.lock(), State::Taken);
        if let State::Known(answer, Some(next)) = state {
            next(answer);
        }
    }
}

/// Answers that are to be carried on with, in the order in which they came.
#[derive(Default)]
pub(crate) struct Line {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Default)]
struct Waiting {
    turns: VecDeque<Arc<dyn Turn>>,
    /// Nobody carries on any more.
    closed: bool,
}

impl Line {
    fn push(&self, turn: Arc<dyn Turn>) {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            drop(waiting);
            return drop(turn);
        }
        let first = waiting.turns.is_empty();
        waiting.turns.push_back(turn);
        drop(waiting);
        if first {
            self.more.notify_one();
        }
    }

    /// Carries on with each, on the thread that polls this, until it is dropped.
    pub(crate) fn run(self: Arc<Self>) -> impl Future<Output = ()> + Send + 'static {
        // It closes also where it is dropped before it was ever polled.
        let line = Open(self);
        async move {
            loop {
                let more = line.0.take_turns();
                if more {
                    tokio::task::yield_now().await;
                } else {
                    line.0.more.notified().await;
                }
            }
        }
    }

    /// Carries on with those that are next; whether there are more.
    fn take_turns(&self) -> bool {
        let (turns, more) = self.next();
        for turn in turns {
            // One that panics must not take the others with it.
            let taken = std::panic::AssertUnwindSafe(|| turn.take());
            drop(std::panic::catch_unwind(taken));
        }
        more
    }

    /// Those that are next, and whether there are more.
    fn next(&self) -> (Vec<Arc<dyn Turn>>, bool) {
        let mut waiting = self.waiting.lock();
        let count = waiting.turns.len().min(TURN);
        let next = waiting.turns.drain(..count).collect();
        (next, !waiting.turns.is_empty())
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// A line that closes when nobody goes on with it.
struct Open(Arc<Line>);

impl Drop for Open {
    fn drop(&mut self) {
        let left = {
            let mut waiting = self.0.waiting.lock();
            waiting.closed = true;
            std::mem::take(&mut waiting.turns)
        };
        drop(left);
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]
mod tests {
    use std::pin::Pin;
    use std::sync::mpsc::{Receiver, channel};

    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::store::{Later, Reply};

    fn lost() -> Error {
        Error::invalid("lost")
    }

    fn message(result: Result<u32>) -> String {
        result.map_or_else(|error| error.to_string(), |value| value.to_string())
    }

    fn later<T>(reply: Reply<T>) -> Later<T> {
        match reply {
            Reply::Later(later) => Some(later),
            Reply::Now(_) => None,
        }
        .unwrap()
    }

    /// Carries on with a reply in `line`: what it is carried on with.
    fn carried(reply: Reply<u32>, line: &Arc<Line>) -> Receiver<String> {
        let (send, receive) = channel();
        let later = later(reply);
        let future = later.carry(line, move |answer| drop(send.send(message(answer))));
        assert!(future.is_none(), "nothing is to be polled");
        receive
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_promise_is_awaited_or_waited_for_before_and_after_it_is_given() {
        let (promise, reply) = Reply::promised(lost);
        promise.give(Ok(1));
        assert_eq!(reply.wait().unwrap(), 1);
        let (promise, reply) = Reply::promised(lost);
        let waits = std::thread::spawn(|| reply.wait());
        promise.give(Ok(2));
        assert_eq!(waits.join().unwrap().unwrap(), 2);
        let (promise, reply) = Reply::promised(lost);
        let given = runtime().block_on(async {
            let mut reply = reply;
            let first = std::future::poll_fn(|context| {
                Poll::Ready(Pin::new(&mut reply).poll(context).is_ready())
            });
            assert!(!first.await);
            promise.give(Ok(3));
            reply.await
        });
        assert_eq!(given.unwrap(), 3);
    }

    #[test]
    fn a_promise_that_is_dropped_says_why() {
        let (promise, reply) = Reply::<u32>::promised(lost);
        drop(promise);
        assert_eq!(message(reply.wait()), "lost");
    }

    #[test]
    fn answers_are_carried_on_with_in_the_order_in_which_they_came() {
        let line = Arc::<Line>::default();
        let runtime = runtime();
        drop(runtime.spawn(Arc::clone(&line).run()));
        let order = Arc::new(Mutex::new(Vec::new()));
        let replies = (0..200).map(|number| {
            let (promise, reply) = Reply::promised(lost);
            let later = later(reply);
            let order = Arc::clone(&order);
            let next = move |answer: Result<u32>| {
                order.lock().push(answer.unwrap());
                assert_ne!(number, 7, "one that panics takes no other with it");
            };
            // Some are there before they are carried on with.
            if number % 2 == 0 {
                promise.give(Ok(number));
                assert!(later.carry(&line, next).is_none());
            } else {
                assert!(later.carry(&line, next).is_none());
                promise.give(Ok(number));
            }
        });
        assert_eq!(replies.count(), 200);
        runtime.block_on(async {
            while order.lock().len() < 200 {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(*order.lock(), (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_line_that_nobody_runs_any_more_drops_what_is_in_it_and_what_comes() {
        let line = Arc::<Line>::default();
        let runtime = runtime();
        drop(runtime.spawn(Arc::clone(&line).run()));
        let (promise, reply) = Reply::promised(lost);
        let before = carried(reply, &line);
        promise.give(Ok(1));
        drop(runtime);
        assert!(before.recv().is_err(), "it was dropped");
        let (promise, reply) = Reply::promised(lost);
        let after = carried(reply, &line);
        promise.give(Ok(2));
        assert!(after.recv().is_err(), "it was dropped");
    }
}
