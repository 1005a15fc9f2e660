//! The referee: starts children, kills them, lets clean ones finish what is left, and looks at what
//! became of everything that was promised.

mod crew;
mod drain;
mod facts;
mod history;
mod overtake;
mod promises;
mod report;
mod round;
mod run;
mod settings;
mod store;

pub use crew::{Crew, Language, Said};
pub use drain::Drain;
pub use facts::Facts;
pub use promises::faults;
pub use report::{Fault, Report};
pub use round::Round;
pub use run::run;
pub use settings::Settings;
pub use store::open as open_store;
