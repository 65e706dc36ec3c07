//! RFC 5118.

use super::{Row, all, asked, judge};

#[test]
fn messages_with_ipv6_are_answered() {
    judge(include_str!("../../../wire/tests/torture/rfc5118.txt"), ROWS);
}

const ROWS: &[Row] = &[
    asked("ipv6-good", 200, "taken"),
    all("ipv6-bad", Some(400), "no brackets"),
    asked("port-ambiguous", 200, "all of it is the address"),
    asked("port-unambiguous", 200, "a port behind the brackets"),
    all("via-received-param-with-delim", Some(481), "readable; a BYE for no call"),
    all("via-received-param-no-delim", Some(200), "taken"),
    asked("ipv6-in-sdp", 100, "taken"),
    all("mult-ip-in-header", Some(481), "readable; a BYE for no call"),
    asked("mult-ip-in-sdp", 100, "taken"),
    asked("ipv4-mapped-ipv6", 100, "taken"),
    all(
        "ipv6-bug-abnf-3-colons",
        None,
        "three colons name no address, in To neither: there is nobody to answer",
    ),
];
