//! Targets of the parsers.

pub mod fields;
pub mod media;
pub mod message;
pub mod office;
