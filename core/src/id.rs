//! Job ids: UUIDv7 (RFC 9562), sortable by the time of submission, a string everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The id of a job, from submit to result: a UUIDv7, 36 characters as text. It is also the
/// idempotency key to pass on to services that a job calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// An id for the job with sequence number `sequence`, submitted at `now`; `noise` makes it
    /// hard to guess. The sequence sits in the bits that RFC 9562 leaves for a counter, so ids
    /// of one store sort in the order of submission, within a millisecond too.
    pub fn new(now: Timestamp, sequence: u64, noise: u32) -> Self {
        let counter = sequence & COUNTER_MASK;
        let high = (counter >> 30) as u16;
        let low = ((counter & 0x3fff_ffff) << 32) | u64::from(noise);
        let bits = (u128::from(now.millis()) << 80)
            | (0x7 << 76)
            | (u128::from(high & 0xfff) << 64)
            | (0b10 << 62)
            | u128::from(low);
        Self(Uuid::from_u128(bits))
    }

    /// The low 42 bits of the sequence that [`JobId::new`] put in.
    pub fn counter(self) -> u64 {
        let bits = self.0.as_u128();
        let high = ((bits >> 64) & 0xfff) as u64;
        let low = ((bits >> 32) & 0x3fff_ffff) as u64;
        (high << 30) | low
    }

    /// The id with these sixteen bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The sixteen bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The last eight characters: enough to tell jobs apart in a list.
    pub fn short(&self) -> String {
        let text = self.to_string();
        text[text.len() - 8..].to_owned()
    }
}

/// How much of a sequence an id holds: 4 x 10^12 jobs in one store.
const COUNTER_MASK: u64 = (1 << 42) - 1;

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl FromStr for JobId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = (text.len() == 36)
            .then(|| Uuid::from_str(text).ok())
            .flatten();
        parsed.map(Self).ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Error::invalid(format!("{shown:?} is not a job id: an id has 36 characters, such as 019e9c1a-7b1c-7000-8000-00000a1b2c3d"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_then_sequence_and_give_the_sequence_back() {
        let early = JobId::new(Timestamp::from_millis(1_000), 7, u32::MAX);
        let next = JobId::new(Timestamp::from_millis(1_000), 8, 0);
        let late = JobId::new(Timestamp::from_millis(1_001), COUNTER_MASK, 1);
        assert!(early < next && next < late);
        assert_eq!(
            (early.counter(), next.counter(), late.counter()),
            (7, 8, COUNTER_MASK)
        );
    }

    #[test]
    fn an_id_survives_its_text_and_is_a_version_7() {
        let id = JobId::new(
            Timestamp::from_millis(1_800_000_000_000),
            123_456_789_012,
            42,
        );
        assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        assert_eq!(&id.to_string()[14..15], "7");
        assert_eq!(id.short().len(), 8);
    }

    #[test]
    fn a_bad_id_is_shown() {
        assert!(
            "nonsense\0"
                .parse::<JobId>()
                .unwrap_err()
                .to_string()
                .contains("nonsense\\0")
        );
    }
}
