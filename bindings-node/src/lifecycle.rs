//! Waiting for an engine to be empty, and closing it.

use std::sync::Arc;

use bursar::core::Signal;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use crate::checks::read_grace;
use crate::engine::NativeEngine;
use crate::error::Result;

#[napi]
impl NativeEngine {
    /// Makes `waiter` ready once no job is left.
    #[napi(catch_unwind)]
    pub fn drained(&self, waiter: u32) {
        self.when(&self.engine.drained(), waiter);
    }

    /// Begins to shut down, and makes `waiter` ready once that is done.
    #[napi(catch_unwind)]
    pub fn shutdown(&self, grace: Unknown<'_>, waiter: u32) -> Result<()> {
        let done = self.engine.shutdown(read_grace(grace)?);
        self.when(&done, waiter);
        Ok(())
    }

    fn when(&self, signal: &Signal<()>, waiter: u32) {
        let mailbox = Arc::clone(&self.mailbox);
        signal.on_set(move || mailbox.waiter_ready(waiter));
    }
}
