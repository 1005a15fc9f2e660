//! How files are named: after the job, its attempt, and what of it they hold.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::id::JobId;

/// The longest name of what is in a file, in bytes.
const LONGEST: usize = 32;

/// The name of a file: `<job>.<attempt>.<what>`, and `.2`, `.3` and so on behind it where there is one
/// already. Nothing else in a folder is ever touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpillName {
    /// The job.
    pub job: JobId,
    /// The number of its attempt.
    pub attempt: u32,
    /// What is in it, such as `result` or `stdout`.
    pub what: String,
    /// Which of several: from 1.
    pub copy: u32,
}

impl SpillName {
    /// The first name of what an attempt gives.
    ///
    /// # Errors
    /// `Invalid` unless `what` is 1 to 32 of `a-z`, `0-9` and `_`.
    pub(crate) fn new(job: JobId, attempt: u32, what: &str) -> Result<Self> {
        check(what)?;
        Ok(Self {
            job,
            attempt,
            what: what.to_owned(),
            copy: 1,
        })
    }
}

/// # Errors
/// `Invalid` for what can't be part of the name of a file everywhere.
pub(super) fn check(what: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=LONGEST).contains(&what.len()) && what.bytes().all(plain) {
        return Ok(());
    }
    let shown: String = what.chars().take(64).collect();
    Err(Error::invalid(format!(
        "{shown:?} can't name an output: use 1 to {LONGEST} of a-z, 0-9 and _, such as stdout"
    )))
}

impl fmt::Display for SpillName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.job, self.attempt, self.what)?;
        if self.copy > 1 {
            write!(f, ".{}", self.copy)?;
        }
        Ok(())
    }
}

impl FromStr for SpillName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = parse(text).filter(|name| name.to_string() == text);
        parsed.ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Error::invalid(format!("{shown:?} is not the name of an output's file"))
        })
    }
}

fn parse(text: &str) -> Option<SpillName> {
    let mut parts = text.split('.');
    let name = SpillName {
        job: parts.next()?.parse().ok()?,
        attempt: parts.next()?.parse().ok()?,
        what: parts.next().filter(|what| check(what).is_ok())?.to_owned(),
        copy: parts.next().map_or(Some(1), |copy| copy.parse().ok())?,
    };
    parts.next().is_none().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let job = JobId::new(Timestamp::from_micros(1_767_225_600_000_000), 7, 9);
        let mut name = SpillName::new(job, 3, "stdout").unwrap();
        assert_eq!(name.to_string(), format!("{job}.3.stdout"));
        for copy in [1, 2, 70] {
            name.copy = copy;
            assert_eq!(name.to_string().parse::<SpillName>().unwrap(), name);
        }
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        let job = JobId::new(Timestamp::from_micros(1), 7, 9);
        for wrong in ["", ".", "..", ".lock", "jobs.db", "a/b", "../x", "x\0"] {
            assert!(wrong.parse::<SpillName>().is_err(), "{wrong:?}");
            assert!(SpillName::new(job, 1, wrong).is_err(), "{wrong:?}");
        }
        for ending in [
            "1", "1.", "1.a.", "1.a.1", "01.a", "+1.a", "1.a.02", "1.a.2.3", "1.A", "1.a/b",
            "1.a b",
        ] {
            let text = format!("{job}.{ending}");
            assert!(text.parse::<SpillName>().is_err(), "{text:?}");
        }
        let upper = format!("{job}.1.a").to_uppercase();
        assert!(upper.parse::<SpillName>().is_err());
        assert!(SpillName::new(job, 1, &"a".repeat(33)).is_err());
    }
}
