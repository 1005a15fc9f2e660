//! Where a demand lies among the others.

use smallvec::SmallVec;

use crate::Amounts;

/// A demand as a point on logarithmic scales, read in Morton order (G. M. Morton, 1966):
/// the highest bit of every dimension, then the next one of every dimension. Demands of
/// like size in all dimensions share a long prefix, whatever unit a dimension is in.
#[derive(Clone, Debug)]
pub(super) struct DemandKey(SmallVec<[u128; 6]>);

/// A bit of a [`DemandKey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bit {
    position: u8,
    dimension: u32,
}

impl DemandKey {
    pub(super) fn of(demand: &Amounts) -> Self {
        Self(demand.as_slice().iter().map(|&v| logarithmic(v)).collect())
    }

    /// The value of a bit, as 0 or 1.
    pub(super) fn bit(&self, bit: Bit) -> usize {
        usize::from(self.0[bit.dimension as usize] >> bit.position & 1 == 1)
    }

    /// The first bit in which two keys differ; `None` if the demands are equal.
    pub(super) fn first_difference(&self, other: &Self) -> Option<Bit> {
        let mut first: Option<Bit> = None;
        for (dimension, (a, b)) in (0u32..).zip(self.0.iter().zip(&other.0)) {
            let Some(position) = (a ^ b).checked_ilog2() else {
                continue;
            };
            let bit = Bit {
                position: position as u8,
                dimension,
            };
            if first.is_none_or(|first| bit.precedes(first)) {
                first = Some(bit);
            }
        }
        first
    }
}

impl Bit {
    /// Whether it comes before another one in Morton order.
    pub(super) const fn precedes(self, other: Self) -> bool {
        self.position > other.position
            || (self.position == other.position && self.dimension < other.dimension)
    }
}

/// The number of significant bits above the value moved up to fill 64 bits: like a
/// floating point number, in order and without loss.
const fn logarithmic(value: u64) -> u128 {
    let zeros = value.leading_zeros();
    if zeros == u64::BITS {
        return 0;
    }
    ((u64::BITS - zeros) as u128) << u64::BITS | (value << zeros) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_keeps_order_and_loses_nothing() {
        let edges = [0, 1, 2, 3, 4, 7, 8, 1 << 53, (1 << 53) + 1, u64::MAX - 1];
        let scaled: Vec<_> = edges.into_iter().map(logarithmic).collect();
        assert!(scaled.is_sorted_by(|a, b| a < b));
        assert!(scaled.last() < Some(&logarithmic(u64::MAX)));
    }

    #[test]
    fn the_coarsest_difference_comes_first_in_any_dimension() {
        let key = |values: &[u64]| DemandKey::of(&Amounts::from_slice(values));
        let small = key(&[1_000_000_000, 100]);
        assert_eq!(small.first_difference(&small), None);
        let near = small.first_difference(&key(&[1_000_000_001, 100]));
        let far = small.first_difference(&key(&[1_000_000_001, 10_000]));
        assert_eq!(near.unwrap().dimension, 0);
        assert_eq!(far.unwrap().dimension, 1);
        assert!(far.unwrap().precedes(near.unwrap()));
    }
}
