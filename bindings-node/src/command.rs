//! Programs as jobs, as JavaScript asks for them.

use std::collections::BTreeMap;

use bursar::core::{CommandCall, Input};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::checks::task_options;
use crate::engine::{NativeEngine, Pairs};
use crate::error::{Result, fault};

/// A program with its arguments and what it is given.
#[napi(object)]
pub struct Program {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The folder it runs in.
    pub cwd: Option<String>,
    /// Names of variables with their values; without one, it is the worker's own.
    pub env: Vec<(String, Option<String>)>,
    /// What it reads, in UTF-8 or any bytes.
    pub stdin: Option<Uint8Array>,
}

impl From<Program> for CommandCall {
    fn from(program: Program) -> Self {
        let stdin = program.stdin.map(|bytes| Input::from(bytes.to_vec()));
        Self {
            argv: program.argv,
            cwd: program.cwd,
            env: BTreeMap::from_iter(program.env),
            stdin: stdin.unwrap_or_default(),
        }
    }
}

#[napi]
impl NativeEngine {
    /// Submits a program, and makes `waiter` ready once it is stored, or refused.
    #[napi(catch_unwind)]
    pub fn command(&self, program: Program, options: Pairs<'_>, waiter: u32) -> Result<()> {
        let options = task_options(options)?;
        let submission = self.engine.command(&program.into(), &options);
        let reply = self.engine.submit([submission.map_err(fault)?]);
        self.store_later(reply, waiter);
        Ok(())
    }
}
