//! Targets of the machines.

pub mod buckets;
pub mod exchange;
pub mod script;
pub mod shard;
pub mod stack;
