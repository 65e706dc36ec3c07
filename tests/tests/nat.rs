//! A phone behind NAT: its Contact and its session description name a private address that nobody can reach, and it is
//! heard and hears all the same.

use blackbox::{Baresip, Namespaces, Office, Pbx};
use std::net::Ipv4Addr;

#[test]
fn a_phone_with_a_private_contact_and_session_address_is_heard_and_hears() {
    let world = Namespaces::new(&["lan", "nat", "pub", "out"]);
    world.cable(("lan", "10.77.0.2/24"), ("nat", "10.77.0.1/24"));
    world.cable(("nat", "203.0.113.1/24"), ("pub", "203.0.113.2/24"));
    world.default_route("lan", "10.77.0.1");
    world.masquerade("nat", "10.77.0.0/24");
    world.cable(("pub", "198.51.100.1/24"), ("out", "198.51.100.2/24"));
    world.default_route("out", "198.51.100.1");

    let office = Office::of(101, 2).with_old_phones().behind_nat("101");
    let mut pbx = Pbx::prepare(office).at("203.0.113.2:5060".parse().expect("an address")).under(&[
        "ip",
        "netns",
        "exec",
        world.name("pub"),
    ]);
    pbx.launch();

    let hidden =
        Baresip::phone("101", pbx.sip).playing(1000).within(world.name("lan"), Ipv4Addr::new(10, 77, 0, 2));
    let mut hidden = hidden.start();
    let mut open = Baresip::phone("102", pbx.sip)
        .playing(1600)
        .within(world.name("out"), Ipv4Addr::new(198, 51, 100, 2))
        .start();
    let registrations = pbx.registrations();
    let of =
        |number: &str| registrations.iter().find(|r| r["extension"] == number).expect("registered").clone();
    assert!(of("101")["contact"].as_str().is_some_and(|c| c.contains("10.77.0.2")), "{registrations:#?}");
    assert!(
        of("101")["source"].as_str().is_some_and(|s| s.starts_with("203.0.113.1:")),
        "{registrations:#?}"
    );

    hidden.call("102");
    hidden.expect_tone(1600);
    open.expect_tone(1000);
    hidden.hang_up();
    open.expect_event("CALL_CLOSED");

    open.call("101");
    hidden.expect_tone(1600);
    open.expect_tone(1000);
    open.hang_up();
    pbx.expect_records(2);
    pbx.expect_nothing_held();
}
