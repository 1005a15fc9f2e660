//! What the main loop does for its pool: it starts workers and ends them, and says how they ended.

use bursar::core::Payload;
use napi_derive::napi;

use crate::attempt::{Thrown, ended_of};
use crate::engine::NativeEngine;
use crate::error::Result;
use crate::worker::{Post, announce, withdraw};

#[napi]
impl NativeEngine {
    /// A worker that was ordered is about to be started: the key that its thread is to show.
    #[napi(catch_unwind)]
    pub fn announce_worker(&self, worker: u32) -> u32 {
        announce(Post {
            pool: self.pool.clone(),
            engine: self.engine.clone(),
            worker,
        })
    }

    /// The thread of a worker has ended: like that, where it was not ordered to. `true` where a job is
    /// told of it.
    #[napi(catch_unwind)]
    pub fn worker_ended(&self, worker: u32, key: u32, how: Thrown) -> Result<bool> {
        withdraw(key);
        let ended = ended_of(how, Payload::Null)?;
        let bell = &self.mailbox.bell;
        Ok(bell.attend(|| self.pool.ended(worker, ended)))
    }

    /// Whether a worker was ordered to end.
    #[napi(catch_unwind)]
    pub fn is_dismissed(&self, worker: u32) -> bool {
        self.pool.is_condemned(worker)
    }

    /// Looks again whether jobs still wait for workers.
    #[napi(catch_unwind)]
    pub fn staff(&self) {
        let bell = &self.mailbox.bell;
        bell.attend(|| self.pool.staff(true));
    }

    /// Dismisses workers that have had nothing to do for long; `true` where there are others.
    #[napi(catch_unwind)]
    pub fn thin(&self) -> bool {
        let bell = &self.mailbox.bell;
        bell.attend(|| self.pool.thin())
    }
}
