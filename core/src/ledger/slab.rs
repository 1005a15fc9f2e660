//! Slots with generations: O(1) keys that can't be mistaken for a later tenant's.

/// The key of one reservation. Copying it grants nothing: once released, every copy is
/// void, also after its slot has been given to someone else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permit {
    index: u32,
    generation: u32,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// A slab whose keys are [`Permit`]s.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    vacant: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
        }
    }

    /// Stores a value; `None` when all 2^32 slots are taken.
    pub(super) fn insert(&mut self, value: T) -> Option<Permit> {
        let index = match self.vacant.pop() {
            Some(index) => index,
            None => self.grow()?,
        };
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        Some(Permit {
            index,
            generation: slot.generation,
        })
    }

    fn grow(&mut self) -> Option<u32> {
        let index = u32::try_from(self.slots.len()).ok()?;
        self.slots.push(Slot {
            generation: 0,
            value: None,
        });
        Some(index)
    }

    pub(super) fn contains(&self, permit: Permit) -> bool {
        let slot = self.slots.get(permit.index as usize);
        slot.is_some_and(|slot| slot.generation == permit.generation && slot.value.is_some())
    }

    pub(super) fn get_mut(&mut self, permit: Permit) -> Option<&mut T> {
        let slot = self.slots.get_mut(permit.index as usize)?;
        if slot.generation != permit.generation {
            return None;
        }
        slot.value.as_mut()
    }

    /// Takes the value out and voids the key; `None` if it was void before.
    pub(super) fn remove(&mut self, permit: Permit) -> Option<T> {
        let slot = self.slots.get_mut(permit.index as usize)?;
        if slot.generation != permit.generation {
            return None;
        }
        let value = slot.value.take()?;
        // A slot that has used up its generations stays empty for good: an old key
        // must never come to mean a new tenant.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.vacant.push(permit.index);
        }
        Some(value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Permit, &T)> {
        (0u32..).zip(&self.slots).filter_map(|(index, slot)| {
            let generation = slot.generation;
            let value = slot.value.as_ref()?;
            Some((Permit { index, generation }, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_void_key_never_means_the_next_tenant() {
        let mut slab = Slab::new();
        let first = slab.insert('a').unwrap();
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b').unwrap();
        assert_eq!(first.index, second.index);
        assert_eq!((slab.remove(first), slab.get_mut(first)), (None, None));
        assert_eq!(slab.get_mut(second), Some(&mut 'b'));
    }

    #[test]
    fn a_slot_without_generations_left_is_retired() {
        let mut slab = Slab::new();
        let mut permit = slab.insert('a').unwrap();
        slab.slots[0].generation = u32::MAX;
        permit.generation = u32::MAX;
        assert_eq!(slab.remove(permit), Some('a'));
        let next = slab.insert('b').unwrap();
        assert_eq!(next.index, 1);
        assert_eq!(slab.remove(permit), None);
    }
}
