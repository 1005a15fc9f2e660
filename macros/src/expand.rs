//! What the attribute expands to: the function as it was, and a type of its name with `call` and
//! `task`. A type, since it sees what the function sees, also inside of another function.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Ident, ItemFn, Result};

use crate::function::{self, Output, Parameter};
use crate::options::Options;

/// The expansion.
///
/// # Errors
/// Where the function can't be a task, or an option is wrong.
pub(crate) fn task(attribute: TokenStream, function: &ItemFn) -> Result<TokenStream> {
    let options = Options::parse(attribute)?;
    let parameters = function::parameters(function)?;
    let output = function::output(function)?;
    let call = call(function, &options, &parameters, &output);
    let definition = definition(function, &options, &parameters, &output);
    let (vis, name) = (&function.vis, &function.sig.ident);
    let conditions: Vec<_> = conditions(function).collect();
    let doc = format!("The task [`{name}`](fn@{name}): how it is called and registered.");
    Ok(quote! {
        #function

        #(#conditions)*
        #[doc = #doc]
        #[allow(non_camel_case_types, clippy::empty_enums, clippy::empty_enum)]
        #vis enum #name {}

        #(#conditions)*
        #[allow(dead_code)]
        impl #name {
            #call
            #definition

            /// The task, to register with an engine.
            #vis fn task() -> ::bursar::Task {
                ::bursar::Task::of(Self::__definition())
            }
        }
    })
}

/// The error, and the function as it was, so that its callers give no errors of their own.
pub(crate) fn refused(error: &Error, function: &ItemFn) -> TokenStream {
    let error = error.to_compile_error();
    quote! { #error #function }
}

/// The conditions under which the function is compiled.
fn conditions(function: &ItemFn) -> impl Iterator<Item = &Attribute> {
    function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
}

fn call(
    function: &ItemFn,
    options: &Options,
    parameters: &[Parameter],
    output: &Output,
) -> TokenStream {
    let (vis, name) = (&function.vis, &function.sig.ident);
    let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
    let kinds = parameters.iter().map(|parameter| parameter.kind);
    // What is wrong with the type of a parameter is shown there.
    let with = parameters.iter().map(|parameter| {
        let (name, label) = (parameter.name, parameter.name.to_string());
        quote_spanned! { parameter.kind.span() => .with(#label, &#name) }
    });
    let result = result_type(output);
    let unique = options.unique.as_ref();
    let unique = unique.map(|key| quote_spanned! { key.span() => .unique(::std::format!(#key)) });
    let doc = format!("A call of [`{name}`](fn@{name}), to submit to an engine.");
    let collect = quote! { ::bursar::expanded::Collect::new()#(#with)* };
    quote! {
        #[doc = #doc]
        #[allow(clippy::too_many_arguments)]
        #vis fn call(#(#names: #kinds),*) -> ::bursar::Call<#result> {
            ::bursar::Call::of(Self::__definition(), #collect)#unique
        }
    }
}

fn result_type(output: &Output) -> TokenStream {
    match output {
        Output::Nothing => quote! { () },
        Output::Plain(kind) => quote! { #kind },
        Output::Fallible(kind) => {
            quote_spanned! { kind.span() => <#kind as ::bursar::TaskOutput>::Output }
        }
    }
}

fn definition(
    function: &ItemFn,
    options: &Options,
    parameters: &[Parameter],
    output: &Output,
) -> TokenStream {
    let name = &function.sig.ident;
    let executor = if function.sig.asyncness.is_some() {
        "Async"
    } else {
        "Thread"
    };
    let executor = Ident::new(executor, name.span());
    let handler = handler(function, parameters, output);
    let pairs = &options.pairs;
    let given = options.name.as_ref().map(|name| quote! { #name });
    let task_name = given.unwrap_or_else(|| {
        quote! { ::std::concat!(::std::module_path!(), "::", ::std::stringify!(#name)) }
    });
    quote! {
        fn __definition() -> &'static ::bursar::expanded::Definition {
            fn handler() -> ::bursar::expanded::Handler {
                #handler
            }
            static DEFINITION: ::bursar::expanded::Definition = ::bursar::expanded::Definition {
                name: #task_name,
                executor: ::bursar::expanded::ExecutorKind::#executor,
                options: &[#(#pairs),*],
                handler,
            };
            &DEFINITION
        }
    }
}

fn handler(function: &ItemFn, parameters: &[Parameter], output: &Output) -> TokenStream {
    let name = &function.sig.ident;
    let labels = labels(parameters);
    let kinds: Vec<_> = parameters.iter().map(|parameter| parameter.kind).collect();
    // Of our own, so that a parameter with the function's name doesn't hide it.
    let values: Vec<_> = (0..parameters.len())
        .map(|index| format_ident!("argument_{index}"))
        .collect();
    let called = quote! { #name(#(#values),*) };
    let (make, body) = if function.sig.asyncness.is_some() {
        let ended = ended(output, &quote! { #called.await });
        (quote! { asynchronous }, quote! { async move { #ended } })
    } else {
        (quote! { blocking }, ended(output, &called))
    };
    quote! {
        ::bursar::expanded::#make(&[#(#labels),*], |(#(#values,)*): (#(#kinds,)*)| #body)
    }
}

/// The end of an attempt that `value` stands for.
fn ended(output: &Output, value: &TokenStream) -> TokenStream {
    match output {
        Output::Nothing => quote! {{ #value; ::bursar::expanded::returned(&()) }},
        Output::Plain(kind) => {
            quote_spanned! { kind.span() => ::bursar::expanded::returned(&#value) }
        }
        Output::Fallible(kind) => {
            quote_spanned! { kind.span() => ::bursar::TaskOutput::end(#value) }
        }
    }
}

fn labels(parameters: &[Parameter]) -> Vec<String> {
    parameters
        .iter()
        .map(|parameter| parameter.name.to_string())
        .collect()
}
