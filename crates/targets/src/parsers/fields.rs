//! Values of header fields: addresses, URIs, credentials, and the fields of call control.

use wire::digest::{Challenge, Credentials};
use wire::sip::{
    Event, Host, NameAddr, Params, RAck, ReferTo, Replaces, SessionExpires, SubscriptionState, Uri, Values,
    Via, percent_decode, quote, unescape,
};

/// Fields of call control: what is written is read the same.
pub fn fields(input: &[u8]) {
    if let Ok(rack) = RAck::parse(input) {
        assert_eq!(RAck::parse(rack.to_string().as_bytes()), Ok(rack));
    }
    if let Ok(timer) = SessionExpires::parse(input) {
        assert_eq!(SessionExpires::parse(timer.to_string().as_bytes()), Ok(timer));
    }
    if let Ok(replaces) = Replaces::parse(input) {
        assert_eq!(Replaces::parse(&replaces.value()), Ok(replaces));
        let uri = [b"<sip:a@b?", &replaces.uri_header()[..], b">"].concat();
        let refer = ReferTo::parse(&uri).expect("an escaped Replaces stands in a URI");
        assert_eq!(refer.replaces(), Some(replaces));
    }
    if let Ok(event) = Event::parse(input) {
        assert!(event.matches(&event) && !event.package.is_empty());
    }
    let _ = (SubscriptionState::parse(input), wire::sip::Reason::parse(input));
    if let Ok(via) = Via::parse(input) {
        let again = [b"SIP/2.0/", via.transport, b" ", via.sent_by, via.params.raw()].concat();
        let again = Via::parse(&again).expect("a Via of the same parts");
        assert_eq!((again.host, again.port, again.branch()), (via.host, via.port, via.branch()));
    }
    assert!(Values::new(input).count() <= input.len());
    assert!(unescape(input).len() <= input.len() && percent_decode(input).len() <= input.len());
    if let Ok(params) = Params::parse(input) {
        assert!(params.iter().count() <= wire::sip::limits::MAX_PARAMS);
    }
}

/// A URI: it is the same as itself, and its host is read as it is shown.
pub fn uri(input: &[u8]) {
    if let Ok(host) = Host::parse(input) {
        assert_eq!(Host::parse(host.to_string().as_bytes()), Ok(host));
    }
    let Ok(uri) = Uri::parse(input) else { return };
    assert!(uri.matches(&uri));
    if let Uri::Sip(sip) = uri {
        assert!(sip.user_decoded().len() <= input.len());
        assert!(sip.uri_headers().count() <= input.len());
        assert_eq!(Host::parse(sip.host.to_string().as_bytes()), Ok(sip.host));
    }
}

/// An address: written in brackets with its display name quoted it is the same address.
pub fn name_addr(input: &[u8]) {
    let Ok(address) = NameAddr::parse(input) else { return };
    assert!(address.uri().is_ok());
    let display = address.display_text();
    let mut written = quote(&display).into_bytes();
    written.extend_from_slice(b" <");
    written.extend_from_slice(address.uri);
    written.push(b'>');
    written.extend_from_slice(address.params.raw());
    let again = NameAddr::parse(&written).expect("an address of the same parts");
    let shown: String = display.chars().filter(|character| !character.is_control()).collect();
    assert_eq!(again.display_text(), shown);
    assert_eq!(
        (again.uri, again.params.raw(), again.tag()),
        (address.uri, address.params.raw(), address.tag())
    );
}

/// Credentials and challenges: a challenge is read as it is shown.
pub fn digest(input: &[u8]) {
    if let Ok(credentials) = Credentials::parse(input) {
        assert!(credentials.username.len() <= input.len() && credentials.uri.len() <= input.len());
        assert!(
            !format!("{credentials:?}")
                .contains(&format!("{:?}", String::from_utf8_lossy(credentials.response)))
                || credentials.response.len() < 8
        );
    }
    if let Ok(challenge) = Challenge::parse(input) {
        let shown = challenge.to_string();
        let again = Challenge::parse(shown.as_bytes()).expect("a challenge as it is shown");
        assert_eq!(
            (again.nonce, again.algorithm, again.qop),
            (challenge.nonce, challenge.algorithm, challenge.qop)
        );
        assert_eq!(again.freshness, challenge.freshness);
    }
}
