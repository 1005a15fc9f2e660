//! What people write for an option: text with a unit, a number, or the type itself. Nothing is
//! checked here; the core does, when the value is used, and its error shows what was written.

use std::time::Duration;

use bursar_core::{Backoff, OptionValue, Priority, Result};

macro_rules! written {
    ($(#[$doc:meta])* $name:ident { $($from:ty => $to:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(pub(crate) OptionValue);
        $(impl From<$from> for $name {
            fn from(value: $from) -> Self {
                let convert: fn($from) -> OptionValue = $to;
                Self(convert(value))
            }
        })*
    };
}

written! {
    /// A size: `"64MB"` (64,000,000 bytes), `"64MiB"` (67,108,864), or a number of bytes.
    SizeValue {
        &str => |text| OptionValue::Text(text.to_owned()),
        String => OptionValue::Text,
        i32 => |bytes| OptionValue::Int(bytes.into()),
        i64 => |bytes| OptionValue::Int(bytes.into()),
        u32 => |bytes| OptionValue::Int(bytes.into()),
        u64 => |bytes| OptionValue::Int(bytes.into()),
        usize => |bytes| OptionValue::Int(bytes as i128),
    }
}

written! {
    /// A duration: `"500ms"`, `"10s"`, `"5m"`, `"2h"`, a [`Duration`], or a number of seconds.
    DurationValue {
        &str => |text| OptionValue::Text(text.to_owned()),
        String => OptionValue::Text,
        Duration => OptionValue::Duration,
        i32 => |seconds| OptionValue::Int(seconds.into()),
        u32 => |seconds| OptionValue::Int(seconds.into()),
        u64 => |seconds| OptionValue::Int(seconds.into()),
        f64 => OptionValue::Float,
    }
}

written! {
    /// A part of the processors: `2` or `0.5` cores, or `"500m"`, thousandths of one.
    CpuValue {
        &str => |text| OptionValue::Text(text.to_owned()),
        String => OptionValue::Text,
        i32 => |cores| OptionValue::Int(cores.into()),
        u32 => |cores| OptionValue::Int(cores.into()),
        f64 => OptionValue::Float,
    }
}

written! {
    /// How the delay between retries grows: a [`Backoff`], or its name.
    BackoffValue {
        &str => |text| OptionValue::Text(text.to_owned()),
        String => OptionValue::Text,
        Backoff => |backoff| OptionValue::Text(match backoff {
            Backoff::Exponential => "exponential".to_owned(),
            Backoff::Fixed => "fixed".to_owned(),
        }),
    }
}

/// A priority: a [`Priority`], or its name.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorityValue(Written);

#[derive(Clone, Debug, PartialEq)]
enum Written {
    Known(Priority),
    Text(String),
}

impl PriorityValue {
    /// # Errors
    /// `Invalid` for an unknown name.
    pub(crate) fn resolve(self) -> Result<Priority> {
        match self.0 {
            Written::Known(priority) => Ok(priority),
            Written::Text(text) => text
                .parse()
                .map_err(|error| bursar_core::Error::invalid(format!("priority: {error}"))),
        }
    }
}

impl From<Priority> for PriorityValue {
    fn from(priority: Priority) -> Self {
        Self(Written::Known(priority))
    }
}

impl From<&str> for PriorityValue {
    fn from(text: &str) -> Self {
        Self(Written::Text(text.to_owned()))
    }
}

impl From<String> for PriorityValue {
    fn from(text: String) -> Self {
        Self(Written::Text(text))
    }
}

impl DurationValue {
    /// The duration that is meant.
    ///
    /// # Errors
    /// `Invalid` where it can't be read or is out of range.
    pub(crate) fn resolve(self, name: &str) -> Result<Duration> {
        // The core reads a duration as an option: here it has another name.
        let mut options = bursar_core::TaskOptions::default();
        options
            .set("delay", &self.0, bursar_core::Style::Snake)
            .map_err(|error| {
                let said = error.message();
                let said = said.strip_prefix("delay").unwrap_or(said);
                bursar_core::Error::invalid(format!("{name}{said}"))
            })?;
        Ok(options.delay.unwrap_or_default())
    }
}
