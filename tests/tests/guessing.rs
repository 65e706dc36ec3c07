//! Password guessing against the real binary (SPEC R4.4 to R4.7): who guesses is refused from the n-th failure on, and
//! nobody else is.

#[path = "guessing/common.rs"]
mod common;
#[path = "guessing/limits.rs"]
mod limits;
#[path = "guessing/list.rs"]
mod list;
#[path = "guessing/office.rs"]
mod office;
#[path = "guessing/scanners.rs"]
mod scanners;
#[path = "guessing/times.rs"]
mod times;
#[path = "guessing/told.rs"]
mod told;
