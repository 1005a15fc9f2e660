use std::error::Error;

/// What the referee and its children do may fail in many ways, and is only ever told.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// An error that says this.
pub fn failed<T>(what: impl Into<String>) -> Outcome<T> {
    Err(what.into().into())
}
