//! Execution traces: what `runtime/trace` and the flight recorder of Go 1.22 and later write.
//!
//! [`Reader`] gives the events of a trace in order, exactly as Go's own reader
//! (`$GOROOT/src/internal/trace`) does; see NOTES.md beside this file for what is odd about them.

mod batches;
mod block;
mod bytes;
mod decoding;
pub mod detail;
mod engine;
mod event;
pub mod exception;
mod export;
mod frontier;
mod generation;
mod hash;
mod huge_pages;
mod number_index;
mod numbers;
mod ordering;
mod parsed;
mod pdqsort;
mod printable;
mod processor_lanes;
mod quote;
mod reader;
mod source;
pub mod summary;
mod symbols;
mod text;
mod texts;
pub mod timeline;
pub mod wire;

pub use event::{Event, GoState, GoTransition, NO_TASK, NONE, ProcState, ProcTransition};
pub use export::{interesting_goroutines, write_chrome, write_perfetto};
pub use generation::{ClockSnapshot, Failure, Frame, Generation};
pub use hash::EventHash;
pub use parsed::write_event;
pub use processor_lanes::{ProcessorLane, processor_lanes};
pub use reader::Reader;
pub use symbols::{FrameId, Place, StackId, StringId, Symbols};
pub use text::{trace_of_text, unquote, write_wire_text};
pub use timeline::Timeline;
