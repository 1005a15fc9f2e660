//! Model checks: each runs in every order that the locks and atomics allow (`make loom`), and a
//! thread that nobody wakes is a deadlock, which fails it. Above each stands which bugs, planted
//! by hand, it was seen to find.
#![cfg(loom)]

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bursar_core::model::{self, Crew, Ready};
use bursar_core::{
    Assignment, Engine, EngineBuilder, EngineOptions, Executor, ExecutorKind, Gauge, Handler,
    HostEvent, HostLane, ManualClock, MemoryOptions, MemoryStore, Payload, Plan, Signal,
    Submission, Task, TaskOptions, Usage,
};
use loom::sync::{Condvar, Mutex};
use loom::thread;

/// Far more than a model waits: here no time passes.
const LONG: Duration = Duration::from_secs(3_600);

/// Checks every order in which threads are interrupted at most thrice: for models of three
/// threads, of which all orders would take hours.
fn check_interrupted_thrice(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A waker that rings: once for any number of rings until someone has waited.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.ringing.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !std::mem::take(&mut *rung) {
            rung = self.ringing.wait(rung).unwrap();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

/// Awaits `future`, woken by nothing but its waker.
fn block_on<F: Future>(future: F) -> F::Output {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => bell.wait(),
        }
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>, bell: &Arc<Bell>) -> bool {
    let waker = Waker::from(Arc::clone(bell));
    future.poll(&mut Context::from_waker(&waker)).is_ready()
}

/// A callback that counts its calls.
fn count_on(signal: &Signal<u32>) -> Arc<Count> {
    let calls = Arc::new(Count::new(0));
    let called = Arc::clone(&calls);
    signal.on_set(move || {
        called.fetch_add(1, SeqCst);
    });
    calls
}

fn set_by_another(signal: &Arc<Signal<u32>>, value: u32) -> thread::JoinHandle<bool> {
    let signal = Arc::clone(signal);
    thread::spawn(move || signal.set(value))
}

// Planted: callbacks that came too late are dropped; waiters are taken in one lock, the value set in the next.
#[test]
fn a_callback_is_called_once_whenever_it_comes() {
    loom::model(|| {
        let signal = Arc::new(Signal::default());
        let setter = set_by_another(&signal, 1);
        let calls = count_on(&signal);
        assert!(setter.join().unwrap());
        assert_eq!(calls.load(SeqCst), 1);
    });
}

// Planted: waiters are taken in one lock, the value set in the next.
#[test]
fn one_of_two_setters_wins_and_tells_once() {
    loom::model(|| {
        let signal = Arc::new(Signal::default());
        let calls = count_on(&signal);
        let setter = set_by_another(&signal, 1);
        let mine = signal.set(2);
        let value = signal.get();
        let theirs = setter.join().unwrap();
        assert!(mine != theirs);
        assert_eq!(value, Some(if mine { 2 } else { 1 }));
        assert_eq!(signal.get(), value);
        assert_eq!(calls.load(SeqCst), 1);
    });
}

// Planted: no second look after registering; waiters are taken in one lock, the value set in the next.
#[test]
fn a_future_of_a_signal_is_woken() {
    loom::model(|| {
        let signal = Arc::new(Signal::default());
        let setter = set_by_another(&signal, 1);
        assert_eq!(block_on(signal.wait_async()), 1);
        setter.join().unwrap();
    });
}

// Planted: waiters are taken in one lock, the value set in the next.
#[test]
fn a_thread_that_waits_for_a_signal_is_woken() {
    loom::model(|| {
        let signal = Arc::new(Signal::default());
        let setter = set_by_another(&signal, 1);
        assert_eq!(signal.wait(None), Some(1));
        setter.join().unwrap();
    });
}

// Planted: no second look after registering.
#[test]
fn the_last_waker_that_polled_is_woken() {
    loom::model(|| {
        let signal = Arc::new(Signal::default());
        let mut waiting = pin!(signal.wait_async());
        let early = poll_once(waiting.as_mut(), &Arc::default());
        assert!(!early);
        let setter = set_by_another(&signal, 1);
        assert_eq!(block_on(waiting), 1);
        setter.join().unwrap();
    });
}

// Planted: the newest waiter is removed, whoever goes.
#[test]
fn whoever_goes_takes_nobody_else_along() {
    loom::model(|| {
        let signal = Arc::new(Signal::default());
        let mut waiting = Box::pin(signal.wait_async());
        let early = poll_once(waiting.as_mut(), &Arc::default());
        assert!(!early);
        let before = count_on(&signal);
        let setter = set_by_another(&signal, 1);
        drop(waiting);
        let after = count_on(&signal);
        setter.join().unwrap();
        assert_eq!((before.load(SeqCst), after.load(SeqCst)), (1, 1));
    });
}

fn assignment(key: u64) -> Assignment {
    model::assignment(key).unwrap()
}

/// A lane whose host is told by a bell.
fn lane_with_bell() -> (HostLane, Arc<Bell>) {
    let (lane, bell) = (HostLane::new(), Arc::new(Bell::default()));
    let rings = Arc::clone(&bell);
    lane.set_waker(move || rings.ring());
    (lane, bell)
}

fn start(lane: &HostLane, key: u64) {
    lane.start(assignment(key));
    lane.flush();
}

fn on_thread(lane: &HostLane, act: impl FnOnce(&HostLane) + 'static) -> thread::JoinHandle<()> {
    let lane = lane.clone();
    thread::spawn(move || act(&lane))
}

/// Polls until there is nothing, as often as the bell rings, until `wanted` events have come.
fn poll_when_told(lane: &HostLane, bell: &Bell, wanted: usize) {
    let mut seen = 0;
    while seen < wanted {
        bell.wait();
        seen += std::iter::from_fn(|| lane.take()).count();
    }
    assert_eq!(seen, wanted);
}

// Planted: no second look in `take`; `told` cleared after it.
#[test]
fn a_host_that_is_told_sees_all_that_was_started() {
    loom::model(|| {
        let (lane, bell) = lane_with_bell();
        let starter = on_thread(&lane, |lane| {
            start(lane, 1);
            start(lane, 2);
        });
        poll_when_told(&lane, &bell, 2);
        starter.join().unwrap();
    });
}

// Planted: no second look in `take`; `told` cleared after it.
#[test]
fn a_stop_is_seen_as_well() {
    check_interrupted_thrice(|| {
        let (lane, bell) = lane_with_bell();
        let starter = on_thread(&lane, |lane| start(lane, 1));
        let stopper = on_thread(&lane, |lane| lane.stop(&model::attempt(2).unwrap()));
        poll_when_told(&lane, &bell, 2);
        starter.join().unwrap();
        stopper.join().unwrap();
    });
}

// Planted: `rearm` looks before it clears `told`.
#[test]
fn a_host_that_goes_off_is_told_again() {
    loom::model(|| {
        let (lane, bell) = lane_with_bell();
        let starter = on_thread(&lane, |lane| {
            start(lane, 1);
            start(lane, 2);
        });
        let (mut seen, mut more) = (0, false);
        while seen < 2 {
            if !more {
                bell.wait();
            }
            seen += lane.take().iter().count();
            more = lane.rearm();
        }
        starter.join().unwrap();
    });
}

/// Sleeps until there is something, and takes it.
fn take_one(lane: &HostLane) {
    while !matches!(lane.take(), Some(HostEvent::Start(_))) {
        assert!(lane.wait(LONG));
    }
}

// Planted: `wait` sleeps without a look at the queues.
#[test]
fn no_thread_sleeps_while_there_is_work() {
    check_interrupted_thrice(|| {
        let lane = HostLane::new();
        let sleepers = [on_thread(&lane, take_one), on_thread(&lane, take_one)];
        lane.start(assignment(1));
        start(&lane, 2);
        for sleeper in sleepers {
            sleeper.join().unwrap();
        }
        assert!(lane.is_empty());
    });
}

// Planted: closing tells nobody.
#[test]
fn closing_wakes_who_sleeps() {
    loom::model(|| {
        let lane = HostLane::new();
        let sleeper = on_thread(&lane, |lane| while lane.wait(LONG) {});
        lane.close();
        sleeper.join().unwrap();
    });
}

/// A queue with its crew, as [`AsyncTasks`](bursar_core::AsyncTasks) has them.
struct Runners {
    ready: Mutex<VecDeque<u32>>,
    crew: Crew,
    done: Count,
}

impl Runners {
    fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            ready: Mutex::default(),
            crew: Crew::new(most),
            done: Count::new(0),
        })
    }

    /// Queues one; gives the runner that it called for.
    fn bring(self: &Arc<Self>) -> Option<thread::JoinHandle<()>> {
        self.ready.lock().unwrap().push_back(1);
        let ready = self.ready.lock().unwrap().len();
        self.crew.lacks(ready).then(|| {
            self.crew.join();
            let runners = Arc::clone(self);
            thread::spawn(move || runners.run())
        })
    }

    fn run(&self) {
        loop {
            while self.next().is_some() {
                self.done.fetch_add(1, SeqCst);
            }
            if self.crew.leave(|| self.ready.lock().unwrap().is_empty()) {
                return;
            }
        }
    }

    fn next(&self) -> Option<u32> {
        self.ready.lock().unwrap().pop_front()
    }
}

