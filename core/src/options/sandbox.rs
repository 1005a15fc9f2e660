//! The option `sandbox`: a level, or a mapping with one.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::options::{OptionValue, Style};
use crate::sandbox::{Sandbox, SandboxLevel};

/// The names in the mapping, in snake case.
const NAMES: [&str; 3] = ["level", "write", "network"];

/// The sandbox of a value, its names spelled in `style`.
///
/// # Errors
/// `Invalid` for an unknown name or level, a mapping without a level, and paths that are not whole.
pub(super) fn read(name: &str, value: &OptionValue, style: Style) -> Result<Sandbox> {
    let pairs = match value {
        OptionValue::Text(_) => return Ok(value.choice::<SandboxLevel>(name)?.into()),
        OptionValue::Map(pairs) => pairs,
        _ => {
            let wanted = "\"off\", \"best_effort\", \"required\", or a mapping such as {\"level\": \"required\", \"write\": [\"/data\"]}";
            return Err(value.wrong(name, wanted));
        }
    };
    let (mut sandbox, mut level) = (Sandbox::OFF, None);
    for (key, value) in pairs {
        let known = style.resolve_in("name in sandbox", key, &NAMES)?;
        let name = format!("{name}.{key}");
        match (known, value) {
            (_, OptionValue::Null) => {}
            ("level", value) => level = Some(value.choice(&name)?),
            ("write", value) => sandbox.write = paths(value, &name)?,
            (_, value) => sandbox.network = value.bool(&name)?,
        }
    }
    // Without one, somebody would take it for a sandbox.
    sandbox.level = level.ok_or_else(|| {
        Error::invalid(format!(
            "{name} names no level: add \"level\": \"required\", \"best_effort\" or \"off\""
        ))
    })?;
    sandbox.check()?;
    Ok(sandbox)
}

fn paths(value: &OptionValue, name: &str) -> Result<Vec<Arc<str>>> {
    let wanted = "a list of whole paths";
    let OptionValue::List(paths) = value else {
        return Err(value.wrong(name, wanted));
    };
    let path = |path: &OptionValue| match path {
        OptionValue::Text(path) => Ok(Arc::from(path.as_str())),
        other => Err(other.wrong(name, wanted)),
    };
    paths.iter().map(path).collect()
}

impl From<Sandbox> for OptionValue {
    fn from(sandbox: Sandbox) -> Self {
        let text = |text: &str| Self::Text(text.to_owned());
        let write = sandbox.write.iter().map(|path| text(path)).collect();
        Self::Map(vec![
            ("level".to_owned(), text(sandbox.level.as_str())),
            ("write".to_owned(), Self::List(write)),
            ("network".to_owned(), Self::Bool(sandbox.network)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> OptionValue {
        OptionValue::Text(text.to_owned())
    }

    fn map(pairs: &[(&str, OptionValue)]) -> Result<Sandbox> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        read("sandbox", &OptionValue::Map(pairs.collect()), Style::Snake)
    }

    #[test]
    fn a_level_alone_and_one_among_others() {
        let alone = read("sandbox", &text("best_effort"), Style::Snake).unwrap();
        assert_eq!(alone, SandboxLevel::BestEffort.into());
        let whole = map(&[
            ("level", text("required")),
            ("write", OptionValue::List(vec![text("/a"), text("/b")])),
            ("network", OptionValue::Bool(true)),
        ]);
        let expected = Sandbox::required().write("/a").write("/b").network(true);
        assert_eq!(whole.unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let list = |path: OptionValue| OptionValue::List(vec![path]);
        let cases = [
            (map(&[]), "names no level"),
            (map(&[("write", list(text("/a")))]), "names no level"),
            (
                map(&[("level", text("Required"))]),
                "sandbox.level: unknown level \"Required\" (did you mean required?)",
            ),
            (
                map(&[("level", OptionValue::Bool(true))]),
                "sandbox.level=true",
            ),
            (map(&[("wirte", list(text("/a")))]), "did you mean write?"),
            (
                map(&[("level", text("off")), ("write", text("/a"))]),
                "sandbox.write=\"/a\": expected a list",
            ),
            (
                map(&[("level", text("off")), ("write", list(OptionValue::Int(7)))]),
                "sandbox.write=7",
            ),
            (
                map(&[("level", text("required")), ("write", list(text("a")))]),
                "\"a\": it is not a whole path",
            ),
            (
                map(&[("level", text("required")), ("network", text("no"))]),
                "sandbox.network=\"no\"",
            ),
            (
                read("sandbox", &OptionValue::Bool(true), Style::Snake),
                "sandbox=true: expected \"off\"",
            ),
            (
                read("sandbox", &text("strict"), Style::Snake),
                "sandbox: unknown level \"strict\": use off",
            ),
        ];
        for (read, expected) in cases {
            let error = read.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
