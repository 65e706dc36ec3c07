//! Floods, of each kind from one address and from many, in a network namespace of their own (SPEC R4.17). While they last people who
//! talk hear each other, known phones register, the control socket answers and memory stays; when they stop all is as before.

#[path = "floods/attack.rs"]
mod attack;
#[path = "floods/connections.rs"]
mod connections;
#[path = "floods/known.rs"]
mod known;
#[path = "floods/media.rs"]
mod media;
#[path = "floods/office.rs"]
mod office;
#[path = "floods/requests.rs"]
mod requests;
#[path = "floods/talk.rs"]
mod talk;
