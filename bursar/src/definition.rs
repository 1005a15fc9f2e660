//! A task as `#[bursar::task]` writes it down: constants, and how to make its handler.

use bursar_core::{ExecutorKind, Handler, OptionValue, Result, Style, Task, TaskOptions};

use crate::options::token_map;

/// The value of an option in an attribute.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'static str),
    /// Named tokens.
    Tokens(&'static [(&'static str, u32)]),
}

impl Literal {
    fn value(self) -> OptionValue {
        match self {
            Self::Int(value) => OptionValue::Int(value.into()),
            Self::Float(value) => OptionValue::Float(value),
            Self::Text(value) => OptionValue::Text(value.to_owned()),
            Self::Tokens(tokens) => token_map(tokens.iter().copied()),
        }
    }
}

/// A function with `#[bursar::task]`.
#[derive(Debug)]
pub struct Definition {
    /// The name of the task.
    pub name: &'static str,
    /// What runs it.
    pub executor: ExecutorKind,
    /// Its options, checked when the program was compiled.
    pub options: &'static [(&'static str, Literal)],
    /// Makes its handler.
    pub handler: fn() -> Handler,
}

impl Definition {
    /// Its options.
    ///
    /// # Errors
    /// `Invalid` for one that is unknown or out of range.
    pub(crate) fn options(&self) -> Result<TaskOptions> {
        let mut options = TaskOptions::default();
        for (name, literal) in self.options {
            options.set(name, &literal.value(), Style::Snake)?;
        }
        Ok(options)
    }

    /// The task with these options.
    ///
    /// # Errors
    /// `Invalid` for an impossible name.
    pub(crate) fn task(&self, options: TaskOptions) -> Result<Task> {
        Task::new(self.name, options, self.executor, (self.handler)())
    }

    /// What tells it from every other one: two functions may have the same name.
    pub(crate) fn key(&'static self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}
