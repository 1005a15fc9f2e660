//! The parts of an engine and how they hang together.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use fastrand::Rng;
use parking_lot::{Mutex, RwLock};

use crate::clock::{Clock, Tick, Timestamp};
use crate::engine::attempt::Attempt;
use crate::engine::desk::Desk;
use crate::engine::dispatch::Dispatch;
use crate::engine::driver::Driver;
use crate::engine::plan::Plan;
use crate::engine::pool::Pool;
use crate::engine::shutdown::Phase;
use crate::engine::ticket::Ticket;
use crate::engine::unanswered::Unanswered;
use crate::engine::upkeep::Upkeep;
use crate::error::{Error, Result};
use crate::event::EventBus;
use crate::executor::Executor;
use crate::id::JobId;
use crate::job::ExecutorKind;
use crate::limits::Gauge;
use crate::options::{Defaults, EngineOptions};
use crate::spill::SpillFolder;
use crate::store::{Backup, Reply, Store};

/// What all handles of one engine share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) this: Weak<Inner>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: EngineOptions,
    pub(crate) defaults: Defaults,
    pub(crate) pool: Pool,
    pub(crate) worker: Arc<str>,
    pub(crate) tasks: RwLock<HashMap<Arc<str>, Arc<Plan>>>,
    pub(crate) executors: Vec<(ExecutorKind, Arc<dyn Executor>)>,
    pub(super) dispatch: Desk,
    pub(crate) driver: Driver,
    pub(crate) events: EventBus,
    pub(crate) gauge: Box<dyn Gauge>,
    pub(super) phase: Phase,
    pub(super) unanswered: Unanswered,
    pub(super) promotion: Upkeep,
    pub(super) pruning: Upkeep,
    /// The ticket of attempts that are blank.
    pub(super) nobody: Arc<Ticket>,
    pub(super) backup: Option<Arc<dyn Backup>>,
    /// Where the store keeps large output.
    pub(super) spill: Option<SpillFolder>,
    /// Whether others can change what is in the store, so that it is followed.
    pub(super) follows: bool,
    random: Mutex<Rng>,
}

/// What [`Inner::new`] is made of.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: EngineOptions,
    pub(super) executors: Vec<(ExecutorKind, Arc<dyn Executor>)>,
    pub(super) gauge: Box<dyn Gauge>,
    pub(super) pool: Pool,
    pub(super) dispatch: Dispatch,
    pub(super) driver: Driver,
    pub(super) backup: Option<Arc<dyn Backup>>,
}

impl Inner {
    pub(super) fn new(parts: Parts) -> Arc<Self> {
        let options = parts.options;
        let memory = options.memory.map_or(0, |_| options.default_memory);
        let capabilities = parts.store.capabilities();
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            follows: capabilities.durable,
            spill: capabilities.spill.clone(),
            store: parts.store,
            clock: parts.clock,
            defaults: Defaults {
                memory,
                timeout: options.default_timeout,
                sandbox: options.default_sandbox.clone(),
            },
            pool: parts.pool,
            worker: options
                .name
                .clone()
                .unwrap_or_else(|| Arc::from(format!("{}", std::process::id()))),
            tasks: RwLock::default(),
            executors: parts.executors,
            dispatch: Desk::new(parts.dispatch),
            driver: parts.driver,
            events: EventBus::default(),
            gauge: parts.gauge,
            phase: Phase::default(),
            unanswered: Unanswered::default(),
            promotion: Upkeep::default(),
            pruning: Upkeep::default(),
            nobody: Arc::new(Ticket::of_another(
                JobId::new(Timestamp::default(), 0, 0),
                0,
            )),
            backup: parts.backup,
            random: Mutex::new(options.seed.map_or_else(Rng::new, Rng::with_seed)),
            options,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn tick(&self) -> Tick {
        self.clock.tick()
    }

    /// A random number in [0, 1).
    pub(super) fn luck(&self) -> f64 {
        self.random.lock().f64()
    }

    /// What runs attempts of `kind`.
    ///
    /// # Errors
    /// `Invalid` where this engine has no such executor.
    pub(crate) fn executor(&self, kind: ExecutorKind) -> Result<&Arc<dyn Executor>> {
        let found = self.executors.iter().find(|(of, _)| *of == kind);
        found.map(|(_, executor)| executor).ok_or_else(|| {
            let names: Vec<&str> = self
                .executors
                .iter()
                .map(|(kind, _)| kind.as_str())
                .collect();
            Error::invalid(format!(
                "executor {:?} is not available here: use {}",
                kind.as_str(),
                names.join(" or ")
            ))
        })
    }

    /// # Errors
    /// `Closed` once the engine has begun to shut down.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.phase.is_open() {
            Ok(())
        } else {
            Err(Error::closed())
        }
    }

    /// How many jobs of this engine have not ended.
    pub(crate) fn unfinished(&self) -> usize {
        let dispatch = self.dispatch.lock();
        dispatch.tickets.len() + dispatch.strangers.own()
    }

    /// Carries on with a store's answer: here and now where it is known, on the driver's runtime
    /// where it comes later.
    pub(crate) fn with_reply<T: Send + 'static>(
        &self,
        reply: Reply<T>,
        next: impl FnOnce(&Self, Result<T>) + Send + 'static,
    ) {
        match reply {
            Reply::Now(_) => next(self, reply.wait()),
            Reply::Later(later) => {
                let Some(inner) = self.this.upgrade() else {
                    return;
                };
                self.driver.carry(later, move |answer| next(&inner, answer));
            }
        }
    }

    /// Carries on with a store's answer to its end, whether or not somebody waits for what comes of
    /// it: what the store has done must not be left half-done here.
    pub(super) fn carry_on<T: Send + 'static, U: Send + 'static>(
        &self,
        reply: Reply<T>,
        next: impl FnOnce(&Self, Result<T>) -> Reply<U> + Send + 'static,
    ) -> Reply<U> {
        let later = match reply {
            Reply::Now(_) => return next(self, reply.wait()),
            Reply::Later(later) => later,
        };
        let Some(inner) = self.this.upgrade() else {
            return Reply::now(Err(Error::closed()));
        };
        let (promise, promised) = Reply::promised(Error::closed);
        self.driver.carry(later, move |answer| {
            // Nobody may wait for it any more.
            match next(&inner, answer) {
                answer @ Reply::Now(_) => promise.give(answer.wait()),
                Reply::Later(later) => {
                    let driver = &inner.driver;
                    driver.carry(later, |answer| promise.give(answer));
                }
            }
        });
        promised
    }

    /// The newest attempt of the job `sequence` that runs, given up on or not.
    pub(super) fn newest_attempt(&self, sequence: u64) -> Option<Arc<Attempt>> {
        self.dispatch.lock().newest_attempt(sequence).cloned()
    }
}

impl Drop for Inner {
    /// Whoever still waits for a job is told.
    fn drop(&mut self) {
        self.settle_all("the engine was dropped before the job had ended");
        let running = std::mem::take(&mut self.dispatch.lock().running);
        drop(running);
        self.look_around();
        self.driver.close();
        for (_, executor) in &self.executors {
            executor.close();
        }
    }
}
