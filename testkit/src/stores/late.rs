use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bursar_core::{
    Batch, Cancelled, Capabilities, Claimed, Deletion, Fenced, JobInfo, Listed, Promoted, Pruned,
    Reply, Result, Signal, Store, Submitted, Tally,
};
use fastrand::Rng;
use parking_lot::{Condvar, Mutex};

use super::every_request;

/// Carries a request out; gives what delivers its answer.
type Effect = Box<dyn FnOnce() -> Delivery + Send>;
type Delivery = Box<dyn FnOnce() + Send>;

/// A store that answers every request later, from a thread of its own. Requests that are under way
/// at once take effect in a random order, and their answers come in another one.
#[derive(Debug)]
pub struct LateStore {
    inner: Arc<dyn Store>,
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    work: Mutex<Work>,
    more: Condvar,
}

#[derive(Default)]
struct Work {
    effects: Vec<(&'static str, Effect)>,
    deliveries: Vec<(&'static str, Delivery)>,
    held_requests: HashSet<&'static str>,
    held_answers: HashSet<&'static str>,
    closed: bool,
}

/// What the thread does next.
enum Step {
    Carry(&'static str, Effect),
    Deliver(Delivery),
}

impl LateStore {
    /// A store over `inner`; the order of its answers follows from `seed`.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, seed: u64) -> Self {
        let desk = Arc::<Desk>::default();
        let thread = Arc::clone(&desk);
        std::thread::spawn(move || thread.run(Rng::with_seed(seed)));
        Self { inner, desk }
    }

    /// Leaves requests of this name undone until they are let go.
    pub fn hold_requests(&self, name: &'static str) {
        self.desk.work.lock().held_requests.insert(name);
    }

    /// Keeps the answers to requests of this name until they are let go.
    pub fn hold_answers(&self, name: &'static str) {
        self.desk.work.lock().held_answers.insert(name);
    }

    /// How many requests of this name wait to be carried out, and how many to be answered.
    #[must_use]
    pub fn held(&self, name: &str) -> (usize, usize) {
        let work = self.desk.work.lock();
        let requests = work.effects.iter().filter(|(of, _)| *of == name).count();
        let answers = work.deliveries.iter().filter(|(of, _)| *of == name).count();
        (requests, answers)
    }

    /// Delivers the answer to the newest request of this name whose answer is held.
    pub fn let_newest_go(&self, name: &str) {
        let delivery = {
            let mut work = self.desk.work.lock();
            let newest = work.deliveries.iter().rposition(|(of, _)| *of == name);
            newest.map(|index| work.deliveries.remove(index).1)
        };
        if let Some(deliver) = delivery {
            deliver();
        }
    }

    /// Lets everything go that is held.
    pub fn let_go(&self) {
        let mut work = self.desk.work.lock();
        work.held_requests.clear();
        work.held_answers.clear();
        self.desk.more.notify_one();
    }

    fn pass<T: Send + 'static>(
        &self,
        name: &'static str,
        ask: impl FnOnce(&dyn Store) -> Reply<T> + Send + 'static,
    ) -> Reply<T> {
        let (inner, answer) = (Arc::clone(&self.inner), Answer::default());
        let sender = answer.clone();
        let effect: Effect = Box::new(move || {
            let reply = ask(&*inner);
            let Reply::Later(_) = reply else {
                let result = reply.wait();
                return Box::new(move || sender.give(result));
            };
            // It may be there only once others have changed something: nobody waits for that here.
            Box::new(move || drop(std::thread::spawn(move || sender.give(reply.wait()))))
        });
        self.desk.work.lock().effects.push((name, effect));
        self.desk.more.notify_one();
        Reply::later(answer.wait())
    }
}

/// An answer, once it is there.
type Slot<T> = Mutex<Option<Result<T>>>;

/// Where an answer will be.
struct Answer<T>(Arc<(Slot<T>, Signal<()>)>);

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(None), Signal::default())))
    }
}

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Answer<T> {
    fn give(self, result: Result<T>) {
        *self.0.0.lock() = Some(result);
        self.0.1.set(());
    }

    async fn wait(self) -> Result<T> {
        self.0.1.wait_async().await;
        let result = self.0.0.lock().take();
        result.unwrap_or_else(|| Err(bursar_core::Error::closed()))
    }
}

impl Desk {
    fn run(&self, mut random: Rng) {
        while let Some(step) = self.next(&mut random) {
            match step {
                Step::Deliver(deliver) => deliver(),
                Step::Carry(name, carry_out) => {
                    let delivery = carry_out();
                    self.work.lock().deliveries.push((name, delivery));
                }
            }
            // Others may get ahead meanwhile, or not.
            if random.bool() {
                std::thread::yield_now();
            }
        }
    }

    fn next(&self, random: &mut Rng) -> Option<Step> {
        let mut work = self.work.lock();
        loop {
            if let Some(step) = work.any_step(random) {
                return Some(step);
            }
            if work.closed {
                return None;
            }
            self.more.wait(&mut work);
        }
    }
}

impl Work {
    fn any_step(&mut self, random: &mut Rng) -> Option<Step> {
        let free = |held: &HashSet<_>, names: Vec<&'static str>| {
            let free = names.into_iter().enumerate();
            let free = free.filter(|(_, name)| !held.contains(name));
            free.map(|(index, _)| index).collect::<Vec<_>>()
        };
        let effects = self.effects.iter().map(|(name, _)| *name).collect();
        let deliveries = self.deliveries.iter().map(|(name, _)| *name).collect();
        let effect = random.choice(free(&self.held_requests, effects));
        let delivery = random.choice(free(&self.held_answers, deliveries));
        match (effect, delivery) {
            (Some(index), other) if other.is_none() || random.bool() => {
                let (name, effect) = self.effects.swap_remove(index);
                Some(Step::Carry(name, effect))
            }
            (_, delivery) => {
                let (_, delivery) = self.deliveries.swap_remove(delivery?);
                Some(Step::Deliver(delivery))
            }
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Drop for LateStore {
    fn drop(&mut self) {
        self.desk.work.lock().closed = true;
        self.desk.more.notify_one();
    }
}

impl Store for LateStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    every_request!(pass);
}
