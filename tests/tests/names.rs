//! Where names lead (RFC 3263): the real binary asks a real name server, and says what it found.

use blackbox::name_server::NameServer;
use blackbox::{Namespaces, Office, Pbx};
use serde_json::Value;

/// RFC 3263 section 4.1's example, and a name that has nothing but an address.
const RECORDS: &[&str] = &[
    "--naptr-record=example.test,50,50,s,SIPS+D2T,,_sips._tcp.example.test",
    "--naptr-record=example.test,90,50,s,SIP+D2T,,_sip._tcp.example.test",
    "--naptr-record=example.test,100,50,s,SIP+D2U,,_sip._udp.example.test",
    "--srv-host=_sips._tcp.example.test,server1.example.test,5061,0,1",
    "--srv-host=_sip._tcp.example.test,server1.example.test,5060,0,1",
    "--srv-host=_sip._tcp.example.test,server2.example.test,5070,1,2",
    "--srv-host=_sip._udp.example.test,server1.example.test,5060,0,1",
    "--host-record=server1.example.test,192.0.2.1,2001:db8::1",
    "--host-record=server2.example.test,192.0.2.2",
    "--host-record=bare.test,192.0.2.3",
];

fn candidates(found: &Value) -> Vec<String> {
    let text = |candidate: &Value| {
        format!(
            "{} {} {}",
            candidate["transport"].as_str().unwrap_or("?"),
            candidate["address"].as_str().unwrap_or("?"),
            candidate["port"]
        )
    };
    found["candidates"].as_array().map(|list| list.iter().map(text).collect()).unwrap_or_default()
}

#[test]
fn a_providers_name_leads_to_the_addresses_that_its_zone_names_in_their_order() {
    let world = Namespaces::new(&["dns"]);
    let names = NameServer::start(&world, "dns", RECORDS);
    let wrapper = names.asked_by();
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut pbx = Pbx::prepare(Office::of(101, 1)).under(&words);
    pbx.launch();
    // This server listens on IPv4 alone, so IPv6 addresses are none of its candidates.
    let rows: &[(&str, &[&str])] = &[
        (
            "example.test",
            &["tls 192.0.2.1 5061", "tcp 192.0.2.1 5060", "tcp 192.0.2.2 5070", "udp 192.0.2.1 5060"],
        ),
        ("sips:example.test", &["tls 192.0.2.1 5061"]),
        ("sip:example.test;transport=udp", &["udp 192.0.2.1 5060"]),
        ("bare.test", &["udp 192.0.2.3 5060"]),
        ("bare.test:5080", &["udp 192.0.2.3 5080"]),
        ("192.0.2.7", &["udp 192.0.2.7 5060"]),
    ];
    for (destination, expected) in rows {
        let found: Value =
            serde_json::from_str(&pbx.run(&["resolve", destination, "--json"]).done()).expect("JSON");
        assert_eq!(candidates(&found), *expected, "{destination}: {found:#}");
    }
    let table = pbx.run(&["resolve", "example.test"]).done();
    for word in ["NAPTR", "SIPS+D2T", "_sips._tcp.example.test", "A/AAAA"] {
        assert!(table.contains(word), "{table}");
    }
    let nowhere = pbx.run(&["resolve", "nobody.test"]);
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
    assert!(nowhere.stderr.contains("nobody.test leads nowhere"), "{nowhere:?}");
    let odd = pbx.run(&["resolve", "example.test;transport=sctp"]);
    assert_eq!(odd.code, 2, "{odd:?}");
    assert!(odd.stderr.contains("transport other than"), "{odd:?}");
}

#[test]
fn a_name_server_that_is_silent_is_named_as_the_cause() {
    let world = Namespaces::new(&["mute"]);
    let names = NameServer::start(&world, "mute", RECORDS);
    let wrapper = names.asked_by();
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut pbx = Pbx::prepare(Office::of(101, 1)).under(&words);
    pbx.launch();
    drop(names);
    let answer = pbx.run(&["resolve", "bare.test:5080"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.stdout.contains("failed:"), "{answer:?}");
}
