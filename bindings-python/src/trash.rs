//! Python objects to let go of. The engine drops payloads on any thread, but dropping a Python
//! object may run the user's code and needs the interpreter: so it happens where a call of ours has
//! the interpreter anyway and no lock is held.

use crossbeam_queue::SegQueue;
use pyo3::prelude::*;

/// A few objects of one payload.
pub(crate) type Trash = [Option<Py<PyAny>>; 4];

static TRASH: SegQueue<Trash> = SegQueue::new();

/// Keeps the objects until the next [`empty`].
pub(crate) fn put(objects: Trash) {
    TRASH.push(objects);
}

/// Lets go of what was put here. What runs then may put more here: that goes too.
pub(crate) fn empty(_: Python<'_>) {
    while let Some(objects) = TRASH.pop() {
        drop(objects);
    }
}
