//! Builds the warden, which the library carries and runs from memory: a program of its own, since nothing
//! else can outlive an engine that is killed, and see to it that its processes don't.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=warden");
    println!("cargo::rerun-if-env-changed=BURSAR_PROCESSES");
    let kinds = KINDS.map(|kind| format!("{kind:?}")).join(", ");
    println!("cargo::rustc-check-cfg=cfg(processes, values(none(), {kinds}))");
    match processes()? {
        Some(kind) => println!("cargo::rustc-cfg=processes\ncargo::rustc-cfg=processes={kind:?}"),
        None => return Ok(()),
    }
    // The library carries it where it can run at all.
    match env::var("CARGO_CFG_TARGET_OS")?.as_str() {
        "linux" => build_warden(),
        _ => Ok(()),
    }
}

/// What processes are started and ended with: see decision 17.
const KINDS: [&str; 3] = ["warden", "groups", "job_objects"];

/// The kind for the system that this is built for. `BURSAR_PROCESSES=groups` takes what other Unix systems
/// have on Linux too, to run it there.
fn processes() -> Result<Option<&'static str>, Box<dyn std::error::Error>> {
    if env::var_os("CARGO_CFG_LOOM").is_some() {
        return Ok(None);
    }
    let system = env::var("CARGO_CFG_TARGET_OS")?;
    let asked = env::var("BURSAR_PROCESSES").unwrap_or_default();
    Ok(match (system.as_str(), asked.as_str()) {
        ("linux", "groups") => Some("groups"),
        ("linux", "" | "warden") => Some("warden"),
        (_, "") if env::var_os("CARGO_CFG_UNIX").is_some() => Some("groups"),
        ("windows", "") => Some("job_objects"),
        (_, "") => None,
        (system, asked) => {
            return Err(format!("BURSAR_PROCESSES={asked} can't be had on {system}").into());
        }
    })
}

fn build_warden() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?).join("warden");
    let mut rustc = Command::new(env::var("RUSTC")?);
    rustc.args(["--edition", "2024", "--crate-name", "bursar_warden"]);
    rustc.args([
        "-C",
        "opt-level=s",
        "-C",
        "panic=abort",
        "-C",
        "strip=symbols",
    ]);
    rustc.args(["--target", &env::var("TARGET")?, "--cap-lints", "allow"]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.arg("warden/main.rs").arg("-o").arg(&out);
    let status = rustc.status()?;
    if !status.success() {
        return Err(format!("the warden could not be built: {rustc:?} ended with {status}").into());
    }
    Ok(())
}
