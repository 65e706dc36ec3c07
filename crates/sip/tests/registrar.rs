//! REGISTER: who may, what is kept, what is answered.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod phone;

use std::time::Duration;

use model::directory::DigestPolicy;
use phone::{Office, Text, directory, line, tcp, udp};
use wire::sip::{Message, Name};

fn contact(message: &Message) -> Vec<String> {
    message.all(Name::Contact).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[test]
fn a_phone_that_answers_the_challenge_is_registered() {
    let mut office = Office::new();
    let answer = office.register(udp("192.0.2.1:5060"), "101");
    assert_eq!(contact(&answer), ["<sip:101@192.0.2.1:5060>;expires=120"]);
    assert_eq!(office.stack.registrations(office.now).len(), 1);
}

#[test]
fn both_algorithms_are_offered_md5_first_and_either_is_taken() {
    for nth in [0, 1] {
        let mut office = Office::new();
        let flow = udp("192.0.2.1:5060");
        let request = Text::register("101", flow);
        office.receive(flow, &request.to_string());
        let challenge = office.one();
        let offered: Vec<String> =
            challenge.all(Name::WwwAuthenticate).map(|v| String::from_utf8_lossy(v).into_owned()).collect();
        assert!(
            offered[0].contains("algorithm=MD5") && offered[1].contains("algorithm=SHA-256"),
            "{offered:?}"
        );
        let answer = request.next().answering_nth(&challenge, "password-of-101", nth, 1);
        office.receive(flow, &answer.to_string());
        assert_eq!(office.one().status(), Some(200));
    }
}

#[test]
fn a_line_with_its_own_digest_is_offered_and_allowed_only_that() {
    let mut directory = directory();
    directory.lines.insert("101".into(), line("101", "101", DigestPolicy::Sha256));
    let mut office = Office::with(directory);
    let flow = udp("192.0.2.1:5060");
    let request = Text::register("101", flow);
    office.receive(flow, &request.to_string());
    let challenge = office.one();
    assert_eq!(challenge.all(Name::WwwAuthenticate).count(), 1);
    let forced = request.clone().next().answering(&challenge, "password-of-101").to_string();
    office.receive(flow, &forced.replace("SHA-256", "MD5"));
    assert_eq!(office.one().status(), Some(403));
}

#[test]
fn a_known_and_an_unknown_user_are_answered_alike() {
    let mut answers = Vec::new();
    for user in ["101", "nobody"] {
        let mut office = Office::new();
        let flow = udp("192.0.2.1:5060");
        let request = Text::register(user, flow);
        office.receive(flow, &request.to_string());
        let challenge = office.one();
        office.receive(flow, &request.next().answering(&challenge, "wrong").to_string());
        let refused = office.one();
        assert_eq!(refused.status(), Some(403));
        let same = |message: &Message| {
            let mut shape = phone::shape(message);
            for name in ["Via", "From", "To", "Call-ID", "WWW-Authenticate"] {
                shape.remove(name);
            }
            (message.status(), message.reason().to_vec(), shape)
        };
        answers.push((same(&challenge), same(&refused)));
    }
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn a_wrong_password_is_logged_with_account_source_and_reason_but_not_the_answer() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let request = Text::register("101", flow);
    office.receive(flow, &request.to_string());
    let challenge = office.one();
    office.receive(flow, &request.next().answering(&challenge, "guess").to_string());
    let logged = office.logged();
    let line = logged[0].line();
    assert!(line.contains("Authentication failed"), "{line}");
    assert!(line.contains("account=101") && line.contains("192.0.2.1:5060"), "{line}");
    assert!(!line.contains("guess") && !line.contains("password-of"), "{line}");
}

#[test]
fn a_nonce_of_somebody_else_is_never_evaluated() {
    let mut office = Office::new();
    let (mine, theirs) = (udp("192.0.2.1:5060"), udp("192.0.2.9:5060"));
    let request = Text::register("101", mine);
    office.receive(mine, &request.to_string());
    let challenge = office.one();
    for password in ["password-of-101", "wrong"] {
        office.receive(theirs, &request.clone().next().answering(&challenge, password).to_string());
        let answer = office.one();
        assert_eq!(answer.status(), Some(401));
        let value = String::from_utf8_lossy(answer.first(Name::WwwAuthenticate).unwrap()).into_owned();
        assert!(value.contains("stale=true"), "{value}");
    }
}

#[test]
fn a_nonce_that_grew_old_is_stale_and_no_failure() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let request = Text::register("101", flow);
    office.receive(flow, &request.to_string());
    let challenge = office.one();
    office.pass(sip::limits::NONCE_LIFE + Duration::from_secs(1));
    office.receive(flow, &request.next().answering(&challenge, "password-of-101").to_string());
    assert_eq!(office.one().status(), Some(401));
}

