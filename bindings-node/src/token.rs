//! Live objects stay in JavaScript. What the engine holds of one is its number.

use std::sync::Arc;

use bursar::core::Payload;

use crate::mailbox::Mailbox;

/// The number of a live object. When the last copy is dropped, on whatever thread, JavaScript is
/// told to let the object go.
pub(crate) struct Token {
    number: i32,
    /// Where that is told; nowhere for a negative number, which is a value by itself.
    mailbox: Option<Arc<Mailbox>>,
}

impl Token {
    /// A payload that stands for the object `number`.
    pub(crate) fn payload(number: i32, mailbox: &Arc<Mailbox>) -> Payload {
        let mailbox = (number >= 0).then(|| Arc::clone(mailbox));
        Payload::Live(Arc::new(Self { number, mailbox }))
    }

    /// The number of the object that `payload` stands for.
    pub(crate) fn number_of(payload: &Payload) -> Option<i32> {
        payload.live_ref::<Self>().map(|token| token.number)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.object_released(self.number.unsigned_abs());
        }
    }
}
