//! Hashes and compresses every file of a folder within a memory budget:
//! `compress [FOLDER] [--memory SIZE] [--store URL] [--json]`. With a store on disk, a run that was
//! killed goes on where it was when it is started again. `examples/README.md` says exactly what it
//! does.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bursar::{Call, Engine, Job, Priority, parse_size};
use bursar_examples::{Compressed, File, Report, files, follow, hex, known};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};

/// Files of at most this size go first.
const SMALL: u64 = 65_536;

/// The least that a job asks for.
const LEAST: u64 = 1_000_000;

/// So many that only memory bounds how many jobs run at once.
const CONCURRENCY: u32 = 1_000;

#[bursar::task(name = "compress")]
fn compress(path: String) -> std::io::Result<Compressed> {
    let content = std::fs::read(path)?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&content)?;
    Ok(Compressed {
        sha256: hex(&Sha256::digest(&content)),
        bytes: content.len() as u64,
        compressed: encoder.finish()?.len() as u64,
    })
}

/// A job whose demand follows the size of its file.
fn call(file: &File, pool: u64) -> Call<Compressed> {
    let demand = file.size.saturating_mul(3).max(LEAST).min(pool);
    let priority = if file.size <= SMALL {
        Priority::High
    } else {
        Priority::Normal
    };
    compress::call(file.full.clone())
        .memory(demand)
        .priority(priority)
        .unique(&file.key)
}

struct Options {
    folder: PathBuf,
    memory: String,
    store: String,
    json: bool,
}

fn options() -> Result<Options, String> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
        memory: "64MB".to_owned(),
        store: "memory:".to_owned(),
        json: false,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => options.json = true,
            "--memory" => options.memory = arguments.next().ok_or("--memory needs a size")?,
            "--store" => options.store = arguments.next().ok_or("--store needs a URL")?,
            flag if flag.starts_with("--") => {
                return Err(format!(
                    "unknown option {flag:?}: use --memory, --store or --json"
                ));
            }
            folder => options.folder = PathBuf::from(folder),
        }
    }
    Ok(options)
}

/// The job of each file: the one that an earlier run left, or a new one.
async fn jobs(engine: &Engine, files: &[File], pool: u64) -> bursar::Result<Vec<Job<Compressed>>> {
    let ids = known(engine, "compress").await?;
    let new = files.iter().filter(|file| !ids.contains_key(&file.key));
    let submitted = engine.submit_many(new.map(|file| call(file, pool))).await?;
    let mut submitted = submitted.into_iter();
    let mut jobs = Vec::with_capacity(files.len());
    for file in files {
        match ids.get(&file.key) {
            Some(&id) => jobs.push(engine.job(id).await?.typed()),
            None => jobs.extend(submitted.next()),
        }
    }
    Ok(jobs)
}

async fn run(options: Options) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let shown = options.folder.display();
    let files = files(&options.folder).map_err(|error| format!("{shown}: {error}"))?;
    let pool = parse_size(&options.memory)?;
    let engine = Engine::open(&options.store)
        .memory(pool)
        .default_memory(LEAST.min(pool))
        .concurrency(CONCURRENCY)
        .max_results(u32::try_from(files.len())?.max(10_000))
        .task(compress::task())
        .start()
        .await?;
    let jobs = jobs(&engine, &files, pool).await?;
    follow(&engine, jobs.len()).await?;
    let mut done = Vec::with_capacity(jobs.len());
    for (file, job) in files.into_iter().zip(jobs) {
        let result = job
            .result()
            .await
            .map_err(|error| format!("{}: {error}", file.path))?;
        done.push((file.path, result, job.info().await?));
    }
    engine.shutdown().await?;
    Ok(Report::new(pool, &done))
}

#[tokio::main]
async fn main() -> ExitCode {
    let report = match options() {
        Ok(options) => (options.json, run(options).await),
        Err(message) => (false, Err(message.into())),
    };
    match report {
        (json, Ok(report)) => {
            println!("{report}");
            if json {
                println!("{}", serde_json::json!(report));
            }
            ExitCode::SUCCESS
        }
        (_, Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
