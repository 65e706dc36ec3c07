//! The HTTP resources of `/api/v1`, served on the control socket and over HTTPS (SPEC R3.5, R8.1).
//!
//! [`Office`] is what stands behind them: the binary implements it over channels. What goes over the wire is in
//! [`body`], errors are [`Problem`]s (RFC 9457). The peer's user is the author of every change. Not here: deciding, storing,
//! opening the socket.

pub mod access;
mod author;
pub mod body;
mod caller;
pub mod console;
pub mod drill;
pub mod letters;
pub mod live;
mod logs;
pub mod objects;
mod office;
mod openapi;
mod permission;
mod problem;
mod registrations;
mod routes;
mod serve;
mod shares;
mod size;
pub mod views;

pub use axum::http::StatusCode;

pub use author::{Author, user_name};
pub use caller::{Access, By, Caller, Visitor};
pub use console::Console;
pub use letters::Letters;
pub use objects::Registry;
pub use office::{ApplyOptions, BlockWish, LogLines, LogQuery, Office, RegistrationQuery, RegistrationSort};
pub use permission::{Permission, Permissions};
pub use problem::Problem;
pub use serve::{Https, serve};
pub use shares::{Share, Shares};
pub use views::Views;

/// Longest body taken: the largest configuration file.
pub const MAX_BODY: usize = model::config::MAX_FILE;

#[cfg(test)]
mod tests;
