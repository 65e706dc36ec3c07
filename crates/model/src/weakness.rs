//! Weaknesses that tests plant, to see that a drill finds them (docs/decisions/0025).
//!
//! Each has one question in the code that it weakens. Without the feature `weakness` the answer is a constant, so the
//! compiler leaves nothing of the question; with it, which no build with optimisation may have, the variable
//! `RINGWALL_WEAKNESS` says which one is there. It stands in the lowest room because every room above asks.

/// What may be weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Wrong passwords are counted against nobody.
    Uncounted,
    /// Who is blocked is served all the same.
    BlocksIgnored,
    /// A name that does not exist is challenged in another way.
    NamesTold,
    /// Who shows no password is taken for whom he says.
    NoPasswords,
    /// An answer to a challenge that was never given to its sender counts.
    AnyNonce,
    /// A phone that must encrypt may come in clear.
    InClear,
    /// A broken message holds up those after it.
    Fragile,
    /// Sound is passed on from whomever it comes.
    AnySound,
    /// The console's API asks nobody who he is.
    Keyless,
}

/// All, by the names that the variable may have.
pub const WEAKNESSES: [(&str, Weakness); 9] = [
    ("uncounted", Weakness::Uncounted),
    ("blocks-ignored", Weakness::BlocksIgnored),
    ("names-told", Weakness::NamesTold),
    ("no-passwords", Weakness::NoPasswords),
    ("any-nonce", Weakness::AnyNonce),
    ("in-clear", Weakness::InClear),
    ("fragile", Weakness::Fragile),
    ("any-sound", Weakness::AnySound),
    ("keyless", Weakness::Keyless),
];

#[cfg(all(feature = "weakness", not(debug_assertions)))]
compile_error!("the feature `weakness` is for tests: a build that is meant to be used must not have it");

/// Whether this weakness is there.
#[cfg(not(feature = "weakness"))]
#[inline(always)]
pub const fn planted(_: Weakness) -> bool {
    false
}

/// Whether this weakness is there.
#[cfg(feature = "weakness")]
pub fn planted(weakness: Weakness) -> bool {
    chosen() == Some(weakness)
}

/// The one that the variable names.
#[cfg(feature = "weakness")]
pub fn chosen() -> Option<Weakness> {
    static CHOSEN: std::sync::OnceLock<Option<Weakness>> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let wanted = std::env::var("RINGWALL_WEAKNESS").ok()?;
        WEAKNESSES.iter().find(|(name, _)| *name == wanted).map(|(_, weakness)| *weakness)
    })
}
