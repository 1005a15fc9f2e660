//! From a Rust function to what an executor runs.

use std::future::{Future, ready};
use std::sync::Arc;

use bursar_core::{Ended, Failure, Handler, Payload};
use serde::de::DeserializeOwned;

use crate::arguments::{Arguments, wrong};
use crate::json;
use crate::output::TaskOutput;

/// An asynchronous function with parameters of these names.
pub fn asynchronous<A, F, R>(names: &'static [&'static str], run: F) -> Handler
where
    A: Arguments,
    F: Fn(A) -> R + Send + Sync + 'static,
    R: Future<Output = Ended> + Send + 'static,
{
    asynchronous_with(move |payload| A::read(payload, names), run)
}

/// A blocking function with parameters of these names.
pub fn blocking<A, F>(names: &'static [&'static str], run: F) -> Handler
where
    A: Arguments,
    F: Fn(A) -> Ended + Send + Sync + 'static,
{
    blocking_with(move |payload| A::read(payload, names), run)
}

/// An asynchronous closure with one parameter.
pub(crate) fn asynchronous_closure<A, F, R>(run: F) -> Handler
where
    A: DeserializeOwned + 'static,
    F: Fn(A) -> R + Send + Sync + 'static,
    R: Future<Output: TaskOutput> + Send + 'static,
{
    asynchronous_with(only::<A>, move |args| {
        let running = run(args);
        async move { running.await.end() }
    })
}

/// A blocking closure with one parameter.
pub(crate) fn blocking_closure<A, F, O>(run: F) -> Handler
where
    A: DeserializeOwned + 'static,
    F: Fn(A) -> O + Send + Sync + 'static,
    O: TaskOutput,
{
    blocking_with(only::<A>, move |args| run(args).end())
}

fn asynchronous_with<A, D, F, R>(read: D, run: F) -> Handler
where
    D: Fn(&Payload) -> Result<A, Failure> + Send + Sync + 'static,
    F: Fn(A) -> R + Send + Sync + 'static,
    R: Future<Output = Ended> + Send + 'static,
{
    Handler::Async(Arc::new(move |payload| match read(&payload) {
        Ok(args) => Box::pin(run(args)),
        Err(failure) => Box::pin(ready(Ended::GaveUp(failure))),
    }))
}

fn blocking_with<A, D, F>(read: D, run: F) -> Handler
where
    D: Fn(&Payload) -> Result<A, Failure> + Send + Sync + 'static,
    F: Fn(A) -> Ended + Send + Sync + 'static,
{
    Handler::Sync(Arc::new(move |payload| match read(&payload) {
        Ok(args) => run(args),
        Err(failure) => Ended::GaveUp(failure),
    }))
}

/// The one parameter of a closure: `()` stands for none.
fn only<A: DeserializeOwned>(payload: &Payload) -> Result<A, Failure> {
    if matches!(payload, Payload::Null) {
        return json::decode("the argument", payload).map_err(|error| wrong(error.message()));
    }
    <(A,)>::read(payload, &["args"]).map(|(args,)| args)
}
