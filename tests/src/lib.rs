//! Black-box tests: the real binary, real phones, nothing of ours linked in.
//!
//! The modules here drive programs: [`Pbx`] the server under test, [`Sipp`], [`Baresip`], [`probe`] other people's
//! phones and scanners, [`Kamailio`] a stand-in that proves the drivers themselves. [`RawPhone`] speaks SIP byte by byte
//! where a test must see exactly what came back. The tests are in `tests/`, one idea a file.
//!
//! Not here: anything that imports a crate of the product. What is asserted is what a stranger could observe.

pub mod baresip;
pub mod bridge;
pub mod call;
pub mod config;
pub mod control;
pub mod digest;
pub mod ear;
pub mod faults;
pub mod forger;
pub mod guesser;
pub mod https;
pub mod kamailio;
pub mod lamp;
pub mod link;
pub mod linphone;
pub mod name_server;
pub mod netns;
pub mod pbx;
pub mod place;
pub mod probe;
pub mod process;
pub mod raw;
pub mod resource;
pub mod secure;
pub mod sipp;
pub mod smtp;
pub mod stunnel;
pub mod tone;
pub mod wait;
pub mod way;

pub use baresip::Baresip;
pub use config::Office;
pub use ear::Ear;
pub use forger::Forger;
pub use guesser::Guesser;
pub use kamailio::Kamailio;
pub use linphone::Linphone;
pub use netns::Namespaces;
pub use pbx::Pbx;
pub use place::Place;
pub use process::Process;
pub use raw::RawPhone;
pub use secure::TlsPhone;
pub use sipp::Sipp;
pub use smtp::MailServer;
