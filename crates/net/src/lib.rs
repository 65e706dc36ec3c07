//! Sockets, threads, timers: drives the machines.
