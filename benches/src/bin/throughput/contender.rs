//! Contenders that take turns, each in a process of its own: what one leaves behind in its heap is
//! neither in another's way nor of use to it.

use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{peers, runs, runtime};
use bursar_benches::report::median;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The option that makes this program one contender.
pub(crate) const OPTION: &str = "--contender";

const NAMES: [&str; 4] = ["tokio", "single", "many", "apalis"];

/// The median jobs per second of each contender. The first round is to warm up.
pub(crate) fn compare(jobs: usize, rounds: usize) -> Result<[f64; 4]> {
    let mut contenders = Vec::new();
    for name in NAMES {
        contenders.push(Contender::start(name)?);
    }
    let mut rates = [const { Vec::new() }; 4];
    for round in 0..=rounds {
        for (contender, rates) in contenders.iter_mut().zip(&mut rates) {
            let rate = contender.run(jobs)?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    for contender in contenders {
        contender.end()?;
    }
    Ok(rates.map(median))
}

/// Runs a round for each line that comes in.
pub(crate) fn serve(name: &str) -> Result<()> {
    for line in stdin().lines() {
        let rate = round(name, line?.trim().parse()?)?;
        println!("{rate}");
        stdout().flush()?;
    }
    Ok(())
}

fn round(name: &str, jobs: usize) -> Result<f64> {
    let runtime = runtime()?;
    match name {
        "tokio" => runtime.block_on(peers::tokio_spawn(jobs)),
        "single" => runtime.block_on(runs::one_by_one(jobs)),
        "many" => runtime.block_on(runs::together(jobs)),
        "apalis" => runtime.block_on(peers::apalis(jobs)),
        _ => Err(format!("no contender is named {name}; there are {NAMES:?}").into()),
    }
}

struct Contender {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Contender {
    fn start(name: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([OPTION, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = process.stdin.take().ok_or("no way to ask")?;
        let answers = process.stdout.take().ok_or("no way to be answered")?;
        Ok(Self {
            process,
            ask,
            answers: BufReader::new(answers),
        })
    }

    fn run(&mut self, jobs: usize) -> Result<f64> {
        writeln!(self.ask, "{jobs}")?;
        let mut rate = String::new();
        self.answers.read_line(&mut rate)?;
        Ok(rate.trim().parse()?)
    }

    /// It ends when it is asked no more.
    fn end(mut self) -> Result<()> {
        drop(self.ask);
        self.process.wait()?;
        Ok(())
    }
}
