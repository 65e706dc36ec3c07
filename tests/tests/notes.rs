//! What a change is told beside being carried out, and that a silent name server holds up nobody else's change.

use blackbox::name_server::{NameServer, SilentNameServer};
use blackbox::{Namespaces, Office, Pbx, Process, pbx};
use std::net::{Ipv4Addr, SocketAddrV4};

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 20, 0, 1), 5060);

fn world() -> Namespaces {
    let world = Namespaces::new(&["pbx", "in"]);
    world.cable(("pbx", "10.20.0.1/24"), ("in", "10.20.0.2/24"));
    world
}

fn server(wrapper: &[String]) -> Pbx {
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut pbx = Pbx::prepare(Office::of(101, 1)).at(SERVER).under(&words);
    pbx.launch();
    pbx
}

/// What a change that was carried out is told.
fn notes(answer: pbx::Answer) -> String {
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer.stderr
}

#[test]
fn a_change_that_is_hardly_meant_is_carried_out_and_told_and_check_says_the_same() {
    let world = world();
    let names = NameServer::start(&world, "pbx", &["--host-record=known.test,10.20.0.2"]);
    let pbx = server(&names.asked_by());
    let groups =
        "[[address_groups]]\nname = \"Phones\"\nmembers = [\"host:known.test\", \"host:unknown.test\"]\n";
    let change = format!(
        "{groups}[firewall]\nsip = \"Phones\"\n[security.guessing]\nattempts = 5\n\
         slow = {{ attempts = 100, period = \"5m\" }}\n"
    );
    let said = notes(pbx.apply(&change, &[]));
    for words in [
        "firewall.sip: no address is known of unknown.test in address group Phones",
        "security.guessing.slow never acts",
    ] {
        assert!(said.contains(words), "{words:?} in:\n{said}");
    }
    assert!(!said.contains("known of known.test"), "{said}");
    let tighter = change.replace("attempts = 100, period = \"5m\"", "attempts = 3, period = \"24h\"");
    let said = notes(pbx.apply(&tighter, &["--dry-run"]));
    assert!(said.contains("blocks after 3 failures within 24h"), "{said}");

    let checked = pbx.json(&["check", "--json"]);
    let findings = checked["findings"].as_array().expect("a list");
    let ids: Vec<&str> = findings.iter().filter_map(|finding| finding["id"].as_str()).collect();
    assert!(ids.contains(&"firewall.unresolved") && ids.contains(&"guessing.slow"), "{ids:?}");
}

#[test]
fn a_change_that_waits_for_a_silent_name_server_holds_up_no_other_change() {
    let world = world();
    let silent = SilentNameServer::start(&world, "pbx");
    let pbx = server(&silent.asked_by());
    // So many that the server waits far longer for them than any machine needs for the other change.
    let names: Vec<String> = (0..256).map(|number| format!("\"host:a{number}.test\"")).collect();
    let group =
        format!("[[address_groups]]\nname = \"Slow\"\nmembers = [\"10.0.0.0/8\", {}]\n", names.join(", "));
    let file = pbx.place.write("slow.toml", &format!("{group}[firewall]\nsip = \"Slow\"\n"));
    let data = pbx.data();
    let arguments = ["apply".as_ref(), file.as_os_str(), "--data".as_ref(), data.as_os_str()];
    let mut waits = Process::start("apply", &pbx::binary().to_string_lossy(), arguments);
    silent.expect_question();
    pbx.run(&["password", "101"]).done();
    assert_eq!(waits.ended(), None, "{}", waits.last_words());
}
