//! The command line as scripts rely on it.

use blackbox::{Baresip, Office, Pbx, RawPhone, Sipp, pbx, place, sipp, wait};

#[test]
fn what_is_exported_and_applied_again_changes_nothing() {
    let server = Pbx::start(Office::of(101, 3).with("101", "forwarding = { busy = \"102\" }"));
    let exported = server.run(&["export"]).done();
    let revision = server.status()["revision"].clone();
    let difference = server.apply(&exported, &["--dry-run"]).done();
    assert!(!difference.contains("\n+") && !difference.contains("\n-"), "{difference}");
    server.apply(&exported, &[]).done();
    assert_eq!(server.run(&["export"]).done(), exported);
    assert_eq!(server.status()["revision"], revision);
    assert!(!exported.contains("gWq8"), "an export has no secrets unless asked");
    assert!(server.run(&["export", "--with-secrets"]).done().contains("gWq8"));
}

#[test]
fn every_change_is_a_revision_that_can_be_shown_and_rolled_back() {
    let server = Pbx::start(Office::of(101, 1));
    let before = server.run(&["export"]).done();
    let revision = server.status()["revision"].as_u64().expect("a number");
    server.apply(&Office::of(150, 1).extensions_toml(), &["--merge"]).done();
    assert_eq!(server.status()["revision"], revision + 1);
    let shown = server.run(&["revisions", "show", &(revision + 1).to_string()]).done();
    assert!(shown.contains("150") && !shown.contains("gWq8"), "{shown}");
    server.run(&["revisions", "rollback", &revision.to_string()]).done();
    assert_eq!(server.run(&["export"]).done(), before);
    assert_eq!(server.status()["revision"], revision + 2);
    let list = server.run(&["revisions"]).done();
    assert!(list.lines().count() >= 3, "{list}");
}

