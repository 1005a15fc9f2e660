//! The attribute `#[bursar::task]`; use it through the crate `bursar`.

mod expand;
mod function;
mod literal;
mod options;

use proc_macro::TokenStream;
use syn::{ItemFn, parse_macro_input};

/// Makes a function a task.
///
/// The function stays as it is and can be called as before. Beside it stands a type of the same
/// name with two functions: `NAME::call(arguments)` gives a `Call` to submit, and `NAME::task()` a
/// `Task` to register with an engine that runs what others submit.
///
/// An `async fn` runs on tokio, any other on a thread. Arguments are owned, and `Serialize` and
/// `DeserializeOwned`, as is the result. The return type is either written as a `Result` (also as
/// `io::Result<T>` or `anyhow::Result<T>`) whose error says how the task failed, or is the result
/// itself. What is called `Result` is taken for one; an alias of another name is not.
///
/// # Options
///
/// All have the form `name = value` and are checked when the program is compiled.
///
/// | option | value | default |
/// |---|---|---|
/// | `name` | the task's stable name, which is stored with its jobs | module path and function |
/// | `priority` | `"critical"`, `"high"`, `"normal"`, `"low"` | `"normal"` |
/// | `memory` | a size: `"64MB"`, `"64MiB"`, bytes | the engine's `default_memory` |
/// | `cpu` | cores: `2`, `0.5`, `"500m"` | 0 |
/// | `tokens` | `tokens(gpu = 1, "licence" = 2)` | none |
/// | `timeout` | a duration: `"500ms"`, `"10s"`, `"5m"`, seconds | the engine's `default_timeout` |
/// | `retries` | attempts after the first | 0 |
/// | `retry_delay` | a duration | 1 s |
/// | `backoff` | `"exponential"`, `"fixed"` | `"exponential"` |
/// | `expires` | a duration: not started by then, it is cancelled | never |
/// | `result_ttl` | a duration | 1 h in memory, 7 days on disk |
/// | `delay` | a duration | none |
/// | `unique` | a key with arguments in braces, as for `format!`: `"resize:{path}"` | none |
///
/// ```
/// #[bursar::task(memory = "64MB", retries = 3, unique = "resize:{path}")]
/// async fn resize(path: String, width: u32) -> Result<String, std::io::Error> {
///     Ok(format!("{path} at {width}"))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let engine = bursar::Engine::open("memory:").start().wait()?;
/// let job = engine.submit(resize::call("a.png".into(), 100)).wait()?;
/// assert_eq!(job.wait()?, "a.png at 100");
/// # Ok(())
/// # }
/// ```
///
/// What can't travel is refused when the program is compiled: an argument that is not
/// `Serialize` and `DeserializeOwned`, an error that is none, a key that names no argument.
///
/// ```compile_fail,E0277
/// struct Opaque;
///
/// #[bursar::task]
/// fn takes(value: Opaque) {}
/// ```
///
/// ```compile_fail,E0277
/// struct Opaque;
///
/// #[bursar::task]
/// fn fails() -> Result<(), Opaque> {
///     Err(Opaque)
/// }
/// ```
///
/// ```compile_fail,E0425
/// #[bursar::task(unique = "resize:{file}")]
/// fn resize(path: String) {}
/// ```
#[proc_macro_attribute]
pub fn task(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    expand::task(attribute.into(), &function)
        .unwrap_or_else(|error| expand::refused(&error, &function))
        .into()
}
