//! What fails around the server while people talk: the disk, the file handles, the database, the clock. Inside calls go on,
//! what failed is named, and when it is mended all is as before, without a restart.

#[path = "trouble/clock.rs"]
mod clock;
#[path = "trouble/common.rs"]
mod common;
#[path = "trouble/database.rs"]
mod database;
#[path = "trouble/disk.rs"]
mod disk;
#[path = "trouble/handles.rs"]
mod handles;
#[path = "trouble/memory.rs"]
mod memory;
#[path = "trouble/names.rs"]
mod names;
