//! Where the children of a pool come from: those with different sandboxes come from different nurseries, since
//! what was given up can't be had back.

use std::sync::Arc;

use super::nursery::Nursery;
use crate::error::Result;
use crate::sandbox::Sandbox;

/// How many kinds of children have a nursery at once. A nursery may be a process of its own.
const MOST: usize = 4;

/// The nurseries of a pool, the last one used at the end.
#[derive(Debug, Default)]
pub(super) struct Nurseries {
    rooms: Vec<Room>,
}

/// The nursery of one kind of children.
#[derive(Debug)]
struct Room {
    sandbox: Sandbox,
    open: Option<Arc<dyn Nursery>>,
    /// Whether the last one ended before it could do anything.
    failed: bool,
}

impl Nurseries {
    /// The nursery for `sandbox`; a new one is made by `open`, which is told whether the one before failed.
    /// Together with it: the sandbox whose nursery makes room for it, where one does.
    ///
    /// # Errors
    /// Those of `open`.
    pub(super) fn of<E>(
        &mut self,
        sandbox: &Sandbox,
        open: impl FnOnce(bool) -> Result<Arc<dyn Nursery>, E>,
    ) -> Result<(Arc<dyn Nursery>, Option<Retired>), E> {
        let known = self.rooms.iter().position(|room| room.sandbox == *sandbox);
        let mut room = match known {
            Some(at) => self.rooms.remove(at),
            None => Room {
                sandbox: sandbox.clone(),
                open: None,
                failed: false,
            },
        };
        let opened = match &room.open {
            Some(nursery) => Ok(Arc::clone(nursery)),
            None => open(room.failed),
        };
        room.open = opened.as_ref().ok().map(Arc::clone);
        self.rooms.push(room);
        let retired = (self.rooms.len() > MOST).then(|| self.rooms.remove(0));
        let retired = retired.map(|room| Retired {
            sandbox: room.sandbox,
            _nursery: room.open,
        });
        opened.map(|nursery| (nursery, retired))
    }

    /// Whether children come from this nursery still.
    pub(super) fn has(&self, nursery: &Arc<dyn Nursery>) -> bool {
        self.open().any(|open| Arc::ptr_eq(open, nursery))
    }

    /// No child comes from this nursery any more; `up` says whether one could have. It is given back, to be
    /// let go.
    pub(super) fn close(
        &mut self,
        nursery: &Arc<dyn Nursery>,
        up: bool,
    ) -> Option<Arc<dyn Nursery>> {
        let mut rooms = self.rooms.iter_mut();
        let is_it = |room: &&mut Room| {
            let open = room.open.as_ref();
            open.is_some_and(|open| Arc::ptr_eq(open, nursery))
        };
        let room = rooms.find(is_it)?;
        room.failed = !up;
        room.open.take()
    }

    /// Takes all out.
    pub(super) fn close_all(&mut self) -> Vec<Arc<dyn Nursery>> {
        let rooms = std::mem::take(&mut self.rooms);
        rooms.into_iter().filter_map(|room| room.open).collect()
    }

    fn open(&self) -> impl Iterator<Item = &Arc<dyn Nursery>> {
        self.rooms.iter().filter_map(|room| room.open.as_ref())
    }
}

/// A nursery that made room for another, to be let go; it goes with its last child.
#[derive(Debug)]
pub(super) struct Retired {
    /// What its children are kept to.
    pub(super) sandbox: Sandbox,
    _nursery: Option<Arc<dyn Nursery>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::process::template::{Birth, Holding};
    use std::io;
    use std::os::fd::OwnedFd;

    #[derive(Debug)]
    struct Empty;

    impl Nursery for Empty {
        fn raise(&self, _: u64, _: OwnedFd) -> io::Result<()> {
            Ok(())
        }

        fn holding(&self) -> Holding {
            Birth::Direct { held_down: false }.holding()
        }

        fn kill(&self, _: u64) {}
    }

    fn of(nurseries: &mut Nurseries, sandbox: &Sandbox) -> (Arc<dyn Nursery>, Option<Retired>) {
        let open = |_| Ok::<Arc<dyn Nursery>, io::Error>(Arc::new(Empty));
        nurseries.of(sandbox, open).unwrap()
    }

    #[test]
    fn each_sandbox_has_a_nursery_and_the_one_used_longest_ago_makes_room() {
        let mut nurseries = Nurseries::default();
        let (off, _) = of(&mut nurseries, &Sandbox::OFF);
        let numbers = 0..MOST - 1;
        let writing = |number: usize| Sandbox::required().write(format!("/{number}"));
        for number in numbers.clone() {
            assert!(of(&mut nurseries, &writing(number)).1.is_none());
        }
        let (again, retired) = of(&mut nurseries, &Sandbox::OFF);
        assert!(Arc::ptr_eq(&off, &again) && retired.is_none());
        let (_, retired) = of(&mut nurseries, &writing(MOST));
        assert_eq!(retired.unwrap().sandbox, writing(0));
        assert!(nurseries.has(&off));
        assert_eq!(nurseries.close_all().len(), MOST);
    }

    #[test]
    fn the_next_one_is_told_that_the_one_before_failed() {
        let mut nurseries = Nurseries::default();
        let (failed, _) = of(&mut nurseries, &Sandbox::OFF);
        assert!(nurseries.close(&failed, false).is_some());
        assert!(!nurseries.has(&failed));
        assert!(nurseries.close(&failed, false).is_none());
        let open = |plainly: bool| -> io::Result<Arc<dyn Nursery>> {
            assert!(plainly);
            Err(io::ErrorKind::Other.into())
        };
        assert!(nurseries.of(&Sandbox::OFF, open).is_err());
        of(&mut nurseries, &Sandbox::required());
    }
}
