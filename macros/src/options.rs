//! The options of the attribute: read, and checked as far as that can be done.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, Lit, LitInt, LitStr, Result, Token, UnOp};

use crate::literal::{self, Checked};

/// The names of the options.
const NAMES: [&str; 13] = [
    "name",
    "priority",
    "memory",
    "cpu",
    "tokens",
    "timeout",
    "retries",
    "retry_delay",
    "backoff",
    "expires",
    "result_ttl",
    "delay",
    "unique",
];

/// What an attribute says.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) unique: Option<LitStr>,
    /// The others, as pairs of a name and a `Literal`.
    pub(crate) pairs: Vec<TokenStream>,
    seen: Vec<String>,
}

impl Options {
    /// # Errors
    /// For an unknown option, one that is given twice, and a wrong value: at each of them.
    pub(crate) fn parse(attribute: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        syn::meta::parser(|meta| options.one(&meta)).parse2(attribute)?;
        Ok(options)
    }

    fn one(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        let given = meta
            .path
            .get_ident()
            .map(Ident::to_string)
            .unwrap_or_default();
        let Some(name) = NAMES.into_iter().find(|name| *name == given) else {
            return Err(meta.error(unknown(&given)));
        };
        if self.seen.contains(&given) {
            return Err(meta.error(format!("the option {name} is given twice")));
        }
        self.seen.push(given);
        match name {
            "name" => self.name = Some(task_name(meta)?),
            "unique" => self.unique = Some(key(meta)?),
            "tokens" => self.pairs.push(tokens(meta)?),
            _ => self.pairs.push(pair(name, &meta.value()?.parse()?)?),
        }
        Ok(())
    }
}

fn unknown(given: &str) -> String {
    let scored = NAMES
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name));
    let best = scored
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|best| best.0 >= 0.8);
    let hint = best.map_or_else(
        || format!("the options are {}", NAMES.join(", ")),
        |(_, name)| format!("did you mean {name}?"),
    );
    format!("unknown option {given:?}: {hint}")
}

fn task_name(meta: &ParseNestedMeta) -> Result<LitStr> {
    let name: LitStr = meta.value()?.parse()?;
    let text = name.value();
    let fits = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then_some(name.clone()).ok_or_else(|| {
        let message = "a task name has 1 to 200 bytes and no control characters";
        Error::new(name.span(), message)
    })
}

fn key(meta: &ParseNestedMeta) -> Result<LitStr> {
    let key: LitStr = meta.value()?.parse()?;
    if key.value().is_empty() {
        return Err(Error::new(
            key.span(),
            "a unique key can't be empty: name arguments in it, such as \"resize:{path}\"",
        ));
    }
    Ok(key)
}

/// `tokens(gpu = 1, "licence" = 2)`
fn tokens(meta: &ParseNestedMeta) -> Result<TokenStream> {
    let mut pairs = Vec::new();
    let content;
    syn::parenthesized!(content in meta.input);
    while !content.is_empty() {
        let name = if content.peek(LitStr) {
            content.parse::<LitStr>()?.value()
        } else {
            content.parse::<Ident>()?.to_string()
        };
        content.parse::<Token![=]>()?;
        let amount: LitInt = content.parse()?;
        if amount.base10_parse::<u32>()? == 0 {
            return Err(Error::new(
                amount.span(),
                format!("tokens.{name}: at least 1"),
            ));
        }
        pairs.push(quote! { (#name, #amount) });
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(quote! { ("tokens", ::bursar::expanded::Literal::Tokens(&[#(#pairs),*])) })
}

/// A value as it is written.
enum Value {
    Int(i64),
    Float(f64),
    Text(String),
}

fn pair(name: &str, written: &Expr) -> Result<TokenStream> {
    let value = value(name, written)?;
    check(name, &value)
        .map_err(|message| Error::new(written.span(), format!("{name}: {message}")))?;
    let literal = match value {
        Value::Int(value) => quote! { Int(#value) },
        Value::Float(value) => quote! { Float(#value) },
        Value::Text(value) => quote! { Text(#value) },
    };
    Ok(quote! { (#name, ::bursar::expanded::Literal::#literal) })
}

fn value(name: &str, written: &Expr) -> Result<Value> {
    let no_literal = || {
        Error::new(
            written.span(),
            format!("{name}: write a number or a text here"),
        )
    };
    match written {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Ok(Value::Text(text.value())),
            Lit::Int(number) => Ok(Value::Int(number.base10_parse()?)),
            Lit::Float(number) => Ok(Value::Float(number.base10_parse()?)),
            _ => Err(no_literal()),
        },
        Expr::Unary(negative) if matches!(negative.op, UnOp::Neg(_)) => {
            Ok(match value(name, &negative.expr)? {
                Value::Int(number) => Value::Int(-number),
                Value::Float(number) => Value::Float(-number),
                Value::Text(_) => return Err(no_literal()),
            })
        }
        _ => Err(no_literal()),
    }
}

fn check(name: &str, value: &Value) -> Checked {
    match (name, value) {
        ("priority", Value::Text(text)) => {
            choice("priority", text, &["critical", "high", "normal", "low"])
        }
        ("backoff", Value::Text(text)) => choice("backoff", text, &["exponential", "fixed"]),
        ("memory", Value::Text(text)) => literal::size(text),
        ("memory", Value::Int(bytes)) if *bytes >= 1 => Ok(()),
        ("memory", Value::Int(bytes)) => Err(format!("{bytes} is out of range: at least 1 byte")),
        ("cpu", Value::Text(text)) => literal::cores(text),
        ("cpu", Value::Int(cores)) => literal::core_count(*cores as f64),
        ("cpu", Value::Float(cores)) => literal::core_count(*cores),
        ("retries", Value::Int(retries)) if u32::try_from(*retries).is_ok() => Ok(()),
        ("retries", Value::Int(retries)) => {
            Err(format!("{retries} is out of range: from 0 to {}", u32::MAX))
        }
        ("timeout" | "retry_delay" | "expires" | "result_ttl" | "delay", value) => match value {
            Value::Text(text) => literal::duration(text),
            Value::Int(seconds) => literal::seconds(*seconds as f64),
            Value::Float(seconds) => literal::seconds(*seconds),
        },
        _ => Err(format!("write {}", form(name))),
    }
}

/// What the option is written as.
fn form(name: &str) -> &'static str {
    match name {
        "priority" => "\"critical\", \"high\", \"normal\" or \"low\"",
        "backoff" => "\"exponential\" or \"fixed\"",
        "memory" => "a size such as \"64MB\", or whole bytes",
        _ => "a whole number",
    }
}

fn choice(what: &str, text: &str, known: &[&str]) -> Checked {
    let fits = known.contains(&text);
    fits.then_some(())
        .ok_or_else(|| format!("unknown {what} {text:?}: use one of {}", known.join(", ")))
}
