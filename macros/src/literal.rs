//! Values that are checked when the program is compiled. The core checks them again, and a test
//! holds that both agree.

/// The units of a size, in lower case, and their bytes.
const SIZES: [(&str, f64); 12] = [
    ("", 1.0),
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("pb", 1e15),
    ("kib", 1_024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
    ("pib", 1_125_899_906_842_624.0),
];

/// The units of a duration and their seconds.
const DURATIONS: [(&str, f64); 7] = [
    ("", 1.0),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

/// A hundred years.
const LONGEST: f64 = 100.0 * 366.0 * 86_400.0;

/// Fine, or what is wrong.
pub(crate) type Checked = Result<(), String>;

/// A size as text.
pub(crate) fn size(text: &str) -> Checked {
    let (number, unit) = split(text);
    let Some(factor) = factor(&SIZES, &unit.to_ascii_lowercase()) else {
        return Err(format!(
            "unknown unit {unit:?} in size {text:?}: use one of B, KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB"
        ));
    };
    let bytes = number.parse::<f64>().map(|value| value * factor);
    match bytes {
        Ok(bytes) if bytes.is_finite() && (1.0..=i64::MAX as f64).contains(&bytes) => Ok(()),
        Ok(_) => Err(format!(
            "size {text:?} is out of range: from 1 byte to 2^63 - 1 bytes"
        )),
        Err(_) => Err(format!(
            "{text:?} is not a size: write bytes, or a unit such as \"64MB\" or \"64MiB\""
        )),
    }
}

/// A duration as text.
pub(crate) fn duration(text: &str) -> Checked {
    let (number, unit) = split(text);
    let Some(factor) = factor(&DURATIONS, unit) else {
        return Err(format!(
            "unknown unit {unit:?} in duration {text:?}: use one of us, ms, s, m, h, d"
        ));
    };
    match number.parse::<f64>() {
        Ok(value) => seconds(value * factor).map_err(|_| too_long(text)),
        Err(_) => Err(format!(
            "{text:?} is not a duration: write seconds, or a unit such as \"500ms\", \"10s\", \"5m\""
        )),
    }
}

/// A duration in seconds.
pub(crate) fn seconds(value: f64) -> Checked {
    let fits = value.is_finite() && (1e-6..=LONGEST).contains(&value);
    fits.then_some(()).ok_or_else(|| too_long(value))
}

fn too_long(shown: impl std::fmt::Debug) -> String {
    format!("duration {shown:?} is out of range: more than zero and at most a hundred years")
}

/// Cores as text.
pub(crate) fn cores(text: &str) -> Checked {
    let (number, scale) = text
        .strip_suffix('m')
        .map_or((text, 1.0), |milli| (milli, 1e-3));
    let value = number.trim().parse::<f64>().unwrap_or(f64::NAN);
    core_count(value * scale).map_err(|_| no_cores(text))
}

/// Cores as a number.
pub(crate) fn core_count(value: f64) -> Checked {
    let fits = value.is_finite() && (1e-3..=1e9).contains(&value);
    fits.then_some(()).ok_or_else(|| no_cores(value))
}

fn no_cores(shown: impl std::fmt::Debug) -> String {
    format!("{shown:?} is not a number of cores: write 2, 0.5 or \"500m\", at least 0.001")
}

/// A number and its unit.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let unit = text.find(|c: char| c.is_ascii_alphabetic() && c != 'e');
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    (number.trim(), unit.trim())
}

fn factor(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    let found = units.iter().find(|(name, _)| *name == unit);
    found.map(|(_, factor)| *factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_core() {
        for text in [
            "64MB",
            "64MiB",
            "1.5 gib",
            "4096",
            " 1 kb ",
            "1e3",
            "9223372036854775807",
            "64QB",
            "-1",
            "0",
            "",
            "MB",
            "1e30GB",
            "NaN",
            "inf MB",
            "0.2B",
            "64 M B",
            "64M",
            "1_000",
            "0x10",
            "+5MB",
            "9e18",
            "9.3e18",
        ] {
            let core = bursar::parse_size(text).is_ok();
            assert_eq!(size(text).is_ok(), core, "{text:?}: the core says {core}");
        }
    }

    #[test]
    fn durations_are_those_of_the_core() {
        for text in [
            "500ms", "10s", "5m", "2h", "7d", "90", "1.5h", "1us", "0", "-1s", "", "s", "10S",
            "1w", "1e30d", "NaN", "0.1us", "36600d", "36601d", "1e2", "1 0s",
        ] {
            let core = bursar::parse_duration(text).is_ok();
            assert_eq!(
                duration(text).is_ok(),
                core,
                "{text:?}: the core says {core}"
            );
        }
    }

    #[test]
    fn cores_are_those_of_the_core() {
        for text in [
            "1", "0.5", "500m", "0", "-1", "m", "0.0001", "1e9", "1e10", "NaN", "two", "1 m",
        ] {
            let mut options = bursar::core::TaskOptions::default();
            let value = bursar::core::OptionValue::Text(text.into());
            let core = options
                .set("cpu", &value, bursar::core::Style::Snake)
                .is_ok();
            assert_eq!(cores(text).is_ok(), core, "{text:?}: the core says {core}");
        }
    }
}
