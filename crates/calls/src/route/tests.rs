use std::net::SocketAddr;
use std::time::Duration;

use model::directory::{Forwarding, Nat};
use model::{Flow, FlowId, Transport};

use super::*;

/// An office of these extensions, each with forwardings.
fn office(extensions: Vec<Extension>) -> Directory {
    let mut directory = Directory::empty();
    for extension in extensions {
        directory.extensions.insert(Arc::clone(&extension.number), Arc::new(extension));
    }
    directory
}

fn extension(number: &str, forwarding: Forwarding) -> Extension {
    Extension {
        number: number.into(),
        description: String::new(),
        lines: vec![number.into()],
        forwarding,
        do_not_disturb: false,
    }
}

fn number(text: &str) -> Option<DialString> {
    Some(DialString::parse(text.as_bytes()).unwrap())
}

fn always(to: &str) -> Forwarding {
    Forwarding { always: number(to), ..Forwarding::default() }
}

fn phone(extension: &Extension) -> Vec<Target> {
    let address = SocketAddr::from(([127, 0, 0, 1], 5060));
    vec![Target {
        flow: Flow { id: FlowId(1), transport: Transport::Udp, local: address, remote: address },
        uri: format!("sip:{}@127.0.0.1", extension.number),
        line: Arc::clone(&extension.number),
        nat: Nat::Off,
        q: 1_000,
    }]
}

fn go(directory: &Directory, way: &mut Way, to: &str) -> Result<String, Nowhere> {
    let start = directory.extensions.get(to).unwrap();
    match follow(directory, way, start, phone) {
        Found::Phones { extension, .. } => Ok(extension.number.to_string()),
        Found::Nowhere(nowhere) => Err(nowhere),
    }
}

#[test]
fn a_chain_of_forwardings_is_followed_and_remembered() {
    let plain = Forwarding::default();
    let office = office(vec![
        extension("101", always("102")),
        extension("102", always("103")),
        extension("103", plain),
    ]);
    let mut way = Way::new(70);
    assert_eq!(go(&office, &mut way, "101"), Ok("103".to_owned()));
    assert_eq!(way.text(), "101 > 102 > 103");
    assert_eq!(way.hops_left(), 67);
}

#[test]
fn a_circle_of_forwardings_is_a_loop() {
    let office = office(vec![extension("101", always("102")), extension("102", always("101"))]);
    assert_eq!(go(&office, &mut Way::new(70), "101"), Err(Nowhere::Loop));
}

#[test]
fn a_chain_beyond_the_limit_is_a_loop_and_one_without_hops_ends_too() {
    let long: Vec<_> = (100..130).map(|n| extension(&n.to_string(), always(&(n + 1).to_string()))).collect();
    let office = office(long);
    assert_eq!(go(&office, &mut Way::new(70), "100"), Err(Nowhere::Loop));
    assert_eq!(go(&office, &mut Way::new(3), "100"), Err(Nowhere::TooManyHops));
    assert_eq!(go(&office, &mut Way::new(0), "100"), Err(Nowhere::TooManyHops));
}

#[test]
fn do_not_disturb_is_busy_and_forwards_as_busy() {
    let disturb = |forwarding| Extension { do_not_disturb: true, ..extension("101", forwarding) };
    let alone = office(vec![disturb(Forwarding::default())]);
    assert_eq!(go(&alone, &mut Way::new(70), "101"), Err(Nowhere::Undisturbed("101".into())));
    let busy = Forwarding { busy: number("102"), ..Forwarding::default() };
    let both = office(vec![disturb(busy), extension("102", Forwarding::default())]);
    assert_eq!(go(&both, &mut Way::new(70), "101"), Ok("102".to_owned()));
}

#[test]
fn no_phone_asks_for_the_forwarding_when_unreachable() {
    let unreachable = Forwarding { unreachable: number("102"), ..Forwarding::default() };
    let office = office(vec![extension("101", unreachable), extension("102", Forwarding::default())]);
    let start = office.extensions.get("101").unwrap();
    let mut way = Way::new(70);
    let found = follow(&office, &mut way, start, |_| Vec::new());
    assert!(matches!(found, Found::Nowhere(Nowhere::Unreachable(at)) if &*at == "102"));
    assert_eq!(way.text(), "101 > 102");
}

#[test]
fn a_forwarding_to_nobody_names_both() {
    let office = office(vec![extension("101", always("999"))]);
    let lost = Nowhere::ForwardUnknown("101".into(), DialString::parse(b"999").unwrap());
    assert_eq!(go(&office, &mut Way::new(70), "101"), Err(lost));
}

#[test]
fn after_ringing_in_vain_the_forwarding_of_the_last_extension_counts() {
    let later =
        Forwarding { no_answer: number("103").map(|to| (to, Duration::from_secs(5))), ..always("102") };
    let second = Forwarding { busy: number("103"), ..Forwarding::default() };
    let office = office(vec![
        extension("101", later),
        extension("102", second),
        extension("103", Forwarding::default()),
    ]);
    let mut way = Way::new(70);
    assert_eq!(go(&office, &mut way, "101"), Ok("102".to_owned()));
    assert!(onward(&office, &mut way, Attempt::NoAnswer, phone).is_none());
    assert!(matches!(onward(&office, &mut way, Attempt::Busy, phone), Some(Found::Phones { .. })));
    assert_eq!(way.text(), "101 > 102 > 103");
}

#[test]
fn an_extension_may_have_a_name_and_a_number_may_have_separators() {
    let office =
        office(vec![extension("reception", Forwarding::default()), extension("102", Forwarding::default())]);
    let found = |text: &[u8]| {
        let (extension, shown) = dialled(&office, text);
        (extension.map(|extension| extension.number.to_string()), shown)
    };
    assert_eq!(found(b"reception"), (Some("reception".to_owned()), "reception".to_owned()));
    assert_eq!(found(b"1-02"), (Some("102".to_owned()), "102".to_owned()));
    assert_eq!(found(b"999"), (None, "999".to_owned()));
    assert_eq!(found(b"102;x=y"), (None, "102;x=y".to_owned()));
    assert_eq!(found(&[b'x'; 500]).1.len(), MAX_SHOWN);
}