#[test]
fn a_dry_run_changes_nothing_a_stale_base_and_a_mass_deletion_are_refused() {
    let server = Pbx::start(Office::of(100, 30));
    let before = server.run(&["export"]).done();
    let one = Office::of(100, 1).extensions_toml();
    server.apply(&one, &["--dry-run"]).done();
    let refused = server.apply(&one, &[]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    let stale = server.apply(&one, &["--yes", "--if-revision", "0"]);
    assert_eq!(stale.code, 1, "{stale:?}");
    assert_eq!(server.run(&["export"]).done(), before);
    server.apply(&one, &["--yes"]).done();
    assert!(!server.run(&["export"]).done().contains("\"129\""));
}

#[test]
fn a_new_password_drops_the_registration_and_the_old_one_no_longer_works() {
    let server = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", server.sip);
    assert_eq!(phone.register(60).status(), 200);
    server.expect_registrations(1);
    let shown = server.run(&["password", "101", "--show"]).done();
    server.expect_registrations(0);
    assert_eq!(phone.register(60).status(), 403);
    let new = shown.split_whitespace().find(|w| w.len() == 24).expect("a password of 24 characters");
    let request = blackbox::raw::registration("101", server.sip, 60);
    assert_eq!(phone.ask_as(&request, "101", new).status(), 200);
}

#[test]
fn a_call_is_seen_and_hung_up_from_the_command_line() {
    let server = Pbx::start(Office::of(101, 2).with_old_phones());
    let mut one = Baresip::phone("101", server.sip).start();
    let other = Baresip::phone("102", server.sip).start();
    one.call("102");
    let call =
        wait::until("an answered call", || server.calls().into_iter().find(|c| c["state"] == "answered"));
    assert_eq!((call["from"].as_str(), call["to"].as_str()), (Some("101"), Some("102")));
    assert_eq!(call["caller"]["codec"].as_str().map(str::to_uppercase).as_deref(), Some("PCMA"));
    server.run(&["hangup", call["id"].as_str().expect("an id")]).done();
    one.expect_event("CALL_CLOSED");
    other.expect_event("CALL_CLOSED");
    server.expect_nothing_held();
    assert_eq!(server.run(&["hangup", call["id"].as_str().expect("an id")]).code, 1, "it has ended");
    assert_eq!(server.run(&["hangup", "no call has such an id"]).code, 2);
}

#[test]
fn history_is_filtered_by_number_result_and_limit() {
    let server = Pbx::start(Office::of(101, 3));
    let from = place::sip_address();
    sipp::register(&["102"], from, server.sip);
    let phone = Sipp::new("callee", server.sip).from(from).calls(2).start().listening();
    Sipp::new("caller", server.sip).row("101", "102").row("103", "102").calls(2).run();
    phone.succeed();
    Sipp::new("caller_is_refused", server.sip).with("CODE", "480").row("103", "101").run();
    server.expect_records(3);
    let count =
        |more: &[&str]| server.json(&[&["history", "--json"], more].concat()).as_array().map(Vec::len);
    assert_eq!(count(&["--number", "103"]), Some(2));
    assert_eq!(count(&["--result", "answered"]), Some(2));
    assert_eq!(count(&["--limit", "1"]), Some(1));
    assert_eq!(count(&["--since", "2100-01-01T00:00:00Z"]), Some(0));
}

#[test]
fn logs_name_the_change_and_the_failed_guess_and_never_a_secret() {
    let server = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", server.sip);
    let request = blackbox::raw::registration("101", server.sip, 60);
    assert_eq!(phone.ask_as(&request, "101", "a-wrong-guess-of-mine").status(), 403);
    server.apply(&Office::of(150, 1).extensions_toml(), &["--merge"]).done();
    let shows = |name: &'static str, words: &'static str| {
        wait::until(&format!("{words:?} in the {name} log"), || {
            server.run(&["log", name]).done().contains(words).then_some(())
        });
    };
    shows("security", "Authentication failed");
    shows("config", "revision");
    for name in ["security", "auth", "config", "warning", "error", "debug"] {
        let text = server.run(&["log", name]).done();
        assert!(!text.contains("gWq8") && !text.contains("a-wrong-guess"), "{name}: {text}");
    }
}

#[test]
fn ports_and_status_tell_what_is_bound() {
    let server = Pbx::start(Office::of(101, 1));
    let status = server.status();
    let listeners = status["listeners"].as_array().expect("a list");
    for transport in ["udp", "tcp"] {
        let bound = listeners.iter().any(|l| {
            l["transport"] == transport && l["port"] == server.sip.port() && l["state"] == "listening"
        });
        assert!(bound, "{transport}: {listeners:#?}");
    }
    let port = server.sip.port().to_string();
    assert!(server.run(&["ports"]).done().contains(&port));
    assert!(server.run(&["ports", "--nftables"]).done().contains(&port));
    assert!(server.json(&["ports", "--json"]).is_array());
}

#[test]
fn port_zero_takes_a_free_one_and_status_names_it_and_an_offset_moves_every_port() {
    let mut office = Office::of(101, 1);
    office.listen = "sip_udp = [\"127.0.0.1:0\"]\nsip_tcp = []\nsip_tls = []\nconsole = []\n".into();
    office.domain = "127.0.0.1".into();
    let server = Pbx::start(office);
    let listener = server.status()["listeners"][0].clone();
    let port = listener["port"].as_u64().expect("a port") as u16;
    assert_ne!(port, 0, "{listener}");
    let mut phone = RawPhone::new("101", std::net::SocketAddrV4::new([127, 0, 0, 1].into(), port));
    assert_eq!(phone.register(60).status(), 200);

    let mut moved = Pbx::prepare(Office::of(101, 1));
    moved.begin_with(&["--bind", "127.0.0.1", "--port-offset", "21000"]);
    moved.process().expect_output("ready\n");
    let listeners = moved.status()["listeners"].clone();
    assert!(
        listeners.as_array().expect("a list").iter().all(|l| l["port"].as_u64() > Some(21_000)),
        "{listeners:#}"
    );
}

#[test]
fn exit_codes_tell_wrong_usage_from_no_server() {
    let nowhere = blackbox::Place::new("nowhere");
    let data = nowhere.path().to_string_lossy().into_owned();
    assert_eq!(pbx::run(&["status", "--data", &data]).code, 3);
    assert_eq!(pbx::run(&["no-such-command"]).code, 2);
    let help = pbx::run(&["serve", "--help"]);
    assert_eq!(help.code, 0);
    for command in [
        "apply",
        "export",
        "revisions",
        "status",
        "registrations",
        "calls",
        "hangup",
        "history",
        "password",
        "log",
        "ports",
    ] {
        let help = pbx::run(&[command, "--help"]);
        assert!(
            help.code == 0 && help.stdout.to_lowercase().contains("example"),
            "{command}: {}",
            help.stdout
        );
    }
}
