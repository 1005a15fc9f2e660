//! The native half of one engine.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bursar::core::{
    Engine, EngineOptions, Error, ExecutorKind, HostLane, ManualClock, OptionValue, Style,
};
use napi::bindgen_prelude::{Function, Unknown};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::asking::Answer;
use crate::bell::Bell;
use crate::error::{Code, Result, fault};
use crate::mailbox::Mailbox;
use crate::option::option_value;
use crate::pool::Pool;
use crate::processes::Processes;
use crate::seats;
use crate::submit::Stored;
use crate::tables::Tables;

/// Options as pairs of a name and a value.
pub(crate) type Pairs<'a> = Vec<(String, Unknown<'a>)>;

/// One engine and what its loop's half needs. Only the loop's thread comes here.
pub struct Seat {
    pub(crate) engine: Engine,
    pub(crate) lane: HostLane,
    pub(crate) pool: Pool,
    processes: Option<Processes>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) tables: RefCell<Tables>,
    /// What went wrong with what a waiter was waiting for.
    pub(crate) faults: Arc<Mutex<HashMap<u32, Error>>>,
    /// What became of calls that are stored before JavaScript knows them, by their waiters.
    pub(crate) stored: Arc<Mutex<HashMap<u32, Stored>>>,
    /// What questions were answered with, by their waiters.
    pub(crate) answers: Arc<Mutex<HashMap<u32, Answer>>>,
    clock: Option<Arc<ManualClock>>,
}

/// One engine, as JavaScript holds it.
#[napi]
pub struct NativeEngine {
    seat: Rc<Seat>,
    number: u32,
}

impl Deref for NativeEngine {
    type Target = Seat;

    fn deref(&self) -> &Seat {
        &self.seat
    }
}

impl Drop for NativeEngine {
    fn drop(&mut self) {
        seats::leave(self.number);
    }
}

#[napi]
impl NativeEngine {
    /// Opens an engine. `wake` is called on the loop, soon after something has come that
    /// `exchange` gives out; it must not throw. With `manual`, time stands still
    /// until [`advance`](Self::advance) moves it.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        url: Option<String>,
        options: Pairs<'_>,
        wake: Function<'_, (), ()>,
        manual: bool,
    ) -> Result<Self> {
        let options = engine_options(options)?;
        let mailbox = Arc::new(Mailbox::new(Bell::new(&wake)?));
        let lane = HostLane::new();
        let most = options.slots(ExecutorKind::Thread);
        let pool = Pool::new(most, Arc::clone(&mailbox));
        let builder = bursar::open_engine(url.as_deref(), options.clone()).map_err(fault)?;
        let processes = Processes::of(&builder, &options);
        let mut builder = builder
            .executor(ExecutorKind::Async, Arc::new(lane.clone()))
            .executor(ExecutorKind::Thread, Arc::new(pool.clone()));
        if let Some(processes) = &processes {
            builder = builder.executor(ExecutorKind::Process, processes.executor());
        }
        let clock = manual.then(|| Arc::new(ManualClock::default()));
        if let Some(clock) = &clock {
            builder = builder.clock(Arc::clone(clock) as _);
        }
        let ringing = Arc::clone(&mailbox);
        lane.set_waker(move || ringing.bell.ring());
        let engine = builder.start().map_err(fault)?;
        let seat = Rc::new(Seat {
            engine,
            lane,
            pool,
            processes,
            mailbox,
            tables: RefCell::default(),
            faults: Arc::default(),
            stored: Arc::default(),
            answers: Arc::default(),
            clock,
        });
        let number = seats::take(&seat);
        Ok(Self { seat, number })
    }

    /// The number by which `exchange` knows it, on this thread.
    #[napi(getter, catch_unwind)]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether arguments and results are passed on as they are, without being encoded.
    #[napi(getter, catch_unwind)]
    pub fn live(&self) -> bool {
        self.engine.capabilities().live_payloads && !self.engine.options().strict
    }

    /// Whether jobs outlive the process.
    #[napi(getter, catch_unwind)]
    pub fn durable(&self) -> bool {
        self.engine.capabilities().durable
    }

    /// Whether this engine runs jobs, or only submits them.
    #[napi(getter, catch_unwind)]
    pub fn runs(&self) -> bool {
        self.engine.options().run
    }

    /// Sets what processes that run jobs are started with: the program and its arguments, and names and
    /// values of all variables.
    #[napi(catch_unwind)]
    pub fn prepare_processes(&self, args: Vec<String>, env: Vec<(String, String)>) {
        if let Some(processes) = &self.processes {
            processes.prepare(args, env);
        }
    }

    /// Moves a manual clock.
    #[napi(catch_unwind)]
    pub fn advance(&self, seconds: f64) {
        if let Some(clock) = &self.clock {
            clock.advance(Duration::from_secs_f64(seconds));
        }
    }

    /// Lets go of the loop, once the engine is closed.
    #[napi(catch_unwind)]
    pub fn release(&self) {
        self.mailbox.bell.remove();
    }
}

fn engine_options(pairs: Pairs<'_>) -> Result<EngineOptions> {
    let mut options = EngineOptions::default();
    for (name, value) in read(pairs)? {
        options.set(&name, &value, Style::Camel).map_err(fault)?;
    }
    Ok(options)
}

/// The pairs with their values turned into what the core checks.
pub(crate) fn read(pairs: Pairs<'_>) -> Result<Vec<(String, OptionValue)>> {
    let value = |(name, value)| option_value(value).map(|value| (name, value));
    let read: napi::Result<Vec<_>> = pairs.into_iter().map(value).collect();
    read.map_err(|error| napi::Error::new(Code::from(error.status), error.reason.clone()))
}
