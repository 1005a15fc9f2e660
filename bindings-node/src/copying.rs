//! Copying a store while it is in use.

use std::path::Path;
use std::sync::Arc;

use napi_derive::napi;

use crate::engine::NativeEngine;
use crate::error::{Result, fault};

#[napi]
impl NativeEngine {
    /// Copies the store to a new file, and makes `waiter` ready once that is done, well or not.
    #[napi(catch_unwind)]
    pub fn backup(&self, path: String, waiter: u32) {
        let reply = self.engine.backup(Path::new(&path));
        let (mailbox, faults) = (Arc::clone(&self.mailbox), Arc::clone(&self.faults));
        self.engine.on_reply(reply, move |copied| {
            if let Err(error) = copied {
                faults.lock().insert(waiter, error);
            }
            mailbox.waiter_ready(waiter);
        });
    }

    /// What went wrong with what `waiter` was waiting for.
    #[napi(catch_unwind)]
    pub fn take_fault(&self, waiter: u32) -> Result<()> {
        let found = self.faults.lock().remove(&waiter);
        found.map_or(Ok(()), |error| Err(fault(error)))
    }
}
