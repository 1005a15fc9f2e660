//! A binary trie whose leaves are the shapes' slots, near ones side by side.

use super::demand_key::{Bit, DemandKey};

/// A way down from a node: node `n` has the edges `2n` and `2n + 1`. Edge 0 leads to the
/// root; its twin, edge 1, leads nowhere.
pub(super) type Edge = usize;

/// What an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// Nothing: the trie is empty.
    Nothing,
    /// A shape's slot.
    Leaf(u32),
    /// An inner node.
    Node(u32),
}

/// How the edges changed when a leaf was added or dropped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// The edge that led, or now leads, to both.
    pub(super) above: Edge,
    /// The edge of the leaf's sibling.
    pub(super) sibling: Edge,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The edge that leads here.
    up: u32,
    /// The bit that decides between its two edges.
    bit: Bit,
}

/// A crit-bit tree (D. J. Bernstein's name for D. R. Morrison's PATRICIA, 1968) over
/// demand keys: no node has a single child, so `n` leaves have `n - 1` inner nodes, and
/// its form follows from the leaves alone, never from the order they came in.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    children: Vec<Child>,
    vacant: Vec<u32>,
    /// The edge to each slot.
    seats: Vec<u32>,
}

impl Trie {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            children: vec![Child::Nothing; 2],
            vacant: Vec::new(),
            seats: Vec::new(),
        }
    }

    /// The edge to the root.
    pub(super) const ROOT: Edge = 0;

    /// One more than the greatest edge.
    pub(super) fn edges(&self) -> usize {
        self.children.len()
    }

    pub(super) fn child(&self, edge: Edge) -> Child {
        self.children[edge]
    }

    /// The edge to a slot's leaf.
    pub(super) fn seat(&self, slot: u32) -> Edge {
        self.seats[slot as usize] as Edge
    }

    /// The edge above; `None` for the root's.
    pub(super) fn above(&self, edge: Edge) -> Option<Edge> {
        (edge > 1).then(|| self.nodes[edge / 2].up as Edge)
    }

    /// Adds a slot; `key_of` tells the key of any slot in the trie. `None` if it is the
    /// only one.
    pub(super) fn add(
        &mut self,
        slot: u32,
        key: &DemandKey,
        key_of: impl Fn(u32) -> DemandKey,
    ) -> Option<Change> {
        if self.seats.len() <= slot as usize {
            self.seats.resize(slot as usize + 1, 0);
        }
        let bit = self
            .nearest(key)
            .and_then(|nearest| key.first_difference(&key_of(nearest)));
        let Some(bit) = bit else {
            self.hang(Self::ROOT, Child::Leaf(slot));
            return None;
        };
        let above = self.descend(key, |node| node.bit.precedes(bit));
        let node = self.node(bit);
        let seat = 2 * node as Edge + key.bit(bit);
        let sibling = seat ^ 1;
        self.hang(sibling, self.children[above]);
        self.hang(seat, Child::Leaf(slot));
        self.hang(above, Child::Node(node));
        Some(Change { above, sibling })
    }

    /// Drops a slot: its sibling takes their node's place. `None` if it was the only one.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Change> {
        let seat = self.seat(slot);
        let Some(above) = self.above(seat) else {
            self.children[Self::ROOT] = Child::Nothing;
            return None;
        };
        let sibling = seat ^ 1;
        self.hang(above, self.children[sibling]);
        self.vacant.push((seat / 2) as u32);
        Some(Change { above, sibling })
    }

    /// The leaf that shares the most of the key, or more.
    fn nearest(&self, key: &DemandKey) -> Option<u32> {
        match self.children[self.descend(key, |_| true)] {
            Child::Leaf(slot) => Some(slot),
            _ => None,
        }
    }

    /// Follows the key down while `further` allows to enter the node.
    fn descend(&self, key: &DemandKey, further: impl Fn(&Node) -> bool) -> Edge {
        let mut edge = Self::ROOT;
        while let Child::Node(number) = self.children[edge] {
            let node = &self.nodes[number as usize];
            if !further(node) {
                break;
            }
            edge = 2 * number as Edge + key.bit(node.bit);
        }
        edge
    }

    fn node(&mut self, bit: Bit) -> u32 {
        let number = self.vacant.pop().unwrap_or_else(|| {
            self.nodes.push(Node::default());
            self.children.extend([Child::Nothing; 2]);
            (self.nodes.len() - 1) as u32
        });
        self.nodes[number as usize].bit = bit;
        number
    }

    fn hang(&mut self, edge: Edge, child: Child) {
        self.children[edge] = child;
        match child {
            Child::Nothing => {}
            Child::Leaf(slot) => self.seats[slot as usize] = edge as u32,
            Child::Node(node) => self.nodes[node as usize].up = edge as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Amounts;

    fn key(slot: u32) -> DemandKey {
        DemandKey::of(&Amounts::from_slice(&[u64::from(slot) * 37 % 101, 5]))
    }

    fn leaves(trie: &Trie, edge: Edge, found: &mut Vec<u32>) {
        match trie.child(edge) {
            Child::Nothing => {}
            Child::Leaf(slot) => {
                assert_eq!(trie.seat(slot), edge);
                found.push(slot);
            }
            Child::Node(node) => {
                for edge in [2 * node as Edge, 2 * node as Edge + 1] {
                    assert!(trie.above(edge).is_some());
                    leaves(trie, edge, found);
                }
            }
        }
    }

    #[test]
    fn holds_what_was_added_in_the_same_form_for_any_order() {
        let (mut forward, mut backward) = (Trie::new(), Trie::new());
        (0..100).for_each(|slot| _ = forward.add(slot, &key(slot), key));
        (0..100)
            .rev()
            .for_each(|slot| _ = backward.add(slot, &key(slot), key));
        let (mut one, mut other) = (Vec::new(), Vec::new());
        leaves(&forward, Trie::ROOT, &mut one);
        leaves(&backward, Trie::ROOT, &mut other);
        assert_eq!(one, other);
        let smallest_first: Vec<_> = one.iter().map(|slot| slot * 37 % 101).collect();
        assert!(smallest_first.is_sorted());
        assert_eq!(one.len(), 100);
    }

    #[test]
    fn what_is_dropped_leaves_its_node_to_the_next() {
        let mut trie = Trie::new();
        for round in 0..10 {
            (0..100).for_each(|slot| _ = trie.add(slot, &key(slot), key));
            assert_eq!(trie.edges(), 200, "round {round}");
            (0..100).for_each(|slot| _ = trie.remove(slot));
            assert_eq!(trie.child(Trie::ROOT), Child::Nothing);
        }
    }
}
