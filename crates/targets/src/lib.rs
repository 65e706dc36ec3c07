//! Fuzz targets: for each parser and each machine one function of bytes that panics when something that must hold does not.
//!
//! Two drivers call them: `tests/mutations.rs` with the small seeded mutator of [`mutate`] on stable Rust, and `fuzz/` with
//! libFuzzer. What must hold is more than that nothing panics: what is read and written again is read the same, memory is a
//! multiple of the input, a machine that is asked when nothing is due says nothing, what a machine holds comes back to zero, and
//! nobody opens a session without proof. Not here: scenarios (`sim`), whole messages and their verdicts (the tables of `wire` and `sip`).

pub mod corpus;
pub mod machines;
pub mod mutate;
pub mod parsers;

/// A target: its name, what it does with an input, and where its seeds come from.
pub struct Target {
    /// As `fuzz/fuzz_targets` and the corpus call it.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "sip_message", run: parsers::message::message, seeds: corpus::messages },
    Target { name: "sip_stream", run: parsers::message::stream, seeds: corpus::messages },
    Target { name: "sip_fields", run: parsers::fields::fields, seeds: corpus::fields },
    Target { name: "sip_uri", run: parsers::fields::uri, seeds: corpus::fields },
    Target { name: "name_addr", run: parsers::fields::name_addr, seeds: corpus::fields },
    Target { name: "digest", run: parsers::fields::digest, seeds: corpus::digests },
    Target { name: "sdp", run: parsers::media::sdp, seeds: corpus::descriptions },
    Target { name: "rtp", run: parsers::media::rtp, seeds: corpus::packets },
    Target { name: "rtcp", run: parsers::media::rtcp, seeds: corpus::packets },
    Target { name: "config", run: parsers::office::config, seeds: corpus::configurations },
    Target { name: "scalars", run: parsers::office::scalars, seeds: corpus::scalars },
    Target { name: "stack", run: machines::stack::stack, seeds: corpus::scripts },
    Target { name: "exchange", run: machines::exchange::exchange, seeds: corpus::scripts },
    Target { name: "shard", run: machines::shard::shard, seeds: corpus::packets },
    Target { name: "buckets", run: machines::buckets::buckets, seeds: corpus::packets },
];
