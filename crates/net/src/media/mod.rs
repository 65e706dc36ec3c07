//! The media plane's effects: port pairs that are really bound, and the threads that move packets.

mod poller;
mod ports;
mod shard;

pub use ports::{BoundPorts, Sockets, free_range};
pub use shard::{Order, Quitting, Shards};
