//! A test world for the exchange: clock, lossy network, NAT, scripted phones.
