use std::collections::HashMap;
use std::net::IpAddr;

use model::{Entropy, Transport};

use super::{Abilities, Answer, Destination, Locate, Naptr, NoDestination, Question, Scheme, Srv};

/// What a name server would say; names that are missing have no records.
#[derive(Default)]
struct Zone {
    naptr: HashMap<&'static str, Vec<Naptr>>,
    srv: HashMap<&'static str, Vec<Srv>>,
    addresses: HashMap<&'static str, Vec<&'static str>>,
    broken: Vec<&'static str>,
}

impl Zone {
    fn answer(&self, question: &Question) -> Answer {
        let (Question::Naptr(name) | Question::Srv(name) | Question::Addresses(name)) = question;
        if self.broken.contains(&name.as_str()) {
            return Answer::Failed;
        }
        match question {
            Question::Naptr(name) => {
                Answer::Naptr(self.naptr.get(name.as_str()).cloned().unwrap_or_default())
            }
            Question::Srv(name) => Answer::Srv(self.srv.get(name.as_str()).cloned().unwrap_or_default()),
            Question::Addresses(name) => {
                let texts = self.addresses.get(name.as_str()).cloned().unwrap_or_default();
                Answer::Addresses(texts.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect())
            }
        }
    }
}

fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> Naptr {
    let (service, replacement) = (service.to_owned(), replacement.to_owned());
    Naptr { order, preference, flags: "s".into(), service, replacement }
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Srv {
    Srv { priority, weight, port, target: target.to_owned() }
}

fn everything() -> Abilities {
    Abilities { transports: vec![Transport::Udp, Transport::Tcp, Transport::Tls], v4: true, v6: true }
}

fn run(zone: &Zone, destination: &str, abilities: Abilities, seed: u8) -> (Vec<String>, Vec<Question>) {
    let destination = Destination::parse(destination).unwrap();
    let mut locate = Locate::new(destination, abilities, Entropy::from_seed([seed; 32]));
    let mut asked = Vec::new();
    while let Some(question) = locate.question() {
        locate.answer(zone.answer(&question));
        asked.push(question);
        assert!(asked.len() <= super::MAX_QUESTIONS, "no end of questions");
    }
    let shown = locate.candidates().iter().map(|c| format!("{} {}", c.transport, c.address));
    (shown.collect(), asked)
}

/// RFC 3263 section 4.1's example, with what a provider has besides.
fn provider() -> Zone {
    let mut zone = Zone::default();
    zone.naptr.insert(
        "example.test",
        vec![
            naptr(90, 50, "SIP+D2T", "_sip._tcp.example.test."),
            naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.test."),
            naptr(100, 50, "SIP+D2U", "_sip._udp.example.test."),
            naptr(10, 10, "E2U+sip", "elsewhere.test."),
        ],
    );
    zone.srv.insert("_sips._tcp.example.test", vec![srv(0, 1, 5061, "server1.example.test.")]);
    zone.srv.insert(
        "_sip._tcp.example.test",
        vec![srv(1, 2, 5070, "server2.example.test."), srv(0, 1, 5060, "server1.example.test.")],
    );
    zone.srv.insert("_sip._udp.example.test", vec![srv(0, 1, 5060, "server1.example.test.")]);
    zone.addresses.insert("server1.example.test", vec!["192.0.2.1", "2001:db8::1"]);
    zone.addresses.insert("server2.example.test", vec!["192.0.2.2"]);
    zone.addresses.insert("example.test", vec!["192.0.2.80"]);
    zone
}

#[test]
fn destinations_lead_where_the_rfc_says() {
    let udp_v4 = || Abilities { transports: vec![Transport::Udp], v4: true, v6: false };
    let tcp_v6 = || Abilities { transports: vec![Transport::Tcp], v4: false, v6: true };
    let rows: Vec<(&str, Abilities, &[&str])> = vec![
        (
            "sip:example.test",
            everything(),
            &[
                "tls 192.0.2.1:5061",
                "tls [2001:db8::1]:5061",
                "tcp 192.0.2.1:5060",
                "tcp [2001:db8::1]:5060",
                "tcp 192.0.2.2:5070",
                "udp 192.0.2.1:5060",
                "udp [2001:db8::1]:5060",
            ],
        ),
        ("sips:example.test", everything(), &["tls 192.0.2.1:5061", "tls [2001:db8::1]:5061"]),
        ("example.test", udp_v4(), &["udp 192.0.2.1:5060"]),
        ("example.test", tcp_v6(), &["tcp [2001:db8::1]:5060"]),
        ("sips:example.test", udp_v4(), &[]),
        ("example.test;transport=tcp", udp_v4(), &[]),
        // A port, or an address, leaves nothing to NAPTR and SRV.
        ("example.test:5080", everything(), &["udp 192.0.2.80:5080"]),
        ("example.test:5080;transport=tcp", everything(), &["tcp 192.0.2.80:5080"]),
        ("sips:example.test:5080", everything(), &["tls 192.0.2.80:5080"]),
        ("192.0.2.9", everything(), &["udp 192.0.2.9:5060"]),
        ("sips:192.0.2.9", everything(), &["tls 192.0.2.9:5061"]),
        ("2001:db8::9", everything(), &["udp [2001:db8::9]:5060"]),
        ("sip:[2001:db8::9]:5070;transport=tls", everything(), &["tls [2001:db8::9]:5070"]),
        ("sips:example.test;transport=tcp", everything(), &["tls 192.0.2.1:5061", "tls [2001:db8::1]:5061"]),
        // No SRV, no NAPTR: the name's own address.
        ("server2.example.test", everything(), &["udp 192.0.2.2:5060"]),
        ("server2.example.test;transport=tls", everything(), &["tls 192.0.2.2:5061"]),
        ("nobody.example.test", everything(), &[]),
    ];
    for (destination, abilities, expected) in rows {
        assert_eq!(run(&provider(), destination, abilities, 1).0, expected, "{destination}");
    }
}

#[test]
fn without_naptr_every_transport_has_its_srv_asked() {
    let mut zone = provider();
    zone.naptr.clear();
    let (found, asked) = run(&zone, "example.test", everything(), 1);
    assert_eq!(found.first().map(String::as_str), Some("udp 192.0.2.1:5060"));
    let services = ["_sip._udp.example.test", "_sip._tcp.example.test", "_sips._tcp.example.test"];
    for service in services {
        assert!(asked.contains(&Question::Srv(service.into())), "{service}");
    }
    zone.broken.push("example.test");
    assert_eq!(
        run(&zone, "example.test", everything(), 1).0,
        found,
        "a server that fails on NAPTR changes nothing"
    );
}

#[test]
fn a_service_that_is_decidedly_not_offered_has_no_address() {
    let mut zone = Zone::default();
    zone.addresses.insert("closed.test", vec!["192.0.2.1"]);
    zone.srv.insert("_sip._udp.closed.test", vec![srv(0, 0, 0, ".")]);
    assert!(run(&zone, "closed.test;transport=udp", everything(), 1).0.is_empty());
}

#[test]
fn priorities_hold_and_weights_share() {
    let mut zone = Zone::default();
    let records = vec![
        srv(10, 0, 1, "z.test"),
        srv(10, 30, 2, "b.test"),
        srv(10, 10, 3, "a.test"),
        srv(5, 0, 4, "first.test"),
    ];
    zone.srv.insert("_sip._udp.w.test", records);
    for (name, address) in [
        ("z.test", "192.0.2.1"),
        ("b.test", "192.0.2.2"),
        ("a.test", "192.0.2.3"),
        ("first.test", "192.0.2.4"),
    ] {
        zone.addresses.insert(name, vec![address]);
    }
    let mut second: HashMap<String, usize> = HashMap::new();
    for seed in 0..200 {
        let (found, _) = run(&zone, "w.test;transport=udp", everything(), seed);
        assert_eq!(found.first().map(String::as_str), Some("udp 192.0.2.4:4"));
        assert_eq!(found.len(), 4);
        *second.entry(found.get(1).cloned().unwrap_or_default()).or_default() += 1;
    }
    let heavy = second.get("udp 192.0.2.2:2").copied().unwrap_or(0);
    let light = second.get("udp 192.0.2.3:3").copied().unwrap_or(0);
    assert!(heavy > light && light > 0, "weights 30 and 10 were drawn {heavy} and {light} times");
}

#[test]
fn a_hostile_zone_costs_bounded_questions_and_candidates() {
    let mut zone = Zone::default();
    let many = |name: &'static str| (0..500).map(move |n| naptr(n, 1, "SIP+D2U", name)).collect::<Vec<_>>();
    zone.naptr.insert("evil.test", many("_sip._udp.evil.test."));
    zone.srv.insert("_sip._udp.evil.test", (0..500).map(|n| srv(n, 1, 5060, "evil.test.")).collect());
    zone.addresses.insert("evil.test", ["0.0.0.0", "224.0.0.1", "ff02::1", "::", "192.0.2.66"].repeat(100));
    let (found, asked) = run(&zone, "evil.test", everything(), 1);
    assert_eq!(asked.len(), super::MAX_QUESTIONS);
    assert!(found.iter().all(|shown| shown == "udp 192.0.2.66:5060"), "{found:?}");
}

#[test]
fn what_is_no_destination_is_refused() {
    assert_eq!(Destination::parse("example.test;transport=sctp"), Err(NoDestination::Transport));
    for text in ["", "sip:", "tel:+49301234", "a b", "1.2.3", "[::1", "exa\u{e4}mple.test"] {
        assert_eq!(Destination::parse(text), Err(NoDestination::Unreadable), "{text:?}");
    }
    let parsed = Destination::parse("SIPS:Alice@Example.TEST.:5062;transport=TLS;lr").unwrap();
    let expected = Destination {
        host: "example.test".into(),
        port: Some(5062),
        transport: Some(Transport::Tls),
        scheme: Scheme::Sips,
    };
    assert_eq!(parsed, expected);
}
