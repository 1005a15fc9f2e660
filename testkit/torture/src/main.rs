//! `bursar-torture`: the referee, or with `child` as its first argument one of its children.

use std::process::ExitCode;

use bursar_torture::child::live;
use bursar_torture::referee::{Settings, run};
use bursar_torture::{Outcome, Part};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((word, part)) if word == "child" => Part::parse(part)
            .and_then(|part| live(&part))
            .map(|()| true),
        _ => referee(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every promise was kept.
fn referee(arguments: &[String]) -> Outcome<bool> {
    let settings = Settings::parse(arguments)?;
    println!("seed {}", settings.seed);
    let report = run(&settings)?;
    println!("{report}");
    println!("seed {}", settings.seed);
    Ok(report.faults.is_empty())
}