#[test]
fn a_repeated_register_gets_the_same_answer_and_a_replayed_one_a_challenge() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let request = Text::register("101", flow);
    office.receive(flow, &request.to_string());
    let challenge = office.one();
    let answered = request.next().answering(&challenge, "password-of-101");
    office.receive(flow, &answered.to_string());
    assert_eq!(office.sent().pop().unwrap().1.status(), Some(200));
    office.receive(flow, &answered.to_string());
    assert_eq!(office.one().status(), Some(200));
    office.receive(flow, &answered.clone().next().to_string());
    assert_eq!(office.one().status(), Some(401));
}

#[test]
fn a_nonce_may_be_used_again_with_a_higher_count() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let request = Text::register("101", flow);
    office.receive(flow, &request.to_string());
    let challenge = office.one();
    let mut request = request;
    for nc in 1..=3 {
        request = request.next();
        let answered = request.clone().answering_nth(&challenge, "password-of-101", 0, nc);
        office.receive(flow, &answered.to_string());
        assert_eq!(office.sent().pop().unwrap().1.status(), Some(200), "nc {nc}");
    }
}

#[test]
fn a_wall_clock_that_jumped_back_does_not_make_registrations_look_longer() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    office.register(flow, "101");
    office.now.wall = model::Wall::from_millis(office.now.wall.as_millis() - 3_600_000);
    let query =
        Text { call_id: "query".into(), ..Text::register("101", flow) }.without("Contact").without("Expires");
    let answer = office.authenticated(flow, &query, "password-of-101");
    let contact = String::from_utf8_lossy(answer.first(Name::Contact).unwrap()).into_owned();
    assert!(contact.ends_with(";expires=120"), "{contact}");
}

#[test]
fn a_registration_runs_out_unless_it_is_refreshed() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    office.register(flow, "101");
    office.pass(Duration::from_secs(100));
    let mut refresh = Text::register("101", flow);
    (refresh.cseq, refresh.branch) = (10, 10);
    assert_eq!(office.authenticated(flow, &refresh, "password-of-101").status(), Some(200));
    office.pass(Duration::from_secs(100));
    assert_eq!(office.stack.registrations(office.now).len(), 1);
    office.pass(Duration::from_secs(30));
    assert_eq!(office.stack.registrations(office.now).len(), 0);
}

#[test]
fn the_bounds_of_expiry_hold() {
    let flow = udp("192.0.2.1:5060");
    let mut office = Office::new();
    let brief = Text::register("101", flow).without("Expires").header("Expires: 5");
    let answer = office.authenticated(flow, &brief, "password-of-101");
    assert_eq!((answer.status(), answer.first(Name::MinExpires)), (Some(423), Some(&b"60"[..])));
    let mut office = Office::new();
    let long = Text::register("101", flow).without("Expires").header("Expires: 999999");
    let answer = office.authenticated(flow, &long, "password-of-101");
    assert_eq!(contact(&answer), ["<sip:101@192.0.2.1:5060>;expires=3600"]);
}

#[test]
fn a_phone_signs_off_by_zero_and_by_star() {
    for (name, value) in [("zero", "Contact: <sip:101@192.0.2.1:5060>;expires=0"), ("star", "Contact: *")] {
        let mut office = Office::new();
        let flow = udp("192.0.2.1:5060");
        office.register(flow, "101");
        let mut off = Text::register("101", flow)
            .without("Contact")
            .without("Expires")
            .header(value)
            .header("Expires: 0");
        (off.cseq, off.branch) = (20, 20);
        let answer = office.authenticated(flow, &off, "password-of-101");
        assert_eq!((answer.status(), contact(&answer).len()), (Some(200), 0), "{name}");
    }
}

#[test]
fn a_star_with_an_expiry_and_an_unusable_contact_change_nothing() {
    for (contact, status) in [("Contact: *", 400), ("Contact: <mailto:a@b>", 400), ("Contact: <sip:", 400)] {
        let mut office = Office::new();
        let flow = udp("192.0.2.1:5060");
        office.register(flow, "101");
        let mut bad = Text::register("101", flow).without("Contact").header(contact);
        (bad.cseq, bad.branch) = (20, 20);
        let answer = office.authenticated(flow, &bad, "password-of-101");
        assert_eq!(answer.status(), Some(status), "{contact}");
        assert_eq!(office.stack.registrations(office.now).len(), 1, "{contact}");
    }
}

#[test]
fn an_older_cseq_of_the_same_call_is_refused() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    office.register(flow, "101");
    let answer = office.authenticated(flow, &Text::register("101", flow), "password-of-101");
    assert_eq!(answer.status(), Some(500));
}

#[test]
fn another_lines_address_is_refused() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let mut request = Text::register("101", flow);
    request.to = "<sip:102@pbx.example.com>".into();
    assert_eq!(office.authenticated(flow, &request, "password-of-101").status(), Some(403));
}

