//! Where things are left for whoever next takes a lock.

/// Things on their way, and the list that the next ones are put on: two, taken in turn, so that
/// neither is ever allocated anew.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    arriving: Vec<T>,
    emptied: Vec<T>,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self {
            arriving: Vec::new(),
            emptied: Vec::new(),
        }
    }
}

impl<T> Inbox<T> {
    /// Leaves one thing.
    pub(crate) fn push(&mut self, thing: T) {
        self.arriving.push(thing);
    }

    /// How many things are there.
    pub(crate) fn len(&self) -> usize {
        self.arriving.len()
    }

    /// Everything that is there.
    pub(crate) fn empty(&mut self) -> Vec<T> {
        if self.arriving.is_empty() {
            return Vec::new();
        }
        let fresh = std::mem::take(&mut self.emptied);
        std::mem::replace(&mut self.arriving, fresh)
    }

    /// Takes the list back that was given by [`empty`](Self::empty), once it is empty.
    pub(crate) fn give_back(&mut self, list: Vec<T>) {
        self.emptied = list;
    }
}
