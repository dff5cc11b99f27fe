//! Execution traces: what `runtime/trace` and the flight recorder of Go 1.22 and later write.
//!
//! [`Reader`] gives the events of a trace in order, exactly as Go's own reader
//! (`$GOROOT/src/internal/trace`) does; see NOTES.md beside this file for what is odd about them.

mod batches;
mod event;
mod frontier;
mod generation;
mod hash;
mod ordering;
mod parsed;
mod pdqsort;
mod printable;
mod quote;
mod reader;
mod text;
pub mod wire;

pub use event::{Event, GoState, GoTransition, NO_TASK, NONE, ProcState, ProcTransition};
pub use generation::{ClockSnapshot, Failure, Frame, Generation};
pub use hash::EventHash;
pub use parsed::write_event;
pub use reader::Reader;
pub use text::{trace_of_text, unquote, write_wire_text};
