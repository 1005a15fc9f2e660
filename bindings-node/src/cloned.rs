//! Values that cross between threads: JavaScript has made bytes of a copy, and makes a value of
//! them where they arrive. Nothing here looks inside.

use std::sync::Arc;

use bursar::core::Payload;

/// A value as bytes that any thread may hold.
pub(crate) struct Cloned(Box<[u8]>);

impl Cloned {
    /// A payload that is these bytes.
    pub(crate) fn payload(bytes: &[u8]) -> Payload {
        Payload::Live(Arc::new(Self(bytes.into())))
    }

    /// The bytes that `payload` is, if it is that.
    pub(crate) fn bytes_of(payload: &Payload) -> Option<&[u8]> {
        payload.live_ref::<Self>().map(|cloned| &*cloned.0)
    }
}
