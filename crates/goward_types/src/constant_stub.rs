//! Stand-in until the constants land.
use std::sync::Arc;
#[derive(Clone, Debug)]
pub enum Value {
    Unknown,
    Bool(bool),
    String(Arc<[u8]>),
    Int(i64),
}
