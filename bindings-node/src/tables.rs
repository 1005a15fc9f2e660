//! What the loop's half knows by number.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasherDefault, Hasher};
use std::pin::Pin;
use std::sync::Arc;

use bursar::core::{Attempt, Ended, Event, Events, Payload, Plan, SlotPause, Ticket};

use crate::error::{Result, internal};

/// Things with numbers, reused once they are free.
pub(crate) struct Table<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Table<T> {
    /// Keeps `value` under a number of the table's choice.
    pub(crate) fn add(&mut self, value: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.slots[number as usize] = Some(value);
            return number;
        }
        self.slots.push(Some(value));
        (self.slots.len() - 1) as u32
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.slots.get(number as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.slots.get_mut(number as usize)?.as_mut()
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        let value = self.slots.get_mut(number as usize)?.take();
        if value.is_some() {
            self.free.push(number);
        }
        value
    }
}

/// Things under the numbers that JavaScript gives them.
pub(crate) struct Numbered<T>(Vec<Option<T>>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Numbered<T> {
    pub(crate) fn put(&mut self, number: u32, value: T) {
        let index = number as usize;
        if index >= self.0.len() {
            self.0.resize_with(index + 1, || None);
        }
        self.0[index] = Some(value);
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.0.get(number as usize)?.as_ref()
    }

    pub(crate) fn take(&mut self, number: u32) -> Option<T> {
        self.0.get_mut(number as usize)?.take()
    }
}

/// The wait of a listener for its next event, which owns the listener meanwhile.
pub(crate) type Listening = Pin<Box<dyn Future<Output = (Events, Option<Event>)> + Send>>;

/// An attempt that JavaScript runs, or is about to.
pub(crate) struct Running {
    pub(crate) attempt: Arc<Attempt>,
    /// The arguments, until JavaScript has read them, where they are encoded.
    pub(crate) args: Option<Payload>,
    /// Its slot, given back while it waits for another job.
    pub(crate) pause: Option<SlotPause>,
}

/// Keys of attempts count upwards: they spread by themselves, but for the top bits, which the map
/// looks at first.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key | (key << 57);
    }
}

/// All of it. Only the loop's thread comes here.
#[derive(Default)]
pub(crate) struct Tables {
    /// Settled tasks.
    pub(crate) plans: Table<Arc<Plan>>,
    /// Jobs that have not ended, as far as JavaScript knows.
    pub(crate) jobs: Numbered<Arc<Ticket>>,
    pub(crate) running: Table<Running>,
    /// The numbers of the running attempts, by their keys.
    pub(crate) keys: HashMap<u64, u32, BuildHasherDefault<KeyHasher>>,
    /// Ends that are more than a number, until the next exchange.
    pub(crate) ends: Vec<(Arc<Attempt>, Ended)>,
    pub(crate) listeners: Table<Option<Listening>>,
    /// Numbers just taken out of the mailbox; empty but for its room in between.
    pub(crate) taken: Vec<u32>,
}

impl Tables {
    /// The running attempt `number`.
    pub(crate) fn attempt(&self, number: u32) -> Result<&Arc<Attempt>> {
        let running = self.running.get(number);
        running
            .map(|running| &running.attempt)
            .ok_or_else(|| internal("no such attempt"))
    }

    /// Takes out an attempt that has ended. A slot that it had given back is taken again.
    pub(crate) fn end(&mut self, number: u32) -> Option<Running> {
        let running = self.running.remove(number)?;
        self.keys.remove(&running.attempt.key());
        Some(running)
    }
}
