use std::collections::{BTreeMap, HashMap, HashSet};

use bursar_core::{JobInfo, Timestamp};
use bursar_store_sqlite::SqliteStore;

use crate::outcome::Outcome;
use crate::part::Part;
use crate::referee::crew::Crew;
use crate::referee::store;
use crate::witness::{Line, read_witness};

/// A child as the checks need it.
#[derive(Clone, Debug)]
pub struct Witnessed {
    /// What it was.
    pub part: Part,
    /// When it was killed, or found to have ended.
    pub died: Option<Timestamp>,
    /// What it wrote.
    pub lines: Vec<Line>,
}

/// What was seen from outside, and what stands in the store.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The children, by name.
    pub children: BTreeMap<String, Witnessed>,
    /// Acknowledged jobs, with their unique keys.
    pub acknowledged: BTreeMap<String, Option<String>>,
    /// Jobs that somebody wanted to take back.
    pub unwanted: HashSet<String>,
    /// Every begin of an attempt: when, and by whom.
    pub begun: BTreeMap<(String, u32), Vec<(u64, String)>>,
    /// The attempts that came to their end.
    pub done: HashSet<(String, u32)>,
    /// What stands in the store.
    pub jobs: HashMap<String, JobInfo>,
    /// When the clean workers began.
    pub clean: Timestamp,
}

impl Facts {
    /// Gathers what there is.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn gather(crew: &Crew, store: &SqliteStore, clean: Timestamp) -> Outcome<Self> {
        let mut facts = Self {
            clean,
            ..Self::default()
        };
        for member in &crew.members {
            let lines = read_witness(&member.part.witness)?;
            let (part, died) = (member.part.clone(), member.died);
            let name = part.name.clone();
            lines.iter().for_each(|line| facts.take(&name, line));
            facts.children.insert(name, Witnessed { part, died, lines });
        }
        let jobs = store::jobs(store)?;
        facts.jobs = jobs
            .into_iter()
            .map(|job| (job.id.to_string(), job))
            .collect();
        Ok(facts)
    }

    fn take(&mut self, who: &str, line: &Line) {
        let job = line.text(0).to_owned();
        let attempt = || u32::try_from(line.number(1)).unwrap_or(0);
        match line.word.as_str() {
            "ack" => {
                let key = Some(line.text(1)).filter(|key| *key != "-");
                self.acknowledged.insert(job, key.map(str::to_owned));
            }
            "cancel" => drop(self.unwanted.insert(job)),
            "begin" => {
                let begun = self.begun.entry((job, attempt())).or_default();
                begun.push((line.at, who.to_owned()));
            }
            "end" => drop(self.done.insert((job, attempt()))),
            _ => {}
        }
    }

    /// When an attempt began first.
    pub fn began(&self, job: &str, attempt: u32) -> Option<u64> {
        let begun = self.begun.get(&(job.to_owned(), attempt))?;
        begun.iter().map(|(at, _)| *at).min()
    }
}
