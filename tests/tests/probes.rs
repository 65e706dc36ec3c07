//! What a stranger learns by asking: that there is a SIP server, and nothing else.

use blackbox::raw::{Message, Request, registration};
use blackbox::{Office, Pbx, RawPhone, probe};

#[test]
fn sipsak_and_svmap_get_proper_answers() {
    let pbx = Pbx::start(Office::of(101, 1));
    let (code, text) = probe::sipsak("101", pbx.sip);
    assert_eq!(code, 0, "{text}");
    let found = probe::svmap(pbx.sip);
    assert!(found.contains(&pbx.sip.to_string()), "{found}");
}

#[test]
fn options_tells_nothing_about_extensions() {
    let pbx = Pbx::start(Office::of(101, 1));
    let ask = |number: &'static str| {
        move |phone: &mut RawPhone| {
            let uri = format!("sip:{number}@{}", phone.server);
            phone.ask(&Request {
                method: "OPTIONS",
                uri,
                from: "stranger",
                to: number,
                more: String::new(),
                body: String::new(),
            })
        }
    };
    let known = without_chance(&pbx, "101", ask("101"));
    let unknown = without_chance(&pbx, "909", ask("909"));
    assert!(known.starts_with("SIP/2.0 200"), "{known}");
    assert_eq!(known, unknown);
}

#[test]
fn a_registration_of_a_known_and_of_an_unknown_extension_is_answered_alike() {
    let pbx = Pbx::start(Office::of(101, 1));
    let challenge =
        |number: &'static str| move |phone: &mut RawPhone| phone.ask(&registration(number, phone.server, 60));
    let wrong = |number: &'static str| {
        move |phone: &mut RawPhone| phone.ask_as(&registration(number, phone.server, 60), number, "wrong")
    };
    let known = without_chance(&pbx, "101", challenge("101"));
    assert!(known.starts_with("SIP/2.0 401"), "{known}");
    assert_eq!(known, without_chance(&pbx, "909", challenge("909")));
    let known = without_chance(&pbx, "101", wrong("101"));
    assert!(known.starts_with("SIP/2.0 403"), "{known}");
    assert_eq!(known, without_chance(&pbx, "909", wrong("909")));
}

#[test]
fn an_invite_by_a_known_and_by_an_unknown_caller_to_a_known_and_to_an_unknown_number_is_answered_alike() {
    let pbx = Pbx::start(Office::of(101, 2));
    let call = |from: &'static str, to: &'static str| {
        move |phone: &mut RawPhone| {
            let uri = format!("sip:{to}@{}", phone.server);
            phone.ask_as(
                &Request { method: "INVITE", uri, from, to, more: String::new(), body: String::new() },
                from,
                "wrong",
            )
        }
    };
    let known = without_chance(&pbx, "101", call("101", "102"));
    assert!(known.starts_with("SIP/2.0 403"), "{known}");
    assert_eq!(known, without_chance(&pbx, "909", call("909", "102")));
    assert_eq!(known.replace("102", "808"), without_chance(&pbx, "101", call("101", "808")));
}

/// The answer with everything set aside that differs by chance or because the question did.
fn without_chance(pbx: &Pbx, number: &str, ask: impl FnOnce(&mut RawPhone) -> Message) -> String {
    let mut phone = RawPhone::new("stranger", pbx.sip);
    let answer = ask(&mut phone).0;
    let ours =
        answer.replace(&phone.address.to_string(), "ME").replace(&phone.address.ip().to_string(), "ME");
    let mut text = ours.replace(&format!(":{number}@"), ":NUMBER@");
    for (before, after) in [("nonce=\"", '"'), (";tag=", '\r'), ("Date: ", '\r')] {
        text = blank(&text, before, after);
    }
    text
}

/// Empties what stands between `before` and `after`, everywhere.
fn blank(text: &str, before: &str, after: char) -> String {
    let mut parts = text.split(before);
    let mut blanked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        blanked.push_str(before);
        blanked.push_str(part.find(after).map_or("", |end| &part[end..]));
    }
    blanked
}
