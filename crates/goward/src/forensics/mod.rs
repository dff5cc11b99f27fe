//! What the commands `crash`, `leaks` and `profile` share: reading their inputs, showing source
//! lines, and keeping hostile names from reaching a terminal or a page.

pub(crate) mod bundle;
pub(crate) mod crash_html;
pub(crate) mod crash_json;
pub(crate) mod crash_sarif;
pub(crate) mod crash_text;
pub(crate) mod escape;
pub(crate) mod finding_view;
pub(crate) mod go_test_command;
pub(crate) mod hazards;
pub(crate) mod http;
pub(crate) mod input;
pub(crate) mod leak_source;
pub(crate) mod leaks_view;
pub(crate) mod profile_html;
pub(crate) mod snapshots;
pub(crate) mod source;
pub(crate) mod test_leaks;
pub(crate) mod unpack;
pub(crate) mod watched_program;
