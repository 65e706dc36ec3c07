//! What the office speaks to beside phones.
//!
//! [`mail`] is the first: warnings by e-mail. Each link is a client task of its own that nobody waits for; what it must not
//! lose it keeps behind a trait that the binary implements over the store. Not here: deciding what is worth telling.

pub mod mail;
