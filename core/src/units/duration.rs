//! Durations: `"500ms"`, `"10s"`, `"5m"`, `"2h"`, `"7d"`; a plain number is seconds.

use std::time::Duration;

use crate::error::{Error, Result};

const UNITS: [(&str, f64); 6] = [
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

/// The longest duration accepted: a hundred years. What is longer is a mistake, or means "never".
const LONGEST: f64 = 100.0 * 366.0 * 86_400.0;

/// Reads a duration such as `"500ms"`, `"1.5h"` or `"90"` (seconds).
///
/// # Errors
/// `Invalid` where the number or the unit cannot be read, or the duration is zero, negative or
/// longer than a hundred years; the message shows the text.
pub fn parse_duration(text: &str) -> Result<Duration> {
    seconds(read(text)?).ok_or_else(|| out_of_range(text))
}

/// Reads how long somebody waits: a duration, or zero such as `"0s"`, which is not at all.
///
/// # Errors
/// As [`parse_duration`].
pub fn parse_patience(text: &str) -> Result<Duration> {
    match read(text)? {
        0.0 => Ok(Duration::ZERO),
        value => seconds(value).ok_or_else(|| out_of_range(text)),
    }
}

/// The seconds that the text stands for, in range or not.
fn read(text: &str) -> Result<f64> {
    let trimmed = text.trim();
    let split = trimmed
        .find(|c: char| c.is_ascii_alphabetic() && c != 'e')
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let factor = unit_seconds(unit.trim()).ok_or_else(|| unknown_unit(text, unit.trim()))?;
    let value: f64 = number.trim().parse().map_err(|_| unreadable(text))?;
    Ok(value * factor)
}

/// A positive number of seconds as a duration; `None` where it is out of range.
pub(crate) fn seconds(value: f64) -> Option<Duration> {
    let in_range = (1e-6..=LONGEST).contains(&value);
    in_range.then(|| Duration::from_secs_f64(value))
}

/// Writes a duration in its largest fitting unit, with at most one decimal.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let unit = UNITS
        .iter()
        .rev()
        .find(|(_, factor)| seconds >= *factor)
        .unwrap_or(&UNITS[0]);
    let value = (seconds / unit.1 * 10.0).round() / 10.0;
    format!("{value}{}", unit.0)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    if unit.is_empty() {
        return Some(1.0);
    }
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
}

fn unknown_unit(text: &str, unit: &str) -> Error {
    Error::invalid(format!(
        "unknown unit {unit:?} in duration {text:?}: use one of us, ms, s, m, h, d"
    ))
}

fn unreadable(text: &str) -> Error {
    Error::invalid(format!(
        "{text:?} is not a duration: write seconds as a number, or one with a unit such as \"500ms\", \"10s\", \"5m\""
    ))
}

fn out_of_range(value: &str) -> Error {
    Error::invalid(format!(
        "duration {value:?} is out of range: it must be more than zero and at most a hundred years"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        assert_eq!(parse_duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(parse_duration("1.5h").unwrap(), Duration::from_secs(5_400));
        assert_eq!(parse_duration("90").unwrap(), Duration::from_secs(90));
    }

    #[test]
    fn who_waits_may_not_wait_at_all() {
        for text in ["0", "0s", " 0.0 h"] {
            assert_eq!(parse_patience(text).unwrap(), Duration::ZERO);
        }
        assert_eq!(parse_patience("2m").unwrap(), Duration::from_secs(120));
        for text in ["-1s", "soon", "1e30h", "NaN"] {
            let error = parse_patience(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn bad_durations_show_the_value() {
        for text in ["5 fortnights", "-1s", "0", "", "ms", "1e30h", "NaN", "inf"] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn durations_are_written_short() {
        assert_eq!(format_duration(Duration::from_millis(1_500)), "1.5s");
        assert_eq!(format_duration(Duration::from_secs(300)), "5m");
        assert_eq!(format_duration(Duration::from_nanos(1)), "0us");
    }
}
