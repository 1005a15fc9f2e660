//! The option `limits`: what the attempts of a job may use.

use std::time::Duration;

use crate::demand::Demand;
use crate::error::{Error, Result};
use crate::limits::{CpuAction, Limits};
use crate::options::{OptionValue, Style};
use crate::units::{parse_duration, parse_size};

/// What a task, or one submit, says of the limits of its jobs. Where it says nothing, what is reserved
/// is the limit; `Some(None)` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitOptions {
    /// Memory in bytes; default: the memory that is reserved.
    pub memory: Option<Option<u64>>,
    /// Thousandths of a core; default: the cpu that is reserved, where that is more than 0.
    pub cpu: Option<Option<u64>>,
    /// What happens above `cpu`; default `throttle`, or `stop` where `cpu` is 0.
    pub cpu_action: Option<CpuAction>,
    /// Processor time in all; default none.
    pub cpu_time: Option<Option<Duration>>,
    /// Open descriptors; default none.
    pub files: Option<Option<u32>>,
    /// Open sockets; default none.
    pub connections: Option<Option<u32>>,
}

impl LimitOptions {
    /// The names of the limits, in snake case.
    pub const NAMES: [&'static str; 6] = [
        "memory",
        "cpu",
        "cpu_time",
        "files",
        "connections",
        "cpu_action",
    ];

    /// The limits of a mapping, its names spelled in `style`.
    ///
    /// # Errors
    /// `Invalid` for what isn't a mapping, an unknown name or a value out of range.
    pub(super) fn read(name: &str, value: &OptionValue, style: Style) -> Result<Self> {
        let OptionValue::Map(pairs) = value else {
            return Err(value.wrong(name, "a mapping such as {\"memory\": \"64MB\"}"));
        };
        let mut limits = Self::default();
        for (key, value) in pairs {
            let known = style.resolve_in("limit", key, &Self::NAMES)?;
            limits.set(known, &format!("{name}.{key}"), value)?;
        }
        limits.check()?;
        Ok(limits)
    }

    fn set(&mut self, known: &str, name: &str, value: &OptionValue) -> Result<()> {
        match known {
            "memory" => self.memory = Some(limit(value, |value| size(value, name))?),
            "cpu" => self.cpu = Some(limit(value, |value| cores(value, name))?),
            "cpu_time" => self.cpu_time = Some(limit(value, |value| duration(value, name))?),
            "files" => self.files = Some(limit(value, |value| value.count(name, 0))?),
            "connections" => self.connections = Some(limit(value, |value| value.count(name, 0))?),
            _ => self.cpu_action = limit(value, |value| value.choice(name))?,
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.cpu == Some(Some(0)) && self.cpu_action == Some(CpuAction::Throttle) {
            return Err(Error::invalid(
                "limits: cpu 0 with throttle would never run: stop it instead, or give it no limit",
            ));
        }
        Ok(())
    }

    /// These limits where they are said, `base`'s elsewhere.
    #[must_use]
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            memory: self.memory.or(base.memory),
            cpu: self.cpu.or(base.cpu),
            cpu_action: self.cpu_action.or(base.cpu_action),
            cpu_time: self.cpu_time.or(base.cpu_time),
            files: self.files.or(base.files),
            connections: self.connections.or(base.connections),
        }
    }

    /// The name of a limit that is asked for, if any is.
    pub(crate) fn asked(&self) -> Option<&'static str> {
        let asked = [
            ("memory", self.memory.flatten().is_some()),
            ("cpu", self.cpu.flatten().is_some()),
            ("cpu_time", self.cpu_time.flatten().is_some()),
            ("files", self.files.flatten().is_some()),
            ("connections", self.connections.flatten().is_some()),
        ];
        asked.into_iter().find(|(_, is)| *is).map(|(name, _)| name)
    }

    /// The limits of a job that reserves `demand`.
    pub(super) fn of(&self, demand: &Demand) -> Limits {
        let reserved = |amount: u64| Some(amount).filter(|amount| *amount > 0);
        let cpu = self.cpu.unwrap_or(reserved(demand.cpu));
        let action = match cpu {
            Some(0) => CpuAction::Stop,
            _ => CpuAction::default(),
        };
        Limits {
            memory: self.memory.unwrap_or(reserved(demand.memory)),
            cpu,
            cpu_action: self.cpu_action.unwrap_or(action),
            cpu_time: self.cpu_time.flatten(),
            files: self.files.flatten(),
            connections: self.connections.flatten(),
        }
    }
}

fn limit<T>(value: &OptionValue, read: impl Fn(&OptionValue) -> Result<T>) -> Result<Option<T>> {
    match value {
        OptionValue::Null => Ok(None),
        value => read(value).map(Some),
    }
}

