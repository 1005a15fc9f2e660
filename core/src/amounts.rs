//! One whole number per dimension of a budget.

use std::ops::{Index, IndexMut};

use smallvec::SmallVec;

/// One number per dimension of a pool: memory in bytes, milli-CPUs, executor slots,
/// tokens. Which dimension is which is the caller's affair; here they are positions.
///
/// Up to six dimensions sit in place, more go to the heap. Where two amounts of
/// different length meet, the missing dimensions count as 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Amounts(SmallVec<[u64; 6]>);

impl Amounts {
    /// Amounts with these values, in this order.
    #[must_use]
    pub fn from_slice(values: &[u64]) -> Self {
        Self(SmallVec::from_slice(values))
    }

    /// `dimensions` zeros.
    #[must_use]
    pub fn zeros(dimensions: usize) -> Self {
        Self(SmallVec::from_elem(0, dimensions))
    }

    /// How many dimensions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no dimension at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values, one per dimension.
    #[must_use]
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }

    /// Whether no dimension asks for more than `free` has of it.
    #[must_use]
    pub fn fits_in(&self, free: &[u64]) -> bool {
        let common = self.0.len().min(free.len());
        let (within, beyond) = self.0.split_at(common);
        within.iter().zip(free).all(|(need, free)| need <= free) && beyond.iter().all(|&n| n == 0)
    }

    /// The sum in each dimension; `None` if one overflows.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.combine(other, u64::checked_add)
    }

    /// The difference in each dimension; `None` if one would be below 0.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.combine(other, u64::checked_sub)
    }

    /// The sum in each dimension, at most `u64::MAX`.
    #[must_use]
    pub fn saturating_add(&self, other: &Self) -> Self {
        self.combine(other, |a, b| Some(a.saturating_add(b)))
            .unwrap_or_default()
    }

    /// The difference in each dimension, at least 0.
    #[must_use]
    pub fn saturating_sub(&self, other: &Self) -> Self {
        self.combine(other, |a, b| Some(a.saturating_sub(b)))
            .unwrap_or_default()
    }

    fn combine(&self, other: &Self, with: impl Fn(u64, u64) -> Option<u64>) -> Option<Self> {
        (0..self.len().max(other.len()))
            .map(|d| with(self.get(d), other.get(d)))
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The value of a dimension, 0 for one that isn't there.
    fn get(&self, dimension: usize) -> u64 {
        self.0.get(dimension).copied().unwrap_or(0)
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

impl Index<usize> for Amounts {
    type Output = u64;

    fn index(&self, dimension: usize) -> &u64 {
        &self.0[dimension]
    }
}

impl IndexMut<usize> for Amounts {
    fn index_mut(&mut self, dimension: usize) -> &mut u64 {
        &mut self.0[dimension]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Amounts {
        Amounts::from_slice(values)
    }

    #[test]
    fn fits_only_if_every_dimension_does() {
        assert!(of(&[3, 0]).fits_in(&[3, 0]));
        assert!(!of(&[3, 1]).fits_in(&[9, 0]));
        assert!(!of(&[4, 0]).fits_in(&[3, 9]));
        assert!(Amounts::zeros(3).fits_in(&[0, 0, 0]));
    }

    #[test]
    fn missing_dimensions_count_as_zero() {
        assert!(of(&[1]).fits_in(&[1, 0]));
        assert!(of(&[1, 0]).fits_in(&[1]) && !of(&[1, 1]).fits_in(&[1]));
        assert_eq!(of(&[1]).saturating_add(&of(&[1, 2])), of(&[2, 2]));
        assert_eq!(of(&[1]).checked_sub(&of(&[1, 2])), None);
    }

    #[test]
    fn arithmetic_checks_or_saturates_per_dimension() {
        let (a, b) = (of(&[u64::MAX, 5]), of(&[1, 6]));
        assert_eq!(a.checked_add(&b), None);
        assert_eq!(a.checked_sub(&b), None);
        assert_eq!(a.saturating_add(&b), of(&[u64::MAX, 11]));
        assert_eq!(a.saturating_sub(&b), of(&[u64::MAX - 1, 0]));
        assert_eq!(of(&[2, 3]).checked_add(&of(&[4, 5])), Some(of(&[6, 8])));
        assert_eq!(of(&[6, 8]).checked_sub(&of(&[4, 5])), Some(of(&[2, 3])));
    }

    #[test]
    fn more_dimensions_than_fit_in_place_work_the_same() {
        let mut many = Amounts::zeros(40);
        many[39] = 7;
        assert_eq!((many.len(), many[39], many.as_slice()[0]), (40, 7, 0));
        assert!(many.fits_in(&[7; 40]) && !many.fits_in(&[6; 40]));
    }
}
