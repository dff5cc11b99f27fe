//! Views of execution traces: text for the terminal, one self-contained page, and the page served
//! with details on demand.

pub(crate) mod trace_fusion;
pub(crate) mod trace_kind;
pub(crate) mod trace_page;
pub(crate) mod trace_serve;
pub(crate) mod trace_text;

use goward_trace::trace::Timeline;
use goward_trace::trace::exception::{Exception, ExceptionGroup, Kind};
use goward_trace::trace::summary::Summary;

/// Everything that is known of one trace.
pub(crate) struct Analysis {
    pub(crate) timeline: Timeline,
    pub(crate) summary: Summary,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) groups: Vec<ExceptionGroup>,
    pub(crate) markers: Vec<trace_fusion::Marker>,
}

impl Analysis {
    /// Whether the trace holds a panic or an error; a cancellation is none.
    pub(crate) fn exceptional(&self) -> bool {
        self.groups.iter().any(|group| group.kind != Kind::Cancel)
    }
}
