//! Builds the warden, which the library carries and runs from memory: a program of its own, since nothing
//! else can outlive an engine that is killed, and see to it that its processes don't.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=warden");
    if env::var("CARGO_CFG_TARGET_OS")? != "linux" {
        return Ok(());
    }
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
