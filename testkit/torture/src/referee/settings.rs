use std::path::PathBuf;
use std::time::Duration;

use bursar_testkit::Seed;

use crate::outcome::{Outcome, failed};
use crate::referee::crew::Language;

/// What is asked of the referee.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long it goes on; it ends with the round that is under way then.
    pub time: Option<Duration>,
    /// How many kills it makes at least.
    pub kills: Option<u64>,
    /// What everything random follows from.
    pub seed: u64,
    /// How many faults are enough.
    pub faults: Option<usize>,
    /// Only the round with this seed of its own.
    pub only: Option<u64>,
    /// What the children are written in.
    pub languages: Vec<Language>,
    /// Where the files are made.
    pub folder: PathBuf,
    /// The program of the Rust children.
    pub program: PathBuf,
}

impl Settings {
    /// What the arguments ask for, over 30 seconds of Rust children.
    ///
    /// # Errors
    /// Which one makes no sense.
    pub fn parse(arguments: &[String]) -> Outcome<Self> {
        let seed = Seed::from_env().get();
        let mut settings = Self {
            time: None,
            kills: None,
            faults: None,
            seed,
            only: None,
            languages: vec![Language::Rust],
            folder: std::env::temp_dir(),
            program: std::env::current_exe()?,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
            settings.set(name, value)?;
        }
        if settings.kills.is_none() && settings.only.is_none() {
            settings.time.get_or_insert(Duration::from_secs(30));
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Outcome<()> {
        match name {
            "--seconds" => self.time = Some(Duration::from_secs(value.parse()?)),
            "--kills" => self.kills = Some(value.parse()?),
            "--faults" => self.faults = Some(value.parse()?),
            "--seed" => self.seed = value.parse()?,
            "--round" => self.only = Some(value.parse()?),
            "--folder" => self.folder = value.into(),
            "--languages" => self.languages = Language::parse_all(value)?,
            _ => return failed(format!("there is no option {name}")),
        }
        Ok(())
    }
}
