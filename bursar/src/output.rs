//! What a task may return, and how an error becomes a failure.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as StdError;
use std::fmt::Write;

use bursar_core::{Ended, Failure};
use serde::Serialize;

use crate::json;
use crate::verdict::Verdict;

/// Any error.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The deepest chain of sources that is followed.
const DEEPEST: usize = 32;

/// What a task may return: a `Result`, or a plain value of a common type. A type of your own goes
/// into a `Result` or a [`Json`].
#[diagnostic::on_unimplemented(
    message = "a task can't return `{Self}`",
    note = "return a `Result` whose value is `Serialize` and whose error is a `std::error::Error + Send + Sync`, \
            an `anyhow::Error`, a `Box<dyn Error + Send + Sync>`, a `String` or a `&str`; or wrap a value in `bursar::Json`"
)]
pub trait TaskOutput {
    /// What the job gives as its result.
    type Output: Serialize;

    /// How the attempt ends.
    #[doc(hidden)]
    fn end(self) -> Ended;
}

impl<T: Serialize, E: Into<BoxError>> TaskOutput for Result<T, E> {
    type Output = T;

    fn end(self) -> Ended {
        match self {
            Ok(value) => returned(&value),
            Err(error) => failed(error),
        }
    }
}

/// A plain result of any type that is `Serialize`.
///
/// ```
/// # #[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
/// struct Size { width: u32 }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let engine = bursar::Engine::open("memory:").start().await?;
/// let measure = engine.task("measure").run(|width: u32| async move { bursar::Json(Size { width }) })?;
/// assert_eq!(measure.call(7).await?.result().await?, Size { width: 7 });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> TaskOutput for Json<T> {
    type Output = T;

    fn end(self) -> Ended {
        returned(&self.0)
    }
}

macro_rules! plain {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {
        $(impl<$($generics)*> TaskOutput for $type {
            type Output = $type;

            fn end(self) -> Ended {
                returned(&self)
            }
        })*
    };
}

plain! {
    [] (), [] bool, [] char, [] String, [] serde_json::Value,
    [] i8, [] i16, [] i32, [] i64, [] isize, [] u8, [] u16, [] u32, [] u64, [] usize, [] f32, [] f64,
    [T: Serialize] Option<T>, [T: Serialize] Vec<T>, [T: Serialize] HashMap<String, T>, [T: Serialize] BTreeMap<String, T>,
    [A: Serialize, B: Serialize] (A, B), [A: Serialize, B: Serialize, C: Serialize] (A, B, C),
}

/// The end of an attempt that returned `value`.
pub fn returned<T: Serialize + ?Sized>(value: &T) -> Ended {
    match json::encode("the result", value) {
        Ok(payload) => Ended::Returned(payload),
        Err(error) => Ended::GaveUp(Failure::new("InvalidResult", error.message())),
    }
}

/// The end of an attempt that failed with `error`.
fn failed<E: Into<BoxError>>(error: E) -> Ended {
    let kind = kind_of::<E>();
    let error = error.into();
    let failure = Failure {
        traceback: Some(chain(kind, &*error)),
        ..Failure::new(kind, error.to_string())
    };
    match Verdict::find(&*error) {
        Some(verdict) => verdict.end(failure),
        None => Ended::Raised(failure),
    }
}

/// The name of the type of an error; `Error` where the type hides what it is.
fn kind_of<E>() -> &'static str {
    let name = std::any::type_name::<E>();
    if name.starts_with("alloc::") || name.starts_with('&') {
        "Error"
    } else {
        name
    }
}

/// An error and what caused it, one per line.
fn chain(kind: &str, error: &(dyn StdError + 'static)) -> String {
    let mut text = format!("{kind}: {error}");
    let sources = std::iter::successors(error.source(), |error| (*error).source());
    let told = sources.filter(|source| !source.is::<Verdict>());
    for source in told.take(DEEPEST) {
        // Writing to a string can't fail.
        let _ = write!(text, "\ncaused by: {source}");
    }
    text
}
