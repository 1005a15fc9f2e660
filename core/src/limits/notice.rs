//! What is said of an attempt that nears a limit, or is above it.

use std::fmt;

use crate::limits::Resource;

/// How what an attempt uses stands to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// It has reached 90 % of it.
    Near,
    /// It is above it, and goes on.
    Over,
    /// It is above it, and is slowed down.
    Slowed,
}

impl NoticeKind {
    /// The name of the kind, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Over => "over",
            Self::Slowed => "slowed",
        }
    }
}

/// An attempt nears a limit, or is above it. Amounts are in the unit of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of what.
    pub resource: Resource,
    /// What it uses.
    pub used: u64,
    /// What it may use.
    pub limit: u64,
    /// How that stands.
    pub kind: NoticeKind,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |amount| self.resource.show(amount);
        let (used, limit) = (show(self.used), show(self.limit));
        match self.kind {
            NoticeKind::Near => write!(f, "it uses {used}, and its limit is {limit}"),
            NoticeKind::Over => write!(f, "it uses {used}, more than its limit of {limit}"),
            NoticeKind::Slowed => write!(
                f,
                "it uses {used}, more than its limit of {limit}: it is slowed down"
            ),
        }
    }
}
