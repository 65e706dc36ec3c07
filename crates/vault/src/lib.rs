//! Sealing what goes to disk.
