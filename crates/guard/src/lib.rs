//! One verdict for everything that comes from the network.
