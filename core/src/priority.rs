//! The four priorities.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How urgent a job is. Strict between priorities, first-in first-out within one:
/// while a `critical` job fits the budget, no `high` one starts.
///
/// Orders by urgency: the more urgent one is the smaller. Serialized as its
/// lower-case name.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Priority {
    /// 0, before all others.
    Critical = 0,
    /// 1, before `normal`.
    High = 1,
    /// 2, the default.
    #[default]
    Normal = 2,
    /// 3, after all others.
    Low = 3,
}

impl Priority {
    /// All priorities, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The lower-case name, as it is written and parsed everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// The number a store keeps: 0 (critical) to 3 (low).
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// The priority of a stored number; `None` above 3.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Critical),
            1 => Some(Self::High),
            2 => Some(Self::Normal),
            3 => Some(Self::Low),
            _ => None,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Priority {
    type Err = ParsePriorityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.name() == text)
            .ok_or_else(|| ParsePriorityError::new(text))
    }
}

/// A text that names no priority. The message shows the text, escaped and cut to
/// 64 characters, and the four names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown priority {value:?}: use critical, high, normal or low")]
pub struct ParsePriorityError {
    value: String,
}

impl ParsePriorityError {
    /// What was given may come from anywhere, so a megabyte of it isn't repeated.
    const SHOWN: usize = 64;

    fn new(text: &str) -> Self {
        Self {
            value: text.chars().take(Self::SHOWN).collect(),
        }
    }

    /// What was given, cut to 64 characters.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_there_and_back() {
        for (number, priority) in (0u8..).zip(Priority::ALL) {
            assert_eq!(priority.as_u8(), number);
            assert_eq!(Priority::from_u8(number), Some(priority));
            assert_eq!(priority.to_string().parse(), Ok(priority));
            let json = serde_json::to_string(&priority).unwrap();
            assert_eq!(json, format!("\"{priority}\""));
            assert_eq!(serde_json::from_str::<Priority>(&json).unwrap(), priority);
        }
        assert_eq!(Priority::from_u8(4), None);
        assert_eq!(Priority::default(), Priority::Normal);
        assert!(Priority::Critical < Priority::High && Priority::Normal < Priority::Low);
    }

    #[test]
    fn an_unknown_name_is_shown_with_the_way_out() {
        let error = "urgent".parse::<Priority>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown priority \"urgent\": use critical, high, normal or low"
        );
        assert_eq!(error.value(), "urgent");
        assert!("High".parse::<Priority>().is_err() && "".parse::<Priority>().is_err());
    }

    #[test]
    fn hostile_names_are_cut_and_escaped() {
        let error = "\u{1b}[31m\0".repeat(100_000).parse::<Priority>();
        let message = error.unwrap_err().to_string();
        assert!(message.len() < 512 && !message.contains('\u{1b}') && !message.contains('\0'));
    }
}
