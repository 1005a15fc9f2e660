//! The engines of this thread by number. Node takes half a microsecond to find what is behind an
//! object's method; the calls of every turn go by number instead.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use crate::engine::Seat;
use crate::error::{Result, internal};
use crate::tables::Table;

thread_local! {
    static SEATS: RefCell<Table<Weak<Seat>>> = RefCell::default();
}

/// Gives an engine a number.
pub(crate) fn take(seat: &Rc<Seat>) -> u32 {
    SEATS.with_borrow_mut(|seats| seats.add(Rc::downgrade(seat)))
}

/// The number may be another's.
pub(crate) fn leave(number: u32) {
    // A thread that ends may have let go of all its numbers before.
    let gone = SEATS.try_with(|seats| seats.borrow_mut().remove(number));
    drop(gone);
}

/// The engine with this number.
pub(crate) fn find(number: u32) -> Result<Rc<Seat>> {
    let seat = SEATS.with_borrow(|seats| seats.get(number).and_then(Weak::upgrade));
    seat.ok_or_else(|| internal("no such engine"))
}