fn size(value: &OptionValue, name: &str) -> Result<u64> {
    let zero = is_zero(value, |text| parse_size(text).is_ok());
    if zero { Ok(0) } else { value.size(name) }
}

fn duration(value: &OptionValue, name: &str) -> Result<Duration> {
    let zero = is_zero(value, |text| parse_duration(text).is_ok());
    if zero {
        Ok(Duration::ZERO)
    } else {
        value.duration(name)
    }
}

fn cores(value: &OptionValue, name: &str) -> Result<u64> {
    let zero = is_zero(value, |text| matches!(text, "1" | "1m"));
    if zero { Ok(0) } else { value.milli_cpus(name) }
}

/// Whether a value is 0, with a unit that `fits` where it has one.
fn is_zero(value: &OptionValue, fits: impl Fn(&str) -> bool) -> bool {
    match value {
        OptionValue::Int(value) => *value == 0,
        OptionValue::Float(value) => *value == 0.0,
        OptionValue::Duration(value) => value.is_zero(),
        OptionValue::Text(text) => {
            let text = text.trim();
            let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = &text[number.len()..];
            number.trim().parse() == Ok(0.0) && fits(&format!("1{unit}"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, OptionValue)]) -> Result<LimitOptions> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()));
        LimitOptions::read("limits", &OptionValue::Map(pairs.collect()), Style::Snake)
    }

    fn text(text: &str) -> OptionValue {
        OptionValue::Text(text.into())
    }

    fn demand(memory: u64, cpu: u64) -> Demand {
        let tokens = Vec::new();
        Demand {
            memory,
            cpu,
            tokens,
        }
    }

    #[test]
    fn what_is_reserved_is_the_limit_unless_told_otherwise() {
        let none = LimitOptions::default();
        let limits = none.of(&demand(64, 500));
        assert_eq!((limits.memory, limits.cpu), (Some(64), Some(500)));
        assert_eq!(limits.cpu_action, CpuAction::Throttle);
        assert!(none.of(&demand(0, 0)).is_none());
        let other = read(&[("memory", text("1kB")), ("cpu", OptionValue::Null)]);
        let limits = other.unwrap().of(&demand(64, 500));
        assert_eq!((limits.memory, limits.cpu), (Some(1_000), None));
    }

    #[test]
    fn nothing_is_nothing_and_null_is_no_limit() {
        for zero in [OptionValue::Int(0), OptionValue::Float(0.0), text("0")] {
            for name in ["memory", "cpu", "cpu_time"] {
                let limits = read(&[(name, zero.clone())]).unwrap();
                assert_eq!(limits.asked(), Some(name), "{zero}");
            }
        }
        let zero = read(&[
            ("memory", text("0MB")),
            ("cpu", text("0m")),
            ("cpu_time", text("0 s")),
            ("files", OptionValue::Int(0)),
            ("connections", OptionValue::Int(0)),
        ]);
        let limits = zero.unwrap().of(&demand(64, 500));
        let nothing = Limits {
            memory: Some(0),
            cpu: Some(0),
            cpu_action: CpuAction::Stop,
            cpu_time: Some(Duration::ZERO),
            files: Some(0),
            connections: Some(0),
        };
        assert_eq!(limits, nothing);
        for name in LimitOptions::NAMES {
            let null = read(&[(name, OptionValue::Null)]).unwrap();
            assert_eq!(null.asked(), None);
        }
    }

    #[test]
    fn bad_limits_show_name_and_value() {
        let cases = [
            ("memory", text("0QB"), "0QB"),
            ("memory", OptionValue::Int(-1), "-1"),
            ("cpu_time", OptionValue::Float(f64::NAN), "NaN"),
            ("cpu", text("0x"), "0x"),
            ("files", OptionValue::Float(1.5), "1.5"),
            ("connections", OptionValue::Int(-3), "-3"),
            ("cpu_action", text("sop"), "use warn, throttle or stop"),
            ("memmory", OptionValue::Int(1), "did you mean memory?"),
        ];
        for (name, value, shown) in cases {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(shown), "{error}");
        }
        assert!(
            read(&[
                ("cpu", OptionValue::Int(0)),
                ("cpu_action", text("throttle"))
            ])
            .is_err()
        );
    }

    #[test]
    fn a_submit_changes_one_limit_and_leaves_the_others() {
        let task = read(&[
            ("memory", OptionValue::Int(5)),
            ("files", OptionValue::Int(3)),
        ]);
        let submit = read(&[("memory", OptionValue::Null)]);
        let both = submit.unwrap().over(&task.unwrap());
        assert_eq!((both.memory, both.files), (Some(None), Some(Some(3))));
    }
}
