//! What `goward lab` does: scenarios that show what Go really does, measured on the reader's Go.
//!
//! A scenario is a small Go program under `scenarios/`. [`workspace`] builds it, [`measure`] runs it
//! in a process of its own, [`outcome`] reads what Go printed, [`results`] is the record that
//! [`report`] shows and that `scenarios/RESULTS.json` keeps.

pub(crate) mod assembly;
pub(crate) mod embedded;
pub(crate) mod maps;
pub(crate) mod measure;
pub(crate) mod outcome;
pub(crate) mod process;
pub(crate) mod report;
pub(crate) mod results;
pub(crate) mod scenario;
pub(crate) mod statistics;
pub(crate) mod text;
pub(crate) mod toolchain;
pub(crate) mod workspace;
