//! The whole exchange, told real SIP text by scripted phones.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod addresses;
mod basic;
mod commands;
mod early;
mod forking;
mod forwarding;
mod identity;
mod inside;
mod lamps;
mod limits;
mod lines;
mod office;
mod phone;
mod streams;

/// The phones of the office.
const ALICE: office::Phone = office::Phone("101", 20_101);
const ALICE_ALSO: office::Phone = office::Phone("101-b", 20_111);
const BOB: office::Phone = office::Phone("102", 20_102);
const CAROL: office::Phone = office::Phone("103", 20_103);

/// Everybody registered, with this directory.
fn office(directory: model::directory::Directory) -> office::Office {
    office::Office::with_phones(directory, &[ALICE, BOB, CAROL])
}

/// Alice talks to Bob.
fn talking(office: &mut office::Office) -> (phone::Dialog, phone::Dialog) {
    phone::dial(office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    let bob = phone::pick_up(office, BOB, &invite);
    let (alice, _) = phone::connected(office, ALICE);
    (alice, bob)
}
