use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use bursar_store_sqlite::Durability;

use crate::outcome::{Outcome, failed};

/// What a child is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs jobs until it is told to stop.
    Worker,
    /// Submits its jobs and then waits to be killed.
    Submitter,
    /// Submits its jobs one after the other, and waits for the end of each.
    Caller,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Worker => "worker",
            Self::Submitter => "submitter",
            Self::Caller => "caller",
        })
    }
}

impl FromStr for Role {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Outcome<Self> {
        match text {
            "worker" => Ok(Self::Worker),
            "submitter" => Ok(Self::Submitter),
            "caller" => Ok(Self::Caller),
            _ => failed(format!("no child is a {text:?}")),
        }
    }
}

/// The part that a child plays, as its arguments say it: `key=value`, the same for the children of
/// every language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is to be.
    pub role: Role,
    /// Its name, which is that of its worker too.
    pub name: String,
    /// The file of the store.
    pub store: PathBuf,
    /// Where it writes what it has seen.
    pub witness: PathBuf,
    /// What everything random of it follows from.
    pub seed: u64,
    /// How many jobs it submits.
    pub jobs: u32,
    /// The lease of the store in milliseconds; 0 for what is usual.
    pub lease: u64,
    /// What an acknowledged change survives.
    pub durability: Durability,
}

impl Part {
    /// The part as arguments.
    pub fn arguments(&self) -> Vec<String> {
        let durability = match self.durability {
            Durability::Full => "full",
            Durability::Process => "process",
        };
        vec![
            format!("role={}", self.role),
            format!("name={}", self.name),
            format!("store={}", self.store.display()),
            format!("witness={}", self.witness.display()),
            format!("seed={}", self.seed),
            format!("jobs={}", self.jobs),
            format!("lease={}", self.lease),
            format!("durability={durability}"),
        ]
    }

    /// The part that arguments say.
    ///
    /// # Errors
    /// Which one is missing or makes no sense.
    pub fn parse(arguments: &[String]) -> Outcome<Self> {
        let text = |key: &str| {
            let mut all = arguments.iter().filter_map(|one| one.split_once('='));
            let found = all.find(|(name, _)| *name == key);
            let missing = || format!("{key}=… is missing");
            found.map(|(_, value)| value).ok_or_else(missing)
        };
        Ok(Self {
            role: text("role")?.parse()?,
            name: text("name")?.to_owned(),
            store: text("store")?.into(),
            witness: text("witness")?.into(),
            seed: text("seed")?.parse()?,
            jobs: text("jobs")?.parse()?,
            lease: text("lease")?.parse()?,
            durability: text("durability")?.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_survives_its_way_to_the_child() {
        for role in [Role::Worker, Role::Submitter, Role::Caller] {
            let part = Part {
                role,
                name: "w1".into(),
                store: "/some folder/jobs.db".into(),
                witness: "/some folder/w1=.log".into(),
                seed: u64::MAX,
                jobs: 7,
                lease: 500,
                durability: Durability::Process,
            };
            assert_eq!(Part::parse(&part.arguments()).unwrap(), part);
        }
        assert!(Part::parse(&["role=king".into()]).is_err());
    }
}
