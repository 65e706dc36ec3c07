//! A test world for the exchange, in one deterministic process and from one seed: clocks, a network that loses, doubles,
//! delays and translates, connections that break, a disk that is late, scripted phones and attackers.
//!
//! [`World`] holds it all; scenarios (`tests/`) tell its phones what to do; [`walk`] lets random phones do random things
//! over random networks. What must hold is checked after each step, and a failure shows its seed, its step and the last
//! messages. Planted bugs ([`sabotage`]) prove that the checks see.
//!
//! The phones are written from the RFCs and share nothing with the server but `wire`. Not here: sockets and threads
//! (`net`), real peers (the black-box tests).

pub mod attacker;
pub mod clock;
pub mod network;
pub mod office;
pub mod phone;
pub mod sabotage;
pub mod server;
pub mod walk;
pub mod world;

pub use clock::{millis, secs};
pub use network::{Fate, Faults, Toward};
pub use office::Office;
pub use phone::{Answering, DialogId, Ending, Habits, Lamp, Late, Referred, Registered, Role, Stage};
pub use sabotage::Bug;
pub use world::{Failure, Place, Plan, SERVER_V4, SERVER_V6, World};
