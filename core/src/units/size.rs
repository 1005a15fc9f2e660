//! Sizes: `"64MB"` is 64,000,000 bytes, `"64MiB"` is 67,108,864 (IEC 80000-13).

use crate::error::{Error, Result};

const UNITS: [(&str, u64); 11] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

/// Reads a size in bytes, such as `"64MB"`, `"1.5 GiB"` or `"4096"`. Letter case is ignored.
///
/// # Errors
/// `Invalid` where the number or the unit cannot be read, or the size is zero, negative or past
/// 2^63 - 1 bytes; the message shows the text.
pub fn parse_size(text: &str) -> Result<u64> {
    let trimmed = text.trim();
    let split = trimmed
        .find(|c: char| c.is_ascii_alphabetic() && c != 'e')
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let factor = unit_factor(unit.trim()).ok_or_else(|| unknown_unit(text, unit.trim()))?;
    let value: f64 = number.trim().parse().map_err(|_| unreadable(text))?;
    let bytes = value * factor as f64;
    if !(bytes.is_finite() && bytes >= 1.0 && bytes <= i64::MAX as f64) {
        return Err(out_of_range(text));
    }
    Ok(exact(number.trim(), factor).unwrap_or(bytes as u64))
}

/// Writes a size the way [`parse_size`] reads it, in the largest decimal unit that keeps it short.
pub fn format_size(bytes: u64) -> String {
    let unit = UNITS[..6]
        .iter()
        .rev()
        .find(|(_, factor)| bytes >= *factor)
        .unwrap_or(&UNITS[0]);
    let value = bytes as f64 / unit.1 as f64;
    if bytes.is_multiple_of(unit.1) {
        format!("{}{}", bytes / unit.1, unit.0)
    } else {
        format!("{value:.1}{}", unit.0)
    }
}

/// Whole numbers keep every digit, past the 53 bits of a float too.
fn exact(number: &str, factor: u64) -> Option<u64> {
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn unit_factor(unit: &str) -> Option<u64> {
    if unit.is_empty() {
        return Some(1);
    }
    UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .map(|(_, factor)| *factor)
}

fn unknown_unit(text: &str, unit: &str) -> Error {
    let names: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
    Error::invalid(format!(
        "unknown unit {unit:?} in size {text:?}: use one of {}",
        names.join(", ")
    ))
}

fn unreadable(text: &str) -> Error {
    Error::invalid(format!(
        "{text:?} is not a size: write a number of bytes, or one with a unit such as \"64MB\" or \"64MiB\""
    ))
}

fn out_of_range(text: &str) -> Error {
    Error::invalid(format!(
        "size {text:?} is out of range: it must be at least 1 byte and at most {} bytes",
        i64::MAX
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_and_binary_units_differ() {
        assert_eq!(parse_size("64MB").unwrap(), 64_000_000);
        assert_eq!(parse_size("64MiB").unwrap(), 67_108_864);
        assert_eq!(parse_size(" 1.5 gib ").unwrap(), 1_610_612_736);
        assert_eq!(
            parse_size("9007199254740993").unwrap(),
            9_007_199_254_740_993
        );
    }

    #[test]
    fn bad_sizes_show_the_value() {
        for text in [
            "64QB", "-1", "0", "", "MB", "1e30GB", "NaN", "inf MB", "0.2B",
        ] {
            let error = parse_size(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn sizes_are_written_short() {
        assert_eq!(format_size(0), "0B");
        assert_eq!(format_size(256_000_000), "256MB");
        assert_eq!(format_size(67_108_864), "67.1MB");
    }
}