// Planted: a runner that leaves does not look again.
fn nothing_is_left_without_a_runner(most: usize) {
    check_interrupted_thrice(move || {
        let runners = Runners::new(most);
        let spawned = [runners.bring(), runners.bring()];
        for runner in spawned.into_iter().flatten() {
            runner.join().unwrap();
        }
        assert_eq!(runners.done.load(SeqCst), 2);
    });
}

#[test]
fn nothing_is_left_without_a_runner_where_there_is_one() {
    nothing_is_left_without_a_runner(1);
}

#[test]
fn nothing_is_left_without_a_runner_where_there_are_two() {
    nothing_is_left_without_a_runner(2);
}

/// A queue, and the place where work is left for the one who fills it.
struct Counter {
    left: Mutex<Vec<u32>>,
    ready: Ready,
}

impl Counter {
    fn fill(&self) {
        let left = std::mem::take(&mut *self.left.lock().unwrap());
        left.into_iter().for_each(|one| self.ready.push(one));
    }

    fn leave(&self, one: u32) {
        self.left.lock().unwrap().push(one);
        if self.ready.is_hungry() {
            self.fill();
        }
    }

    fn run(&self) -> usize {
        let taken = std::iter::from_fn(|| self.ready.pop());
        taken.filter(|(_, last)| *last).map(|_| self.fill()).count()
    }
}

