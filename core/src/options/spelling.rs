//! Names of options in the habit of each language, and what to say of one that nobody knows.

use crate::error::{Error, Result};

/// How a language spells the names of options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// `retry_delay`
    #[default]
    Snake,
    /// `retryDelay`
    Camel,
}

impl Style {
    /// `name`, given in snake case, in this style.
    pub fn spell(self, name: &str) -> String {
        match self {
            Self::Snake => name.to_owned(),
            Self::Camel => camel(name),
        }
    }

    /// Which of the `known` names, in snake case, `name` is in this style.
    ///
    /// # Errors
    /// `Invalid` for a name that is none of them, with the nearest one or all of them.
    pub(super) fn resolve<'a>(self, name: &str, known: &[&'a str]) -> Result<&'a str> {
        self.resolve_in("option", name, known)
    }

    /// The same for names of something else, such as limits.
    ///
    /// # Errors
    /// `Invalid` for a name that is none of them, with the nearest one or all of them.
    pub(super) fn resolve_in<'a>(
        self,
        what: &str,
        name: &str,
        known: &[&'a str],
    ) -> Result<&'a str> {
        let found = known.iter().find(|known| self.spell(known) == name);
        found
            .copied()
            .ok_or_else(|| self.unknown(what, name, known))
    }

    fn unknown(self, what: &str, name: &str, known: &[&str]) -> Error {
        let shown: String = name.chars().take(64).collect();
        let names: Vec<String> = known.iter().map(|known| self.spell(known)).collect();
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the {what}s are {}", names.join(", ")),
        };
        Error::invalid(format!("unknown {what} {shown:?}: {hint}"))
    }
}

/// The name nearest to `name`, where one is near enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|known| (strsim::jaro_winkler(name, known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.8).then_some(best.1)
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut spelled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(1.min(part.len()));
        spelled.push_str(&first.to_ascii_uppercase());
        spelled.push_str(rest);
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_habit_of_the_language() {
        let known = ["retry_delay", "memory"];
        assert_eq!(
            Style::Camel.resolve("retryDelay", &known).unwrap(),
            "retry_delay"
        );
        let error = Style::Camel.resolve("retry_delay", &known).unwrap_err();
        assert!(
            error.to_string().contains("did you mean retryDelay?"),
            "{error}"
        );
        let error = Style::Snake.resolve("zebra", &known).unwrap_err();
        assert!(error.to_string().contains("retry_delay, memory"), "{error}");
    }
}
