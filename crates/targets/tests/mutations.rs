//! Every target, fed with mutants of its corpus. `FUZZ_SECONDS` says how long each runs (2 without it), `FUZZ_SEED` where it begins.
#![allow(missing_docs)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use targets::{TARGETS, corpus, mutate};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Feeds a target: first what once failed, then the corpus, then mutants until the time is over.
fn feed(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "no seeds");
    for input in corpus::found(name).iter().chain(&seeds) {
        run(name, target.run, input);
    }
    let (first, seconds) = (number("FUZZ_SEED", 1), number("FUZZ_SECONDS", 2));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = first;
    while Instant::now() < end {
        run(name, target.run, &mutate::mutant(seed, &seeds));
        seed += 1;
    }
    println!("{name}: {} mutants", seed - first);
}

/// A failing input is shown as it can be put into the corpus.
fn run(name: &str, target: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        panic!(
            "{name} fails; put this into crates/targets/corpus/found/{name}-WHAT with printf:\n{}",
            printf(input)
        );
    }
}

fn printf(input: &[u8]) -> String {
    let text: String = input
        .iter()
        .map(|byte| match byte {
            b'\\' | b'\'' | b'%' | 0..=31 | 127.. => format!("\\{byte:03o}"),
            byte => char::from(*byte).to_string(),
        })
        .collect();
    format!("printf '{text}'")
}

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(#[test] fn $test() { feed($name); })*

        #[test]
        fn every_target_is_fed() {
            let fed = [$($name),*];
            assert_eq!(fed.to_vec(), TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
        }
    };
}

targets! {
    no_mutant_of_a_message_breaks_the_parser "sip_message"
    no_mutant_of_a_stream_breaks_the_framer "sip_stream"
    no_mutant_of_a_field_breaks_its_parser "sip_fields"
    no_mutant_of_a_uri_breaks_its_parser "sip_uri"
    no_mutant_of_an_address_breaks_its_parser "name_addr"
    no_mutant_of_credentials_breaks_their_parser "digest"
    no_mutant_of_a_description_breaks_its_parser "sdp"
    no_mutant_of_a_packet_breaks_its_parser "rtp"
    no_mutant_of_a_report_breaks_its_parser "rtcp"
    no_mutant_of_a_configuration_breaks_its_parser "config"
    no_mutant_of_a_scalar_breaks_its_parser "scalars"
    nothing_that_phones_say_breaks_the_stack "stack"
    nothing_that_phones_say_breaks_the_exchange "exchange"
    no_packet_or_command_breaks_a_shard "shard"
    no_order_of_sources_breaks_the_buckets "buckets"
}
