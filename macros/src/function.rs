//! What a function must be to become a task.

use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ItemFn, Pat, Result, ReturnType, Type};

/// The most parameters that a task may have.
const MOST_PARAMETERS: usize = 12;

/// One parameter.
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) kind: &'a Type,
}

/// The parameters of `function`.
///
/// # Errors
/// Where it can't be a task, at what stands in the way.
pub(crate) fn parameters(function: &ItemFn) -> Result<Vec<Parameter<'_>>> {
    let signature = &function.sig;
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        let message =
            "a task can't be generic: it is found by its name, which says nothing of types";
        return Err(Error::new(signature.generics.span(), message));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new(variadic.span(), "a task can't be variadic"));
    }
    if signature.inputs.len() > MOST_PARAMETERS {
        let message =
            format!("a task has at most {MOST_PARAMETERS} parameters: put them into a struct");
        return Err(Error::new(signature.inputs.span(), message));
    }
    signature.inputs.iter().map(parameter).collect()
}

fn parameter(argument: &FnArg) -> Result<Parameter<'_>> {
    let typed = match argument {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) => {
            let message = "a task is a function of its own, not a method: it has no `self`";
            return Err(Error::new(receiver.span(), message));
        }
    };
    owned(&typed.ty)?;
    match &*typed.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Ok(Parameter {
            name: &name.ident,
            kind: &typed.ty,
        }),
        other => Err(Error::new(
            other.span(),
            "give this parameter a name: it is told where an argument is wrong",
        )),
    }
}

fn owned(kind: &Type) -> Result<()> {
    let message = match kind {
        Type::Reference(_) => {
            "a task owns its arguments, since it may run long after the call: take a `String` instead of a `&str`, a `Vec<T>` instead of a `&[T]`"
        }
        Type::ImplTrait(_) => "a task can't be generic: name the type",
        _ => return Ok(()),
    };
    Err(Error::new(kind.span(), message))
}

/// What a function gives.
pub(crate) enum Output<'a> {
    /// Nothing.
    Nothing,
    /// A value.
    Plain(&'a Type),
    /// A `Result`.
    Fallible(&'a Type),
}

/// What `function` gives.
///
/// # Errors
/// Where the type of a job's result can't be told.
pub(crate) fn output(function: &ItemFn) -> Result<Output<'_>> {
    let kind = match &function.sig.output {
        ReturnType::Default => return Ok(Output::Nothing),
        ReturnType::Type(_, kind) => &**kind,
    };
    match kind {
        Type::ImplTrait(_) => Err(Error::new(
            kind.span(),
            "name the type that this task returns: it is the type of its jobs' results",
        )),
        Type::Path(path)
            if path
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Result") =>
        {
            Ok(Output::Fallible(kind))
        }
        _ => Ok(Output::Plain(kind)),
    }
}
