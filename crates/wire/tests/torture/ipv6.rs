//! RFC 5118: addresses with colons, in brackets and without.

use std::net::IpAddr;

use wire::sip::{Host, MalformedKind, Message};

use super::{Row, contacts, judge, sdp, sip, target};

#[test]
fn ipv6_in_sip_and_sdp_is_read_right() {
    judge(include_str!("rfc5118.txt"), ROWS);
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn received(message: &Message) -> Option<IpAddr> {
    message.top_via().unwrap().received()
}

const ROWS: &[Row] = &[
    Row::taken("ipv6-good", |m| {
        assert_eq!((target(m).host.address(), target(m).port), (Some(address("2001:db8::10")), None));
        assert_eq!(m.top_via().unwrap().host.address(), Some(address("2001:db8::9:1")));
        assert_eq!(sip(contacts(m)[0].uri).host, Host::V6("2001:db8::1".parse().unwrap()));
    }),
    Row::refused("ipv6-bad", MalformedKind::RequestUri),
    Row::taken("port-ambiguous", |m| {
        assert_eq!((target(m).host.address(), target(m).port), (Some(address("2001:db8::10:5070")), None));
    }),
    Row::taken("port-unambiguous", |m| {
        assert_eq!((target(m).host.address(), target(m).port), (Some(address("2001:db8::10")), Some(5070)));
    }),
    Row::taken("via-received-param-with-delim", |m| {
        assert_eq!(received(m), Some(address("2001:db8::9:255")));
    }),
    Row::taken("via-received-param-no-delim", |m| {
        assert_eq!(received(m), Some(address("2001:db8::9:255")));
    }),
    Row::taken("ipv6-in-sdp", |m| {
        let sdp = sdp(m);
        let addresses: Vec<_> = sdp.media.iter().map(|media| sdp.rtp_address(media)).collect();
        let expected = [6000, 6024].map(|port| Some((address("2001:db8::20"), port).into()));
        assert_eq!(addresses, expected);
    }),
    Row::taken("mult-ip-in-header", |m| {
        let vias: Vec<_> = m.vias().map(Result::unwrap).collect();
        assert_eq!((vias[0].host.address(), vias[0].port), (Some(address("2001:db8::9:1")), Some(6050)));
        assert_eq!(vias[1].host.address(), Some(address("192.0.2.1")));
        assert_eq!(vias[2].received(), Some(address("192.0.2.200")));
    }),
    Row::taken("mult-ip-in-sdp", |m| {
        let sdp = sdp(m);
        let addresses: Vec<_> = sdp.media.iter().map(|media| sdp.rtp_address(media).unwrap()).collect();
        assert_eq!(addresses, ["192.0.2.1:22334".parse().unwrap(), "[2001:db8::1]:6024".parse().unwrap()]);
    }),
    Row::taken("ipv4-mapped-ipv6", |m| {
        let mapped = address("::ffff:192.0.2.2");
        assert_eq!(sip(contacts(m)[0].uri).host.address(), Some(mapped));
        let sdp = sdp(m);
        assert_eq!(
            sdp.rtp_address(&sdp.media[0]).map(|rtp| rtp.ip().to_canonical()),
            Some(mapped.to_canonical())
        );
    }),
    Row::refused("ipv6-bug-abnf-3-colons", MalformedKind::RequestUri)
        .but("three colons come from a fault in RFC 3261's grammar; they name no address (RFC 3986)"),
];
