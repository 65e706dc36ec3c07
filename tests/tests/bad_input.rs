//! What can go wrong around a start or a change: one clear line, the right exit code, and nothing half taken.

use blackbox::process::Farewell;
use blackbox::{Office, Pbx, Place, Process, RawPhone, wait};
use std::net::UdpSocket;
use std::path::Path;

/// A start that must fail: exit code 1, no `ready`, and a last line that says these words.
fn refused(pbx: &mut Pbx, words: &[&str]) {
    let process = pbx.process();
    let status = process.end_within(wait::PATIENCE);
    let (said, stdout) = (process.stderr(), process.stdout());
    assert_eq!(status.and_then(|s| s.code()), Some(1), "{said}");
    assert!(!stdout.contains("ready"), "{stdout}");
    let last = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or_default();
    assert!(
        words.iter().all(|w| last.to_lowercase().contains(&w.to_lowercase())),
        "{words:?} in the last line of:\n{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_port_in_use_ends_the_start_naming_service_port_and_cure() {
    let mut pbx = Pbx::prepare(Office::of(101, 1));
    let _taken = UdpSocket::bind(pbx.sip).expect("a free address");
    pbx.begin();
    refused(&mut pbx, &["sip", "5060", "in use"]);
}

#[test]
fn a_folder_that_cannot_be_made_ends_the_start() {
    let mut pbx = Pbx::prepare(Office::of(101, 1));
    std::fs::write(pbx.data(), "a file where the folder should be").expect("written");
    pbx.begin();
    let data = pbx.data().display().to_string();
    refused(&mut pbx, &[&data]);
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut second = Pbx::prepare(Office::of(101, 1));
    let data = pbx.data().display().to_string();
    second.begin_in(&pbx.data());
    refused(&mut second, &[&data, "another"]);
    assert_eq!(RawPhone::new("101", pbx.sip).register(60).status(), 200);
    pbx.status();
}

#[test]
fn a_socket_path_over_107_bytes_ends_the_start() {
    let mut pbx = Pbx::prepare(Office::of(101, 1));
    let long = pbx.place.join(&"long-".repeat(30));
    std::fs::create_dir(&long).expect("a folder");
    pbx.begin_in(&long);
    refused(&mut pbx, &["control.sock", "107"]);
}

#[test]
fn a_damaged_database_ends_the_start_and_is_left_as_it_is() {
    let mut pbx = Pbx::start(Office::of(101, 1));
    assert!(pbx.terminate().success());
    let database = pbx.data().join("ringwall.db");
    let mut bytes = std::fs::read(&database).expect("the database");
    bytes.iter_mut().take(8192).for_each(|b| *b ^= 0x5a);
    std::fs::write(&database, &bytes).expect("written");
    pbx.begin_with(&[]);
    refused(&mut pbx, &["ringwall.db"]);
    assert_eq!(std::fs::read(&database).expect("the database"), bytes, "evidence is not touched");
}

#[test]
fn a_full_disk_refuses_the_start() {
    let mut pbx = Pbx::prepare(Office::of(101, 1));
    let script = on_a_small_disk(&pbx.data(), "64k");
    pbx.next_under(&["unshare", "--mount", "sh", "-c", &script, "sh"]);
    pbx.begin();
    refused(&mut pbx, &["disk"]);
}

#[test]
fn a_disk_that_fills_up_refuses_changes_but_calls_and_the_command_line_go_on() {
    let mut pbx = Pbx::prepare(Office::of(101, 1));
    let script = on_a_small_disk(&pbx.data(), "16m");
    pbx.next_under(&["unshare", "--mount", "sh", "-c", &script, "sh"]);
    pbx.launch();
    let inside = format!("/proc/{}/root{}", pbx.process().pid(), pbx.data().display());
    let data = ["--data", inside.as_str()];
    let filler = Path::new(&inside).join("filler");
    // The kernel stops the writing when nothing is left: that is the point.
    let _ = std::fs::write(&filler, vec![0; 32 << 20]);
    let change = |description: &str| {
        let many = (500..600).map(|n| {
            format!("[[extensions]]\nnumber = \"{n}\"\ndescription = \"{}\"\n", description.repeat(20))
        });
        let text: String = many.collect();
        let file = pbx.place.write("change.toml", &text);
        blackbox::pbx::run(&[&["apply", &file.to_string_lossy(), "--merge"], &data[..]].concat())
    };
    let refused = change("full");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(refused.stderr.trim().lines().count(), 1, "{}", refused.stderr);
    assert!(refused.stderr.to_lowercase().contains("disk"), "{}", refused.stderr);
    assert_eq!(RawPhone::new("101", pbx.sip).register(60).status(), 200);
    assert_eq!(blackbox::pbx::run(&[&["status", "--json"], &data[..]].concat()).code, 0);
    std::fs::remove_file(&filler).expect("removed");
    change("room again").done();
}

#[test]
fn a_bad_configuration_is_refused_whole_naming_file_line_column_key_and_cure() {
    let pbx = Pbx::start(Office::of(101, 2));
    let before = pbx.run(&["export"]).done();
    let line = |rest: &str| format!("[[extensions]]\nnumber = \"300\"\n{rest}\n");
    for (toml, place, key) in [
        ("[system\n".to_owned(), "1:", ""),
        ("[system]\nnmae = \"x\"\n".to_owned(), "2:1", "nmae"),
        ("[systen]\nname = \"x\"\n".to_owned(), "1:", "systen"),
        ("[system]\nname = 7\n".to_owned(), "2:", "name"),
        ("[system]\ntime_zone = \"Mars/Olympus\"\n".to_owned(), "2:", "time_zone"),
        ("[listen]\nsip_udp = [\"not an address\"]\n".to_owned(), "2:", "sip_udp"),
        ("[listen]\nmedia_ports = \"9-1\"\n".to_owned(), "2:", "media_ports"),
        ("[sip]\nmin_expires = \"soon\"\n".to_owned(), "2:", "min_expires"),
        ("[network]\nlocal = \"Nowhere\"\n".to_owned(), "2:", "local"),
        ("[[address_groups]]\nname = \"A\"\nmembers = [\"10.0.0.300\"]\n".to_owned(), "3:", "members"),
        ("[[address_groups]]\nname = \"A\"\nmembers = [\"group:B\"]\n".to_owned(), "3:", "members"),
        (line("") + &line(""), "5:", "number"),
        (line("forwarding = { busy = 7 }"), "3:", "busy"),
        (line("nat = \"perhaps\""), "3:", "nat"),
        (line("lines = [{ username = \"101\" }]"), "3:", "username"),
        (line("lines = [{ username = \"300\", password = \"short\" }]"), "3:", "password"),
        (line("lines = [{ username = \"300\", password = \"123456789012345\" }]"), "3:", "password"),
        ("[[trunks]]\nname = \"P\"\n".to_owned(), "1:", "trunks"),
    ] {
        let answer = pbx.apply(&toml, &["--merge"]);
        assert_eq!(answer.code, 1, "{toml}\n{answer:?}");
        let said = &answer.stderr;
        assert!(said.contains(&format!("change.toml:{place}")) && said.contains(key), "{toml}\n{said}");
        assert!(!said.contains("gWq8-vTzR-31xK-ppLm"), "a secret in {said}");
        assert!(
            said.trim().lines().all(|l| l.contains("change.toml:") && l.contains("; ")),
            "{toml}\n{said}"
        );
    }
    assert_eq!(pbx.run(&["export"]).done(), before);
}

#[test]
fn sections_of_later_versions_are_refused_as_not_available_yet() {
    let pbx = Pbx::start(Office::of(101, 1));
    for section in [
        "[security.outgoing]\nmax_call_duration = \"2h\"\n",
        "[[trunks]]\nname = \"P\"\n",
        "[[routes]]\nprefix = \"9\"\n",
        "[snmp]\nenabled = true\n",
    ] {
        let answer = pbx.apply(section, &["--merge"]);
        assert_eq!(answer.code, 1);
        assert!(answer.stderr.contains("not available yet"), "{}", answer.stderr);
    }
}

#[test]
fn a_refused_configuration_ends_the_start() {
    let mut office = Office::of(101, 1);
    office.more = "[sip]\nmin_expires = \"soon\"\n".into();
    let mut pbx = Pbx::prepare(office);
    pbx.begin();
    refused(&mut pbx, &["office.toml", "min_expires"]);
}

#[test]
fn malformed_messages_are_answered_or_dropped_and_the_server_goes_on() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", pbx.sip);
    let via = format!("Via: SIP/2.0/UDP {};branch=z9hG4bK-bad\r\n", phone.address);
    for text in [
        String::new(),
        "\r\n\r\n".into(),
        "\0\0\0\0".into(),
        "GET / HTTP/1.1\r\n\r\n".into(),
        "INVITE".into(),
        format!("INVITE sip:102@{} SIP/2.0\r\n{via}Content-Length: 99999\r\n\r\n", pbx.sip),
        format!("REGISTER sip:{} SIP/2.0\r\n{via}CSeq: 99999999999 REGISTER\r\n\r\n", pbx.sip),
        format!("OPTIONS sip:{} SIP/9.0\r\n{via}\r\n", pbx.sip),
        format!("OPTIONS sip:{} SIP/2.0\r\n{}\r\n", pbx.sip, via.repeat(100)),
        format!("OPTIONS sip:{} SIP/2.0\r\n{via}X: {}\r\n\r\n", pbx.sip, "y".repeat(60_000)),
    ] {
        phone.send(&text);
    }
    assert_eq!(phone.register(60).status(), 200);
}

/// A shell script that gives the rest of its command line a data folder on a disk of its own, of this size.
fn on_a_small_disk(data: &Path, size: &str) -> String {
    let data = data.display();
    format!("mkdir -p {data} && mount -t tmpfs -o size={size},mode=700 tmpfs {data} && exec \"$@\"")
}

#[test]
fn the_drivers_end_what_they_start() {
    let place = Place::new("end");
    let mut sleeper = Process::start("sleeper", "sleep", ["600"]).farewell(Farewell::Terminate);
    let pid = sleeper.pid();
    assert!(sleeper.ended().is_none());
    drop(sleeper);
    drop(place);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}
