use super::*;
use crate::directory::{self, Known};

const STRICT: &str = "[security.guessing]\nattempts = 3\nperiod = \"1m\"\nblock = \"10m\"\nknown = \"address\"\n\
                      warn_email = \"it@example.test\"\ntrusted = \"Inside\"\nslow = { attempts = 50 }\n";

#[test]
fn the_guard_is_as_strict_as_it_is_told_and_as_before_when_the_section_goes() {
    let told = applied(&office(), STRICT);
    let guessing = super::super::directory(&told, None).guessing;
    let seconds = std::time::Duration::from_secs;
    assert_eq!((guessing.attempts, guessing.period, guessing.block), (3, seconds(60), seconds(600)));
    assert_eq!((guessing.known, guessing.slow), (Known::Address, Some((50, seconds(86_400)))));
    assert!(guessing.trusted.contains(&"192.168.10.0/24".parse().expect("a network")));
    let again = Office::restore(told.revision, told.rows()).expect("reads back");
    assert_eq!(again.security, told.security);
    let text = super::super::export(&told, super::super::Secrets::Omit);
    assert!(try_apply(&told, &text, &Options::default()).expect("applies").is_empty(), "{text}");
    let merged = merged(&told, "[security.guessing]\nattempts = 4");
    assert_eq!(merged.security.guessing.attempts, 4);
    let plain = applied(&told, "[security.guessing]\n");
    assert_eq!(super::super::directory(&plain, None).guessing, directory::Guessing::default());
}

#[test]
fn a_rule_that_can_not_be_meant_is_refused_where_it_stands() {
    for (line, expected) in [
        (
            "attempts = 0",
            "2:12: security.guessing.attempts: 0 failures can't be what blocks; write a number from 1",
        ),
        ("attempts = 101", "2:12: security.guessing.attempts: 101 failures can't be what blocks"),
        ("attempts = -1", "2:12: security.guessing.attempts: out of range"),
        ("period = \"0s\"", "2:10: security.guessing.period: 0s is too short; write 1s or more"),
        ("block = \"1y\"", "2:9: security.guessing.block: 1y is not a span of time"),
        ("known = \"both\"", "2:9: security.guessing.known: both is not what is refused first"),
        ("warn_email = \"me\"", "2:14: security.guessing.warn_email: not an e-mail address"),
        ("slow = { attempts = 0 }", "security.guessing.slow.attempts: 0 failures can't be what blocks"),
        ("attemps = 3", "2:1: security.guessing.attemps: unknown key attemps; did you mean attempts?"),
        ("trusted = \"Nobody\"", "2:11: security.guessing.trusted: address group Nobody does not exist"),
    ] {
        let shown = problems(&office(), &format!("[security.guessing]\n{line}\n")).to_string();
        assert!(shown.contains(expected), "{shown}");
    }
    for everybody in ["\"0.0.0.0/0\"", "\"::/1\", \"8000::/1\"", "\"0.0.0.0/1\", \"group:Rest\""] {
        let text = format!(
            "[[address_groups]]\nname = \"Rest\"\nmembers = [\"128.0.0.0/1\"]\n\
             [[address_groups]]\nname = \"All\"\nmembers = [{everybody}]\n[security.guessing]\ntrusted = \"All\"\n"
        );
        let shown = problems(&Office::default(), &text).to_string();
        assert!(
            shown.contains("8:11: security.guessing.trusted: address group All holds every address"),
            "{shown}"
        );
    }
}

#[test]
fn the_trusted_group_is_followed_when_it_is_renamed_and_can_not_be_deleted() {
    let before = applied(&office(), STRICT);
    let renamed = "[[address_groups]]\nname = \"Within\"\nwas = \"Inside\"\nmembers = [\"10.0.0.1\"]\n\
                   [[address_groups]]\nname = \"SIP allowed\"\nmembers = [\"group:Within\"]\n";
    assert_eq!(applied(&before, renamed).security.guessing.trusted.as_deref(), Some("Within"));
    let without = "[[address_groups]]\nname = \"Else\"\nmembers = [\"10.0.0.1\"]";
    let shown = problems(&before, without).to_string();
    assert!(shown.contains("security.guessing.trusted: address group Inside does not exist"), "{shown}");
}