// Planted: whoever takes the last one does not look for more; the queue never says again that it is hungry.
#[test]
fn what_is_left_for_a_queue_that_is_not_hungry_gets_into_it() {
    check_interrupted_thrice(|| {
        let counter = Arc::new(Counter {
            left: Mutex::default(),
            ready: Ready::new(),
        });
        counter.ready.push(0);
        let others = [1, 2].map(|one| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || counter.leave(one))
        });
        counter.run();
        others.into_iter().for_each(|other| other.join().unwrap());
        counter.run();
        assert!(
            counter.left.lock().unwrap().is_empty(),
            "it waits for nobody"
        );
    });
}

// Planted: a load and a store for the swap.
#[test]
fn one_of_those_who_close_an_attempt_records_its_end() {
    loom::model(|| {
        let attempt = model::attempt(1).unwrap();
        let closers = [1, 2].map(|_| {
            let attempt = Arc::clone(&attempt);
            thread::spawn(move || model::close(&attempt))
        });
        let mine = model::close(&attempt);
        let theirs = closers.map(|closer| closer.join().unwrap());
        let recorders = theirs.into_iter().chain([mine]).filter(|closed| *closed);
        assert_eq!(recorders.count(), 1);
        assert!(attempt.is_closed());
    });
}

/// Where nothing is measured, nothing presses.
#[derive(Debug)]
struct NoGauge;

impl Gauge for NoGauge {
    fn usage(&self) -> Option<Usage> {
        None
    }
}

/// An engine in memory whose one executor is `lane`, and the plan of its one task.
fn engine_on(lane: &HostLane) -> (Engine, Arc<Plan>) {
    timed_engine_on(lane, &Arc::new(ManualClock::default()))
}

fn timed_engine_on(lane: &HostLane, clock: &Arc<ManualClock>) -> (Engine, Arc<Plan>) {
    let kind = ExecutorKind::Thread;
    let store = Arc::new(MemoryStore::new(MemoryOptions::default()));
    let options = EngineOptions {
        cpu: Some(4_000),
        ..EngineOptions::default()
    };
    let builder = EngineBuilder::new(store, options)
        .clock(Arc::clone(clock) as _)
        .gauge(Box::new(NoGauge))
        .executor(kind, Arc::new(lane.clone()));
    let engine = model::engine(builder).unwrap();
    let task = Task::new("task", TaskOptions::default(), kind, Handler::Host(0)).unwrap();
    let plan = engine.register(task).unwrap();
    (engine, plan)
}

fn submit(engine: &Engine, plan: &Arc<Plan>) {
    let call = Submission::new(Arc::clone(plan), Payload::default());
    engine.submit([call]).wait().unwrap();
}

// Planted: whoever takes the last one asks for no more; a submit asks for no grant; the second job gets lost in
// the inbox.
#[test]
fn what_is_brought_to_an_executor_that_is_not_hungry_is_granted() {
    check_interrupted_thrice(|| {
        let (lane, bell) = lane_with_bell();
        let (engine, plan) = engine_on(&lane);
        submit(&engine, &plan);
        let submitter = {
            let (engine, plan) = (engine.clone(), Arc::clone(&plan));
            thread::spawn(move || submit(&engine, &plan))
        };
        poll_when_told(&lane, &bell, 2);
        submitter.join().unwrap();
    });
}

/// Far shorter than what a model lets pass.
const BRIEF: Duration = Duration::from_micros(1);

// Planted: a promotion looks for the job, and notes that it was not here, under two locks.
#[test]
fn a_job_whose_time_comes_while_it_is_submitted_is_granted() {
    loom::model(|| {
        let (lane, _) = lane_with_bell();
        let clock = Arc::new(ManualClock::default());
        let (engine, plan) = timed_engine_on(&lane, &clock);
        let time = {
            let (engine, clock) = (engine.clone(), Arc::clone(&clock));
            thread::spawn(move || {
                clock.advance(LONG);
                model::promote(&engine);
            })
        };
        let mut call = Submission::new(plan, Payload::default());
        call.delay = Some(BRIEF);
        engine.submit([call]).wait().unwrap();
        time.join().unwrap();
        // The alarm that its submit has set.
        clock.advance(LONG);
        model::promote(&engine);
        assert!(matches!(lane.take(), Some(HostEvent::Start(_))));
    });
}
