use std::fs;

use bursar_core::{Clock, SystemClock};
use fastrand::Rng;

use crate::outcome::Outcome;
use crate::referee::crew::Crew;
use crate::referee::report::Report;
use crate::referee::round::Round;
use crate::referee::settings::Settings;

/// How many kills a round has.
const KILLS: std::ops::RangeInclusive<u64> = 10..=40;

/// How many rounds go by between two lines that say how far it is.
const TELL: u64 = 20;

/// Plays rounds until enough was done. The folder of a round with faults is kept, and named with the
/// seed of that round.
///
/// # Errors
/// Where the referee itself can't go on.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let clock = SystemClock::new();
    let began = clock.tick();
    let (mut random, mut report) = (Rng::with_seed(settings.seed), Report::default());
    loop {
        let seed = settings.only.unwrap_or_else(|| random.u64(..));
        report.add(play(settings, seed)?);
        if report.rounds.is_multiple_of(TELL) {
            let (kills, faults) = (report.kills, report.faults.len());
            println!("{} rounds, {kills} kills, {faults} faults", report.rounds);
        }
        let late = settings
            .time
            .is_some_and(|time| clock.tick().since(began) >= time);
        let enough = settings.kills.is_some_and(|kills| report.kills >= kills);
        let bad = settings
            .faults
            .is_some_and(|most| report.faults.len() >= most);
        if late || enough || bad || settings.only.is_some() {
            return Ok(report);
        }
    }
}

fn play(settings: &Settings, seed: u64) -> Outcome<Report> {
    let name = format!("bursar-torture-{}-{seed}", std::process::id());
    let folder = settings.folder.join(name);
    fs::create_dir_all(&folder)?;
    let crew = Crew::new(&settings.program);
    let kills = Rng::with_seed(seed).u64(KILLS);
    let round = Round::new(seed, folder.clone(), crew, &settings.languages);
    let report = round.play(kills)?;
    if report.faults.is_empty() {
        fs::remove_dir_all(&folder)?;
    } else {
        println!(
            "the round with --round {seed} went wrong; its files are in {}",
            folder.display()
        );
        report
            .faults
            .iter()
            .take(20)
            .for_each(|fault| println!("  {fault}"));
    }
    Ok(report)
}
