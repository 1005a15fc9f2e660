//! Sets the linker flags of a Node addon.

fn main() {
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // Node unloads an addon with the last thread that has it, though threads of ours, and what
        // threads leave to be dropped at their ends, may still be in it. It stays for good.
        println!("cargo:rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
