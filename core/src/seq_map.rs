//! A map from sequence numbers to values. Numbers that are near each other share a page, and the
//! newest pages stand side by side: dense numbers cost little more than their values, and finding
//! one after the other reads memory in its order. What is left of old pages is found by hash.

use std::collections::{HashMap, VecDeque};

/// Small enough for a page of the largest values to be an ordinary allocation: what is over a
/// kilobyte costs allocators much more.
const PAGE: u64 = 8;

/// How many emptied pages are kept for the next ones that are needed.
const SPARE: usize = 32;

/// The window has at most this many places, and four for each page in it.
const ROOM: u64 = 64;

/// A map keyed by the numbers of a sequence.
#[derive(Debug)]
pub(crate) struct SeqMap<T> {
    /// The pages from `first` on; empty ones take a place.
    window: VecDeque<Option<Box<Page<T>>>>,
    first: u64,
    /// How many places of the window are taken.
    taken: u64,
    /// Pages that the others have left far behind.
    old: HashMap<u64, Box<Page<T>>>,
    spare: Vec<Box<Page<T>>>,
    len: usize,
}

#[derive(Debug)]
struct Page<T> {
    used: u32,
    slots: [Option<T>; PAGE as usize],
}

impl<T> Default for SeqMap<T> {
    fn default() -> Self {
        Self {
            window: VecDeque::new(),
            first: 0,
            taken: 0,
            old: HashMap::new(),
            spare: Vec::new(),
            len: 0,
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
        let number = seq / PAGE;
        let place = self.window.get(self.place(number)).and_then(Option::as_ref);
        let page = place.or_else(|| self.old.get(&number))?;
        page.slots[slot(seq)].as_ref()
    }

    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut T> {
        self.page_mut(seq / PAGE)?.slots[slot(seq)].as_mut()
    }

    pub(crate) fn insert(&mut self, seq: u64, value: T) -> Option<T> {
        let number = seq / PAGE;
        if self.page_mut(number).is_none() {
            self.add_page(number);
        }
        let page = self.page_mut(number)?;
        let before = page.slots[slot(seq)].replace(value);
        if before.is_none() {
            page.used += 1;
            self.len += 1;
        }
        before
    }

    pub(crate) fn remove(&mut self, seq: u64) -> Option<T> {
        let page = self.page_mut(seq / PAGE)?;
        let value = page.slots[slot(seq)].take()?;
        page.used -= 1;
        let emptied = page.used == 0;
        self.len -= 1;
        if emptied {
            self.drop_page(seq / PAGE);
        }
        Some(value)
    }

    /// Every value, in the order of the numbers.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        let window = self.window.iter().zip(self.first..);
        let window = window.filter_map(|(page, number)| Some((number, &**page.as_ref()?)));
        let old = self.old.iter().map(|(number, page)| (*number, &**page));
        let mut pages: Vec<(u64, &Page<T>)> = window.chain(old).collect();
        pages.sort_unstable_by_key(|(number, _)| *number);
        pages.into_iter().flat_map(|(number, page)| {
            let numbered = page.slots.iter().enumerate();
            numbered.filter_map(move |(slot, value)| {
                Some((number * PAGE + slot as u64, value.as_ref()?))
            })
        })
    }

    /// The place of a page in the window; past its end for one that has none.
    fn place(&self, number: u64) -> usize {
        usize::try_from(number.wrapping_sub(self.first)).unwrap_or(usize::MAX)
    }

    fn page_mut(&mut self, number: u64) -> Option<&mut Page<T>> {
        let place = self.place(number);
        match self.window.get_mut(place) {
            Some(Some(page)) => Some(page),
            _ if self.old.is_empty() => None,
            _ => self.old.get_mut(&number).map(|page| &mut **page),
        }
    }

    fn add_page(&mut self, number: u64) {
        let page = self.spare.pop().unwrap_or_else(Page::empty);
        self.make_room(number);
        if self.window.is_empty() {
            self.first = number;
        }
        if number < self.first {
            self.old.insert(number, page);
            return;
        }
        let place = self.place(number);
        while self.window.len() <= place {
            self.window.push_back(None);
        }
        self.window[place] = Some(page);
        self.taken += 1;
    }

    /// Leaves pages behind that are so far from `number` that the window would be mostly empty.
    fn make_room(&mut self, number: u64) {
        while !self.window.is_empty() && number.saturating_sub(self.first) >= ROOM + 4 * self.taken
        {
            if let Some(Some(page)) = self.window.pop_front() {
                self.old.insert(self.first, page);
                self.taken -= 1;
            }
            self.first += 1;
        }
    }

    fn drop_page(&mut self, number: u64) {
        let place = self.place(number);
        let page = match self.window.get_mut(place).and_then(Option::take) {
            Some(page) => {
                self.taken -= 1;
                Some(page)
            }
            None => self.old.remove(&number),
        };
        if self.spare.len() < SPARE {
            self.spare.extend(page);
        }
        while let Some(None) = self.window.front() {
            self.window.pop_front();
            self.first += 1;
        }
        if self.window.is_empty() {
            self.window.shrink_to(ROOM as usize);
        } else {
            self.make_room(self.first + self.window.len() as u64 - 1);
        }
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
    fn sparse_numbers_and_stragglers_take_little() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut map, mut model) = (SeqMap::default(), BTreeMap::new());
        let mut last = 0;
        for step in 0..50_000_u64 {
            last += if random.u8(..) == 0 {
                random.u64(0..1 << 40)
            } else {
                1
            };
            assert_eq!(map.insert(last, step), model.insert(last, step));
            let behind = random.u64(0..200);
            let near = model.keys().rev().nth(behind as usize).copied();
            if let Some(seq) = near.filter(|_| random.u8(..) != 0) {
                assert_eq!(map.remove(seq), model.remove(&seq));
            }
            let places = map.window.len() as u64;
            assert!(places <= ROOM + 4 * map.taken, "{places} for {}", map.taken);
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
        assert!(map.is_empty() && map.window.is_empty() && map.old.is_empty());
        assert!(map.spare.len() <= SPARE);
    }
}
