//! Options as people write them, checked in one place for every language.

mod durability;
mod engine;
mod limits;
mod sandbox;
mod spelling;
mod task;
mod value;

pub use durability::Durability;
pub use engine::EngineOptions;
pub use limits::LimitOptions;
pub use spelling::Style;
pub(crate) use spelling::nearest;
pub use task::{Defaults, TaskOptions};
pub use value::OptionValue;
