//! Readers of what Go leaves behind: crash dumps, execution traces and profiles.

pub mod dump;
pub mod leaks;
pub mod profile;
pub mod trace;
