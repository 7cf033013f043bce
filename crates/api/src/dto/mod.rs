//! What goes over the bridge, in both directions. TypeScript is generated from here.

mod app;
mod chart;
mod cockpit;
mod consistency;
mod drill;
mod dual_write;
mod endpoint;
mod event;
mod export;
mod journal;
mod migration;
mod plan;
mod preview;
mod queries;
mod run;
mod schema;
mod shadow;
mod transactions;

pub use app::*;
pub use chart::*;
pub use cockpit::*;
pub use consistency::*;
pub use drill::*;
pub use dual_write::*;
pub use endpoint::*;
pub use event::*;
pub use export::*;
pub use journal::*;
pub use migration::*;
pub use plan::*;
pub use preview::*;
pub use queries::*;
pub use run::*;
pub use schema::*;
pub use shadow::*;
pub use transactions::*;
