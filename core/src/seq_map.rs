//! A map from sequence numbers to values. Numbers that are near each other share a page, so that
//! dense numbers cost little more than their values, and finding one costs a look at a small map.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Small enough for a page of the largest values to be an ordinary allocation: what is over a
/// kilobyte costs allocators much more.
const PAGE: u64 = 8;

/// A map keyed by the numbers of a sequence.
#[derive(Debug)]
pub(crate) struct SeqMap<T> {
    pages: HashMap<u64, Box<Page<T>>, BuildHasherDefault<PageHasher>>,
    len: usize,
    /// The page that was emptied last, for the next one that is needed: a job at a time would
    /// otherwise allocate a page a job.
    spare: Option<Box<Page<T>>>,
}

#[derive(Debug)]
struct Page<T> {
    used: u32,
    slots: [Option<T>; PAGE as usize],
}

impl<T> Default for SeqMap<T> {
    fn default() -> Self {
        Self {
            pages: HashMap::default(),
            len: 0,
            spare: None,
        }
    }
}

impl<T> SeqMap<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&T> {
        self.pages.get(&(seq / PAGE))?.slots[slot(seq)].as_ref()
    }

    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut T> {
        self.pages.get_mut(&(seq / PAGE))?.slots[slot(seq)].as_mut()
    }

    pub(crate) fn insert(&mut self, seq: u64, value: T) -> Option<T> {
        let spare = &mut self.spare;
        let page = self
            .pages
            .entry(seq / PAGE)
            .or_insert_with(|| spare.take().unwrap_or_else(Page::empty));
        let before = page.slots[slot(seq)].replace(value);
        if before.is_none() {
            page.used += 1;
            self.len += 1;
        }
        before
    }

    pub(crate) fn remove(&mut self, seq: u64) -> Option<T> {
        let page = self.pages.get_mut(&(seq / PAGE))?;
        let value = page.slots[slot(seq)].take()?;
        page.used -= 1;
        self.len -= 1;
        if page.used == 0 {
            self.spare = self.pages.remove(&(seq / PAGE));
        }
        Some(value)
    }

    /// Every value, in the order of the numbers.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        let mut pages: Vec<(u64, &Page<T>)> = self
            .pages
            .iter()
            .map(|(page, content)| (*page, &**content))
            .collect();
        pages.sort_unstable_by_key(|(page, _)| *page);
        pages.into_iter().flat_map(|(page, content)| {
            let numbered = content.slots.iter().enumerate();
            numbered
                .filter_map(move |(slot, value)| Some((page * PAGE + slot as u64, value.as_ref()?)))
        })
    }
}

impl<T> Page<T> {
    fn empty() -> Box<Self> {
        Box::new(Self {
            used: 0,
            slots: [const { None }; PAGE as usize],
        })
    }
}

fn slot(seq: u64) -> usize {
    (seq % PAGE) as usize
}

/// Pages are numbered densely: the number itself, spread to the top bits that the table also
/// looks at, keeps neighbours together in memory.
#[derive(Debug, Default)]
struct PageHasher(u64);

impl Hasher for PageHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number | (number << 57);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn behaves_as_an_ordinary_map() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut map, mut model) = (SeqMap::default(), BTreeMap::new());
        for step in 0..50_000_u64 {
            let seq = random.u64(0..500);
            if random.bool() {
                assert_eq!(map.insert(seq, step), model.insert(seq, step));
            } else {
                assert_eq!(map.remove(seq), model.remove(&seq));
            }
            assert_eq!((map.len(), map.get(seq)), (model.len(), model.get(&seq)));
        }
        let all: Vec<_> = map.iter().map(|(seq, value)| (seq, *value)).collect();
        assert_eq!(all, model.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn empty_pages_are_given_back() {
        let mut map = SeqMap::default();
        for seq in 0..10_000 {
            map.insert(seq, seq);
            map.remove(seq);
        }
        assert!(map.is_empty() && map.pages.is_empty());
    }
}
