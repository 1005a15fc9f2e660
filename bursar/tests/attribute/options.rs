//! Wrong options.

#[bursar::task(memroy = "64MB")]
fn misspelled() {}

#[bursar::task(colour = "red")]
fn unknown() {}

#[bursar::task(memory = "64QB")]
fn bad_unit() {}

#[bursar::task(memory = -1)]
fn negative() {}

#[bursar::task(memory = "1e30GB")]
fn too_much() {}

#[bursar::task(priority = "urgent")]
fn bad_priority() {}

#[bursar::task(timeout = 0)]
fn no_time() {}

#[bursar::task(timeout = "5 fortnights")]
fn bad_duration() {}

#[bursar::task(retries = -1)]
fn negative_retries() {}

#[bursar::task(retries = 1.5)]
fn broken_retries() {}

#[bursar::task(backoff = "linear")]
fn bad_backoff() {}

#[bursar::task(cpu = "none")]
fn bad_cpu() {}

#[bursar::task(tokens(gpu = 0))]
fn no_token() {}

#[bursar::task(name = "")]
fn nameless() {}

#[bursar::task(retries = 1, retries = 2)]
fn twice() {}

#[bursar::task(memory = size())]
fn no_literal() {}

#[bursar::task(unique = "")]
fn empty_key() {}

fn main() {}
