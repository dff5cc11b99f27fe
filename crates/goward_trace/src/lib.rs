//! Readers of what Go leaves behind: crash dumps, execution traces and profiles.

pub mod dump;