#[test]
fn the_same_device_replaces_its_old_contact_and_the_table_of_a_line_is_bounded() {
    let mut office = Office::new();
    for port in 5060..5080 {
        let flow = udp(&format!("192.0.2.1:{port}"));
        let mut request = Text::register("101", flow);
        request.call_id = format!("call-{port}");
        assert_eq!(office.authenticated(flow, &request, "password-of-101").status(), Some(200));
    }
    assert_eq!(office.stack.registrations(office.now).len(), sip::limits::MAX_CONTACTS_PER_LINE);
    let mut office = Office::new();
    for port in [5060, 6060] {
        let flow = udp(&format!("192.0.2.1:{port}"));
        let value = format!("Contact: <sip:101@{}>;+sip.instance=\"<urn:uuid:0>\";reg-id=1", flow.remote);
        let mut request = Text::register("101", flow).without("Contact").header(&value);
        request.call_id = format!("call-{port}");
        assert_eq!(office.authenticated(flow, &request, "password-of-101").status(), Some(200));
    }
    let rows = office.stack.registrations(office.now);
    assert_eq!((rows.len(), rows[0].source.port()), (1, 6060));
}

#[test]
fn a_closed_connection_leaves_the_phone_unreachable_until_it_is_back() {
    let mut office = Office::new();
    let flow = tcp("192.0.2.1:40000", 7);
    office.register(flow, "101");
    let extension = directory().extensions["101"].clone();
    assert_eq!(office.stack.targets(&extension).len(), 1);
    office.stack.closed(office.now, flow.id);
    assert_eq!(office.stack.targets(&extension).len(), 0);
    let back = tcp("192.0.2.1:40001", 8);
    let mut again = Text::register("101", back);
    (again.cseq, again.call_id) = (1, "another".into());
    assert_eq!(office.authenticated(back, &again, "password-of-101").status(), Some(200));
    assert_eq!(office.stack.targets(&extension)[0].flow, back);
}

#[test]
fn another_password_drops_the_registrations_made_with_the_old_one() {
    let mut office = Office::new();
    office.register(udp("192.0.2.1:5060"), "101");
    office.register(udp("192.0.2.2:5060"), "102");
    let mut changed = directory();
    let mut line = (*changed.lines["101"]).clone();
    line.password = model::Secret::new("another".into());
    changed.lines.insert("101".into(), line.into());
    office.stack.set_directory(office.now, changed.into());
    let rows = office.stack.registrations(office.now);
    assert_eq!(rows.iter().map(|row| row.line.as_str()).collect::<Vec<_>>(), ["102"]);
}

#[test]
fn a_flood_without_credentials_is_answered_as_far_as_the_bucket_goes() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    for branch in 0..1_500 {
        let mut request = Text::register("101", flow);
        request.branch = branch;
        office.receive(flow, &request.to_string());
    }
    assert_eq!(office.sent().len(), 1_000);
    let other = udp("192.0.2.2:5060");
    office.receive(other, &Text::register("102", other).to_string());
    assert_eq!(office.sent().len(), 1);
}

#[test]
fn nothing_unproven_gets_past_the_bucket() {
    let flow = udp("192.0.2.1:5060");
    let elsewhere = udp("192.0.2.9:5060");
    let mut office = Office::new();
    let request = Text::register("101", elsewhere);
    office.receive(elsewhere, &request.to_string());
    let borrowed = request.answering(&office.one(), "password-of-101");
    let mut unknown_dialog = Text::new("BYE", "sip:x@y", "x", "<sip:x@y>;tag=1", flow);
    unknown_dialog.call_id = "none".into();
    let cancel = Text::new("CANCEL", "sip:x@y", "x", "<sip:x@y>", flow);
    let unreadable = Text::register("101", flow).header("Authorization: Digest nonsense");
    for (what, text, answers) in [
        ("stale", borrowed, 1_000),
        ("dialog", unknown_dialog, 100),
        ("cancel", cancel, 100),
        ("400", unreadable, 1_000),
    ] {
        let mut office = Office::new();
        for branch in 0..1_200 {
            let mut text = text.clone();
            text.branch = branch;
            office.receive(flow, &text.to_string());
        }
        assert_eq!(office.sent().len(), answers, "{what}");
    }
}

#[test]
fn a_register_with_too_many_contacts_is_refused_whole() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let mut request = Text::register("101", flow);
    for port in 1..=sip::limits::MAX_CONTACTS_PER_LINE {
        request = request.header(&format!("Contact: <sip:101@192.0.2.1:{port}>"));
    }
    assert_eq!(office.authenticated(flow, &request, "password-of-101").status(), Some(400));
    assert!(office.stack.registrations(office.now).is_empty());
}

#[test]
fn a_line_whose_extension_registers_is_offered_its_own_digest() {
    let mut directory = directory();
    let mut extension = (*directory.extensions["101"]).clone();
    extension.lines = vec!["101-desk".into()];
    directory.lines.remove("101");
    directory.lines.insert("101-desk".into(), line("101-desk", "101", DigestPolicy::Sha256));
    directory.extensions.insert("101".into(), extension.into());
    let mut office = Office::with(directory);
    let flow = udp("192.0.2.1:5060");
    let mut request = Text::register("101-desk", flow);
    request.to = "<sip:101@pbx.example.com>".into();
    assert_eq!(office.authenticated(flow, &request, "password-of-101-desk").status(), Some(200));
}
