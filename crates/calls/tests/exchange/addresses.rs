//! Which addresses are shown, and whose packets are believed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use model::directory::{Directory, Nat};

use crate::office::{Office, directory};
use crate::phone::{body, connected, dial, hang_up, pick_up};
use crate::{ALICE, BOB, office};

/// Where media of each leg may come from, as the relay was told last: the SDP's address, and the NAT source.
fn sources(office: &Office) -> Vec<(IpAddr, Option<IpAddr>)> {
    let described = |(_, command): &(usize, media::Command)| match command {
        media::Command::Describe { remote, nat_source, .. } => {
            Some((remote.rtp.ip(), nat_source.map(|source| source.ip())))
        }
        _ => None,
    };
    office.media.iter().filter_map(described).collect()
}

fn bob_behind_a_router(directory: &mut Directory) {
    let line = directory.lines.get_mut("102").unwrap();
    Arc::make_mut(line).nat = Nat::On;
}

#[test]
fn a_nat_lines_media_may_come_from_where_its_signalling_does() {
    let mut directory = directory();
    bob_behind_a_router(&mut directory);
    let mut office = office(directory);
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    pick_up(&mut office, BOB, &invite);
    let (alice, _) = connected(&mut office, ALICE);
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(sources(&office), [(here, None), (here, Some(here))]);
    hang_up(&mut office, &alice);
    office.request(BOB, "BYE");
}

#[test]
fn who_is_outside_is_shown_our_public_address() {
    let public = Ipv4Addr::new(203, 0, 113, 7);
    let mut directory = directory();
    directory.network.local = vec!["192.0.2.0/24".parse().unwrap()];
    directory.network.public_v4 = Some(public);
    let mut office = office(directory);
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    assert!(body(&invite).contains("c=IN IP4 203.0.113.7"), "{}", body(&invite));
    pick_up(&mut office, BOB, &invite);
    let (alice, accepted) = connected(&mut office, ALICE);
    assert!(body(&accepted).contains("c=IN IP4 203.0.113.7"), "{}", body(&accepted));
    let opened_here = |(_, command): &(usize, media::Command)| !matches!(command, media::Command::Open { local, .. } if local.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert!(office.media.iter().all(opened_here), "bound where the phone reached us, whatever is shown");
    hang_up(&mut office, &alice);
    office.close_one();
}
