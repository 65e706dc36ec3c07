//! The configuration file and the words in it.

use model::config::{
    Member, Office, Options, PortRange, Refusal, Secrets, Size, Source, Span, Supply, export, plan,
};
use model::{DialString, Entropy, Id, IdMint, Wall};

/// A file: what it says is exported, and what is exported says the same.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let office = Office::default();
    match apply(&office, text) {
        Ok(plan) => {
            let exported = export(&plan.after, Secrets::Omit);
            let again = apply(&plan.after, &exported);
            assert!(
                again.is_ok_and(|again| again.is_empty()),
                "an export applied again changes something:\n{exported}"
            );
        }
        Err(Refusal::Problems(problems)) => assert!(!problems.to_string().is_empty()),
        Err(_) => {}
    }
}

fn apply(office: &Office, text: &str) -> Result<model::config::Plan, Refusal> {
    let mut entropy = Entropy::from_seed([42; 32]);
    let mint = IdMint::new(1, &mut entropy);
    let mut supply =
        Supply { entropy, mint, wall: Wall::from_millis(1_795_369_458_123), verify: |_, _| false };
    plan(office, Source::Toml("office.toml", text), &Options::default(), &mut supply)
}

/// Durations, sizes, port ranges, addresses, numbers, ids, times: what is shown is read the same.
pub fn scalars(input: &[u8]) {
    if let Ok(number) = DialString::parse(input) {
        assert_eq!(DialString::parse(number.as_str().as_bytes()).as_ref(), Ok(&number));
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(span) = Span::parse(text) {
        assert_eq!(Span::parse(&span.to_string()), Ok(span));
    }
    if let Ok(size) = Size::parse(text) {
        assert_eq!(Size::parse(&size.to_string()), Ok(size));
    }
    if let Ok(range) = PortRange::parse(text) {
        assert_eq!(PortRange::parse(&range.to_string()), Ok(range));
    }
    if let Ok(member) = Member::parse(text) {
        assert_eq!(Member::parse(&member.to_string()).as_ref(), Ok(&member));
        assert!(member.prefixes().len() <= 256, "{} prefixes of {text}", member.prefixes().len());
    }
    if let Ok(id) = text.parse::<Id>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(wall) = Wall::parse(text) {
        assert_eq!(Wall::parse(&wall.to_string()), Ok(wall));
    }
}
