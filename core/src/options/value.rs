//! One option's value, as a host language hands it over, and how each kind of it is read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::units::{parse_duration, parse_size};

/// The value of an option before it is checked. Bindings translate, the core decides.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// `None`, `null`: as if not given.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A duration of the host language.
    Duration(Duration),
    /// Names with amounts.
    Map(Vec<(String, OptionValue)>),
    /// Several values.
    List(Vec<OptionValue>),
    /// Something else, shown the way its language shows it.
    Other(String),
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Duration(value) => write!(f, "{value:?}"),
            Self::Map(_) => f.write_str("a mapping"),
            Self::List(values) => {
                let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", shown.join(", "))
            }
            Self::Other(value) => f.write_str(value),
        }
    }
}

impl OptionValue {
    /// A size in bytes.
    pub(super) fn size(&self, name: &str) -> Result<u64> {
        match self {
            Self::Text(text) => parse_size(text).map_err(|error| named(name, &error)),
            Self::Int(value) => positive(*value).ok_or_else(|| self.wrong(name, SIZE)),
            Self::Float(value) => whole(*value).ok_or_else(|| self.wrong(name, SIZE)),
            _ => Err(self.wrong(name, SIZE)),
        }
    }

    /// A duration: seconds, or text with a unit.
    pub(super) fn duration(&self, name: &str) -> Result<Duration> {
        let seconds = match self {
            Self::Text(text) => return parse_duration(text).map_err(|error| named(name, &error)),
            Self::Duration(value) => value.as_secs_f64(),
            Self::Int(value) => *value as f64,
            Self::Float(value) => *value,
            _ => return Err(self.wrong(name, DURATION)),
        };
        crate::units::seconds(seconds).ok_or_else(|| self.wrong(name, DURATION))
    }

    /// Cores, in thousandths: `1`, `0.5`, `"500m"`.
    pub(super) fn milli_cpus(&self, name: &str) -> Result<u64> {
        let cores = match self {
            Self::Int(value) => *value as f64,
            Self::Float(value) => *value,
            Self::Text(text) => cores(text).ok_or_else(|| self.wrong(name, CPU))?,
            _ => return Err(self.wrong(name, CPU)),
        };
        let milli = (cores * 1_000.0).round();
        let in_range = milli.is_finite() && (1.0..=1e12).contains(&milli);
        in_range
            .then_some(milli as u64)
            .ok_or_else(|| self.wrong(name, CPU))
    }

    /// A whole number from `least` to 2^32 - 1.
    pub(super) fn count(&self, name: &str, least: u32) -> Result<u32> {
        let value = match self {
            Self::Int(value) => u32::try_from(*value).ok(),
            Self::Float(value) if value.fract() == 0.0 && (0.0..4e9).contains(value) => {
                Some(*value as u32)
            }
            _ => None,
        };
        value.filter(|value| *value >= least).ok_or_else(|| {
            self.wrong(
                name,
                &format!("a whole number from {least} to {}", u32::MAX),
            )
        })
    }

    /// A truth value.
    pub(super) fn bool(&self, name: &str) -> Result<bool> {
        match self {
            Self::Bool(value) => Ok(*value),
            _ => Err(self.wrong(name, "true or false")),
        }
    }

    /// Text, not empty and without NUL, at most 1,000 bytes.
    pub(super) fn text(&self, name: &str) -> Result<&str> {
        match self {
            Self::Text(text) if !text.is_empty() && text.len() <= 1_000 && !text.contains('\0') => {
                Ok(text)
            }
            _ => Err(self.wrong(name, "text of 1 to 1,000 bytes without NUL")),
        }
    }

    /// One of the names that `T` knows.
    pub(super) fn choice<T: FromStr>(&self, name: &str) -> Result<T>
    where
        T::Err: fmt::Display,
    {
        match self {
            Self::Text(text) => text.parse().map_err(|error: T::Err| named(name, &error)),
            _ => Err(self.wrong(name, "text")),
        }
    }

    /// Named tokens with how many of each, sorted by name.
    pub(super) fn tokens(&self, name: &str) -> Result<Vec<(Arc<str>, u64)>> {
        let Self::Map(pairs) = self else {
            return Err(self.wrong(name, "a mapping such as {\"gpu\": 1}"));
        };
        let mut tokens = Vec::with_capacity(pairs.len());
        for (token, amount) in pairs {
            let amount = amount.count(&format!("{name}.{token}"), 1)?;
            tokens.push((Arc::from(token.as_str()), u64::from(amount)));
        }
        tokens.sort();
        Ok(tokens)
    }

    pub(super) fn wrong(&self, name: &str, wanted: &str) -> Error {
        let shown: String = self.to_string().chars().take(120).collect();
        Error::invalid(format!("{name}={shown}: expected {wanted}"))
    }
}

const SIZE: &str =
    "a size such as \"64MB\" or \"64MiB\", or a whole number of bytes, at least 1 and below 2^63";
const DURATION: &str = "a duration such as \"500ms\", \"10s\" or \"5m\", or seconds, more than 0 and at most a hundred years";
const CPU: &str =
    "a number of cores such as 1 or 0.5, or thousandths such as \"500m\", at least 0.001";

fn named(name: &str, error: &impl fmt::Display) -> Error {
    Error::invalid(format!("{name}: {error}"))
}

fn positive(value: i128) -> Option<u64> {
    (1..=i128::from(i64::MAX))
        .contains(&value)
        .then_some(value as u64)
}

fn whole(value: f64) -> Option<u64> {
    (value.fract() == 0.0)
        .then_some(value as i128)
        .and_then(positive)
}

fn cores(text: &str) -> Option<f64> {
    match text.strip_suffix('m') {
        Some(milli) => milli
            .trim()
            .parse::<f64>()
            .ok()
            .map(|value| value / 1_000.0),
        None => text.trim().parse().ok(),
    }
}
