//! Sequences of operations on the cores that everything else rests on.

pub mod channel_operations;
pub mod hub_operations;
