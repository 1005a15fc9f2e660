use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use bursar_core::{Clock, SystemClock, Tick, Timestamp};
use rustix::process::{Pid, Signal, kill_process};

use crate::child::points;
use crate::outcome::{Outcome, failed};
use crate::part::Part;
use crate::referee::report::Fault;

/// What a child is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// This program.
    Rust,
    /// `children/child.py`.
    Python,
    /// `children/child.mjs`.
    Node,
}

impl Language {
    /// Languages with commas between them.
    ///
    /// # Errors
    /// Which is none.
    pub fn parse_all(text: &str) -> Outcome<Vec<Self>> {
        text.split(',').map(str::parse).collect()
    }

    fn command(self, program: &Path) -> Command {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("children");
        match self {
            Self::Rust => {
                let mut command = Command::new(program);
                command.arg("child");
                command
            }
            Self::Python => {
                let mut command = Command::new(root.join("../../.cache/venv/bin/python"));
                command.arg(folder.join("child.py"));
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(folder.join("child.mjs"));
                command
            }
        }
    }
}

impl FromStr for Language {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Outcome<Self> {
        match text {
            "rust" => Ok(Self::Rust),
            "python" => Ok(Self::Python),
            "node" => Ok(Self::Node),
            _ => failed(format!("no child is written in {text:?}")),
        }
    }
}

/// What is heard of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It has said this.
    Line(String),
    /// It is gone.
    End,
}

/// A child.
#[derive(Debug)]
pub struct Member {
    /// What it is.
    pub part: Part,
    /// The point that it dies at, if it comes there.
    pub point: Option<String>,
    /// When it was killed, or found to have died.
    pub died: Option<Timestamp>,
    /// It stands still.
    pub frozen: bool,
    /// It was told to stop.
    pub leaving: bool,
    killed_by_us: bool,
    said: Vec<String>,
    process: Child,
    hears: Option<ChildStdin>,
    errors: PathBuf,
    /// How it ended.
    status: Option<ExitStatus>,
}

impl Member {
    /// Whether it has not ended.
    pub fn lives(&self) -> bool {
        self.status.is_none()
    }
}

/// The children of a round. All that still live are killed when this is dropped.
#[derive(Debug)]
pub struct Crew {
    program: PathBuf,
    clock: SystemClock,
    /// All that there ever were.
    pub members: Vec<Member>,
    hear: Receiver<(usize, Said)>,
    say: Sender<(usize, Said)>,
}

impl Crew {
    /// Nobody yet; `program` is what Rust children run.
    pub fn new(program: &Path) -> Self {
        let (say, hear) = channel();
        Self {
            program: program.to_owned(),
            clock: SystemClock::new(),
            members: Vec::new(),
            hear,
            say,
        }
    }

