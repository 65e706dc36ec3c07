//! The lock on outgoing calls (SPEC R4.11): nobody calls outside until an administrator lifts it.

use serde::{Deserialize, Serialize};

use crate::Wall;

/// Whether calls may leave the house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outgoing {
    /// They may.
    #[default]
    Open,
    /// Only to emergency numbers.
    Locked,
}

/// Longest cause kept: a sentence or two.
pub const MAX_CAUSE: usize = 256;

/// The lock, while it is set.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Why; an administrator's words.
    pub cause: String,
    /// Who or what set it.
    pub by: String,
    /// Since when.
    pub since: Wall,
}
