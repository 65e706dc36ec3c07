//! The database, revisions, records, logs: the one door to the disk.
