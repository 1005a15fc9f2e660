//! Functions that can't be tasks.

#[bursar::task]
fn generic<T>(value: T) {
    drop(value);
}

#[bursar::task]
fn borrowed(path: &str) {
    drop(path.len());
}

#[bursar::task]
fn opaque(value: impl Into<String>) {
    drop(value.into());
}

#[bursar::task]
fn nameless((a, b): (u8, u8)) {
    drop(a + b);
}

#[bursar::task]
fn unnamed_result() -> impl Copy {
    1
}

struct Store;

impl Store {
    #[bursar::task]
    fn method(&self) {}
}

fn main() {}
