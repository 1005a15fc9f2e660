//! Thumbnails of a folder of pictures, one of which is hostile: a program with a memory limit for each:
//! `thumbnails`.

use std::error::Error;
use std::path::{Path, PathBuf};

use bursar::{CommandLimits, Engine, JobError, Resource};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../programs/thumbnail.py");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = std::env::temp_dir().join(format!("bursar-thumbnails-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let done = thumbnails(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    done
}

async fn thumbnails(folder: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let engine = Engine::open("memory:").memory("256MB").start().await?;
    let place = folder.display().to_string();
    let samples = engine.command(["python3", "-I", PROGRAM, "--samples", &place]);
    let unlimited = CommandLimits::new().unlimited(Resource::Memory);
    samples
        .memory("256MB")
        .limits(unlimited)
        .await?
        .result()
        .await?;

    let mut jobs = Vec::new();
    for picture in pictures(folder)? {
        let small = picture.with_extension("small.png");
        let (from, to) = (picture.display().to_string(), small.display().to_string());
        let command = engine.command(["python3", "-I", PROGRAM, &from, &to]);
        jobs.push((picture, command.memory("64MB").timeout("30s").await?));
    }
    for (picture, job) in jobs {
        let name = picture.file_name().unwrap_or_default().to_string_lossy();
        match job.result().await {
            Ok(output) => println!("{name}: {}", output.stdout.trim()),
            Err(JobError::MemoryExceeded(_)) => {
                println!("{name}: stopped, it wanted more than its 64MB");
            }
            Err(JobError::Failed(failure)) => {
                let lines = job.logs().await?;
                let last = lines.last().map_or("", |line| &line.message);
                let exit = failure
                    .exit()
                    .map_or_else(String::new, |exit| exit.to_string());
                println!("{name}: {exit}: {last}");
            }
            Err(other) => return Err(other.into()),
        }
    }
    engine.shutdown().await?;
    Ok(())
}

fn pictures(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    found.sort();
    Ok(found)
}
