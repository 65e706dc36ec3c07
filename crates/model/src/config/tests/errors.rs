use super::*;

/// The one problem of `text`, as shown.
fn only(text: &str) -> String {
    let problems = problems(&office(), text);
    assert_eq!(problems.list.len(), 1, "{problems}");
    problems.to_string()
}

#[test]
fn every_mistake_of_a_file_is_named_at_once_with_line_and_column() {
    let text = "\
[system]
nmae = \"x\"
time_zone = \"Europe/Pargue\"
[colours]
[trunks]
[listen]
sip_udp = [\"0.0.0.0:5060\", \"127.0.0.1:5060\"]
media_ports = 10000
[[users]]
login = \"bob\"
extensions = [\"999\"]
[[users]]
login = \"root\"
role = \"full\"
[[extensions]]
number = \"101\"
lines = [{ username = \"102\" }, { username = \"x y\", password = \"hunter2\" }]
[[extensions]]
number = \"102\"
recording = \"always\"
";
    let shown = problems(&office(), text).to_string();
    let expected = "\
office.toml:2:1: system.nmae: unknown key nmae; did you mean name?
office.toml:3:13: system.time_zone: unknown time zone Europe/Pargue; write an IANA name like Europe/Prague or UTC
office.toml:4:2: colours: unknown section colours; known sections: system, network, listen, sip, tls, console, logs, mail, address_groups, firewall, security, users, extensions
office.toml:5:2: trunks: section trunks is not available yet; remove this section; a later release has it
office.toml:7:28: listen.sip_udp[1]: 127.0.0.1:5060 and 0.0.0.0:5060 overlap; keep one of them
office.toml:8:15: listen.media_ports: a text (a range of ports) belongs here, this is a whole number; write it like \"...\"
office.toml:11:15: users[0].extensions[0]: extension 999 does not exist; add the extension, or take it from the user
office.toml:17:23: extensions[0].lines[0].username: a line named like another extension, 102; choose another username, like 101-mobile
office.toml:17:45: extensions[0].lines[1].username: x y is not a SIP username; write 1 to 64 letters, digits, and . - _ +
office.toml:17:63: extensions[0].lines[1].password: the password is shorter than 12 characters; leave the key out and a strong one is generated
office.toml:20:1: extensions[1].recording: not available yet; remove it or leave it at its neutral value";
    assert_eq!(shown, expected);
}

#[test]
fn later_sections_of_the_contract_are_refused_by_name() {
    for name in super::super::schema::LATER {
        let text = format!("[system]\nname = \"x\"\n[[{name}]]\nname = \"y\"\n");
        let shown = only(&text);
        assert!(shown.starts_with("office.toml:3:3: ") && shown.contains("not available yet"), "{shown}");
    }
    let nested = only("[security.outgoing]\nmax_call_duration = \"2h\"");
    assert!(nested.contains("security.outgoing: not available yet"), "{nested}");
}

#[test]
fn keys_of_later_features_may_stand_at_their_neutral_value_only() {
    for (key, neutral, used) in [
        ("recording", "\"off\"", "\"always\""),
        ("call_permissions", "\"\"", "\"No premium\""),
        ("voicemail", "{ enabled = false, pin = \"4071\" }", "{ enabled = true }"),
    ] {
        let text = |value: &str| {
            format!("[[extensions]]\nnumber = \"101\"\n{key} = {value}\n[[extensions]]\nnumber = \"102\"")
        };
        assert!(try_apply(&office(), &text(neutral), &Options::default()).is_ok(), "{key}");
        let shown = only(&text(used));
        assert!(
            shown.starts_with(&format!("office.toml:3:1: extensions[0].{key}: not available yet")),
            "{shown}"
        );
    }
    assert!(only("[logs]\nsyslog = \"tls://x\"").contains("logs.syslog: not available yet"));
}

#[test]
fn names_are_used_once() {
    let text = "[[extensions]]\nnumber = \"101\"\n[[extensions]]\nnumber = \"101\"\n[[extensions]]\nnumber = \"102\"";
    assert!(only(text).starts_with("office.toml:4:10: extensions[1].number: extension 101 stands twice"));
    let text = "[[extensions]]\nnumber = \"101\"\nlines = [{ username = \"desk\" }]\n\
                [[extensions]]\nnumber = \"102\"\nlines = [{ username = \"desk\" }]";
    let shown = only(text);
    assert!(shown.contains("line desk exists already, at extension 101"), "{shown}");
    let text = "[[users]]\nlogin = \"root\"\nrole = \"full\"\n[[users]]\nlogin = \"Root\"";
    assert!(only(text).contains("user Root stands twice"));
    let text = "[[extensions]]\nnumber = \"101\"\nlines = [{ username = \"a\" }, { username = \"a\" }]\n\
                [[extensions]]\nnumber = \"102\"";
    assert!(only(text).starts_with("office.toml:3:43: extensions[0].lines[1].username"));
}

#[test]
fn a_reference_from_outside_the_file_is_a_problem_of_the_section_that_breaks_it() {
    let shown = only("\n[[extensions]]\nnumber = \"102\"");
    let expected = "office.toml:2:1: user alice.extensions[0]: extension 101 does not exist";
    assert!(shown.starts_with(expected), "{shown}");
    let shown = only("[[address_groups]]\nname = \"Outside\"\nmembers = [\"10.0.0.1\"]");
    assert!(
        shown.starts_with("office.toml:1:1: network.local: address group Inside does not exist"),
        "{shown}"
    );
    let text =
        "[[extensions]]\nnumber = \"103\"\nlines = [{ username = \"103\" }]\n[[extensions]]\nnumber = \"5\"";
    let before = merged(&office(), "[[extensions]]\nnumber = \"102\"\nlines = [{ username = \"5\" }]");
    let options = Options { mode: Mode::Merge, ..Options::default() };
    let shown = try_apply(&before, text, &options).unwrap_err().to_string();
    assert!(
        shown.starts_with("office.toml:4:1: extension 102.lines[1].username: a line named like"),
        "{shown}"
    );
}

#[test]
fn groups_that_hold_themselves_are_found() {
    let text = "[[address_groups]]\nname = \"Inside\"\nmembers = [\"group:A\"]\n\
                [[address_groups]]\nname = \"A\"\nmembers = [\"10.0.0.1\", \"group:B\"]\n\
                [[address_groups]]\nname = \"B\"\nmembers = [\"group:A\"]\n";
    let shown = problems(&office(), text).to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert!(lines[0].starts_with(
        "office.toml:6:24: address_groups[1].members[1]: address group A holds itself: A > B > A; remove"
    ));
}

#[test]
fn a_rename_onto_something_that_stays_is_refused() {
    let text = "[[extensions]]\nnumber = \"102\"\nwas = \"101\"";
    let shown = problems(&office(), text).to_string();
    assert!(
        shown.contains("extensions[0].was: extension 102 exists beside the one to be renamed"),
        "{shown}"
    );
}

#[test]
fn what_a_phone_could_not_use_is_refused() {
    for (text, expected) in [
        ("[[extensions]]\nnumber = \"12a\"", "12a is not an extension number"),
        ("[sip]\nmin_expires = \"2h\"", "1h is less than min_expires; write 2h or more"),
        ("[sip]\nmin_expires = \"10ms\"", "10ms is too short; write 1s or more"),
        ("[sip]\nmin_expires = 60", "a text (a span of time) belongs here, this is a whole number"),
        ("[listen]\nsip_udp = [\"0.0.0.0\"]", "0.0.0.0 is not an address with a port"),
        ("[listen]\nsip_udp = [\"0.0.0.0:10000\"]", "port 10000 lies in media_ports"),
        ("[system]\ncountry = \"XX\"", "unknown country"),
        ("[system]\ndomain = \"a b\"", "neither a host name nor an address"),
        ("[system]\nname = 2026-11-22", "this is a date"),
        (
            "[network]\nlocal = \"SIP allowed\"",
            "holds a host name; who is inside can't depend on a name server",
        ),
        (
            "[network]\ntrusted_proxies = [\"host:proxy.test\"]",
            "network.trusted_proxies[0]: neither an address nor a prefix",
        ),
        ("[network]\ntrusted_proxies = [\"0.0.0.0/0\"]", "network.trusted_proxies[0]: believes everybody"),
        (
            "[firewall]\nsip = \"Nobody\"",
            "office.toml:2:7: firewall.sip: address group Nobody does not exist; add",
        ),
        (
            "[firewall]\nsip = \"Empty\"\n[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.0.0.1\"]\n[[address_groups]]\nname = \"Empty\"\nmembers = []",
            "office.toml:2:7: firewall.sip: address group Empty is empty; give",
        ),
        ("[firewall]\nspi = \"Inside\"", "unknown key spi; known here: web, sip"),
        ("[[extensions]]\ndescription = \"x\"", "extensions[0].number: missing"),
        ("[logs]\nkeep = -1", "out of range"),
        ("[tls]\ncertificate = \"/etc/tls.crt\"", "tls.key: missing"),
        ("[tls]\nkey = \"/etc/tls.key\"", "tls.certificate: missing"),
        ("[tls]\ncertificate = \"tls.crt\"\nkey = \"/etc/tls.key\"", "not the whole path of a file"),
        ("[listen]\nsip_tls = [\"0.0.0.0:5060\"]", "overlaps with 0.0.0.0:5060 of sip_tcp"),
        ("[[extensions]]\nnumber = \"101\"\nencryption = \"yes\"", "\"off\", \"optional\" or \"required\""),
        (
            "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.0.0.0/33\"]",
            "is not a member of an address group",
        ),
        ("extensions = 5", "a list of tables belongs here"),
        ("[[system]]\nname = \"x\"", "a table of keys belongs here"),
    ] {
        let shown = problems(&office(), text).to_string();
        assert!(shown.contains(expected), "{shown}");
        assert!(shown.lines().all(|line| line.starts_with("office.toml:")), "{shown}");
    }
}

#[test]
fn broken_toml_is_told_with_its_place_and_without_its_values() {
    let shown = problems(&office(), "[[extensions]]\nlines = [{ password = \"planted-secret }]").to_string();
    assert!(shown.starts_with("office.toml:2:"), "{shown}");
    assert!(!shown.contains("planted"), "{shown}");
    let shown = problems(&office(), "[system]\nname = \"a\"\nname = \"b\"").to_string();
    assert!(shown.starts_with("office.toml:3:1:"), "{shown}");
}

#[test]
fn a_password_is_in_no_message_whatever_is_wrong_with_it() {
    for value in
        ["\"planted\"", "[\"planted-secret-1\"]", "{ planted = 1 }", "\"planted\\u0000-secret-text\""]
    {
        let text = format!(
            "[[users]]\nlogin = \"root\"\nrole = \"full\"\npassword = {value}\npassword_hash = {value}\n\
             [[extensions]]\nnumber = \"101\"\nlines = [{{ username = \"101\", password = {value} }}]\n\
             [[extensions]]\nnumber = \"102\""
        );
        let shown = problems(&office(), &text).to_string();
        assert!(!shown.contains("planted"), "{shown}");
    }
}

#[test]
fn a_file_full_of_mistakes_is_told_in_twenty_lines_and_a_count() {
    let mut text = String::from("[system]\n");
    for number in 0..5_000 {
        text.push_str(&format!("key{number} = 1\n"));
    }
    let problems = problems(&office(), &text);
    assert_eq!(problems.list.len(), super::super::MAX_PROBLEMS);
    assert_eq!(problems.omitted, 4_980);
    assert!(problems.to_string().ends_with("and 4980 more"));
}