    /// The time, to wait by.
    pub fn tick(&self) -> Tick {
        self.clock.tick()
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts a child; its number.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(
        &mut self,
        language: Language,
        part: Part,
        point: Option<String>,
    ) -> Outcome<usize> {
        let errors = part.witness.with_extension("err");
        let mut command = language.command(&self.program);
        command.args(part.arguments()).env_remove(points::VARIABLE);
        if let Some(point) = &point {
            command.env(points::VARIABLE, point);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.stderr(File::create(&errors)?).spawn()?;
        let number = self.members.len();
        let (hears, says) = (process.stdin.take(), process.stdout.take());
        let say = self.say.clone();
        std::thread::spawn(move || {
            let lines = says.map(|says| BufReader::new(says).lines());
            for line in lines.into_iter().flatten().map_while(Result::ok) {
                // The referee may have seen enough.
                let _ = say.send((number, Said::Line(line)));
            }
            let _ = say.send((number, Said::End));
        });
        self.members.push(Member {
            part,
            point,
            died: None,
            frozen: false,
            leaving: false,
            killed_by_us: false,
            said: Vec::new(),
            process,
            hears,
            errors,
            status: None,
        });
        Ok(number)
    }

    /// What is heard of any child before this time.
    ///
    /// # Errors
    /// What the system says of a child that has ended.
    pub fn listen(&mut self, until: Tick) -> Outcome<Option<(usize, Said)>> {
        let heard = match self.hear.recv_timeout(until.since(self.tick())) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        };
        match &heard.1 {
            Said::Line(line) => self.members[heard.0].said.push(line.clone()),
            Said::End => self.bury(heard.0)?,
        }
        Ok(Some(heard))
    }

    /// Waits until a child says this; `false` where it ends, or the time is up.
    ///
    /// # Errors
    /// What the system says of a child that has ended.
    pub fn hears(&mut self, child: usize, word: &str, until: Tick) -> Outcome<bool> {
        let says = |member: &Member| member.said.iter().any(|line| line == word);
        while !says(&self.members[child]) {
            if !self.members[child].lives() || self.listen(until)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits until a child has ended; `false` where the time is up.
    ///
    /// # Errors
    /// What the system says.
    pub fn ends(&mut self, child: usize, until: Tick) -> Outcome<bool> {
        while self.members[child].lives() {
            if self.listen(until)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn bury(&mut self, child: usize) -> Outcome<()> {
        let now = self.now();
        let member = &mut self.members[child];
        if member.lives() {
            member.status = Some(member.process.wait()?);
            member.died.get_or_insert(now);
        }
        Ok(())
    }

    /// Kills a child with SIGKILL. One that has ended by itself just now stays so.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&mut self, child: usize) -> Outcome<()> {
        let now = self.now();
        let member = &mut self.members[child];
        if member.lives() {
            member.died = Some(now);
            member.killed_by_us = true;
            member.process.kill()?;
            member.status = Some(member.process.wait()?);
        }
        Ok(())
    }

    /// Stops a child with SIGSTOP, or lets it go on.
    ///
    /// # Errors
    /// What the system says.
    pub fn freeze(&mut self, child: usize, frozen: bool) -> Outcome<()> {
        let member = &mut self.members[child];
        if !member.lives() {
            // It was waited for, and its number may be another's.
            member.frozen = false;
            return Ok(());
        }
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        // It is not waited for yet, so that its number is its own still.
        kill_process(Pid::from_child(&member.process), signal)?;
        member.frozen = frozen;
        Ok(())
    }

    /// Tells a child to stop within a grace in milliseconds.
    pub fn dismiss(&mut self, child: usize, grace: u64) {
        let member = &mut self.members[child];
        member.leaving = true;
        if let Some(hears) = &mut member.hears {
            // It may have died meanwhile: that is seen elsewhere.
            let _ = writeln!(hears, "stop {grace}");
        }
    }

    /// The children that live and don't stand still.
    pub fn awake(&self) -> Vec<usize> {
        let all = self.members.iter().enumerate();
        let awake = all.filter(|(_, member)| member.lives() && !member.frozen);
        awake.map(|(number, _)| number).collect()
    }

    /// The child with this name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(&self, name: &str) -> Outcome<usize> {
        let found = self
            .members
            .iter()
            .position(|member| member.part.name == name);
        found.ok_or_else(|| format!("nobody is called {name:?}").into())
    }

    /// How many were killed, and at which points those that killed themselves.
    pub fn kills(&self) -> (u64, BTreeMap<String, u64>) {
        let (mut kills, mut points) = (0, BTreeMap::new());
        for member in self.members.iter().filter(|member| member.was_killed()) {
            kills += 1;
            if let Some(point) = member.point.as_ref().filter(|_| member.at_point()) {
                let name = point.split(':').next().unwrap_or_default();
                *points.entry(name.to_owned()).or_default() += 1;
            }
        }
        (kills, points)
    }

    /// What went wrong with the children themselves: none may fail, or say anything on stderr.
    pub fn faults(&self) -> Vec<Fault> {
        self.members.iter().filter_map(Member::fault).collect()
    }
}

impl Member {
    /// Whether another one was put in its place when it was killed.
    pub(super) fn was_replaced(&self) -> bool {
        self.killed_by_us
    }

    fn was_killed(&self) -> bool {
        let signal = self.status.and_then(|status| status.signal());
        signal == Some(Signal::KILL.as_raw())
    }

    /// Whether it died by itself: nobody has noted a kill before it was found.
    fn at_point(&self) -> bool {
        self.point.is_some() && self.was_killed() && !self.killed_by_us
    }

    fn fault(&self) -> Option<Fault> {
        let said = std::fs::read_to_string(&self.errors).unwrap_or_default();
        let ended_well = self.status.is_none_or(|status| status.success())
            || (self.was_killed() && (self.killed_by_us || self.point.is_some()));
        if ended_well && said.trim().is_empty() {
            return None;
        }
        let name = &self.part.name;
        let status = self
            .status
            .map_or("lives".into(), |status| status.to_string());
        Some(Fault::new(
            "child",
            format!("{name} ({status}): {}", said.trim()),
        ))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for member in &mut self.members {
            if member.lives() {
                // It may have ended meanwhile.
                let _ = member.process.kill();
                let _ = member.process.wait();
            }
        }
    }
}
