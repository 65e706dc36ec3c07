//! sipvicious, from one loopback address against another.

use super::common::{blocks, failures_logged, is_silent, server};
use blackbox::guesser::sipvicious;
use blackbox::place::address;
use blackbox::{Guesser, RawPhone};

#[test]
fn svwar_finds_no_extension() {
    let pbx = server(3, "");
    let mut phone = RawPhone::new("102", pbx.sip);
    assert_eq!(phone.register(600).status(), 200);
    for method in ["REGISTER", "INVITE", "OPTIONS"] {
        let found = sipvicious("svwar", address(), pbx.sip, &["-m", method, "-e", "100-120", "--force"]);
        for number in ["101", "102", "103"] {
            // As a word: addresses and tags of its warnings have such digits too.
            let is_told = |line: &&str| line.split([' ', '|', '│']).any(|word| word == number);
            let line = found.lines().find(is_told);
            let beside = |line: &str| found.contains(&line.replace(number, "119"));
            assert!(line.is_none_or(beside), "{method}: told {number} from 119:\n{found}");
        }
    }
    assert_eq!(phone.register(600).status(), 200);
}

#[test]
fn svcrack_is_blocked_at_the_limit_though_the_password_is_in_its_list() {
    let pbx = server(2, "");
    let mut phone = RawPhone::new("102", pbx.sip);
    assert_eq!(phone.register(600).status(), 200);
    let mut words: Vec<String> = (0..200).map(|n| format!("guess-{n}")).collect();
    words.push(blackbox::config::password_of("101"));
    let file = pbx.place.write("words.txt", &words.join("\n"));
    // It binds to no address, whatever it is told.
    let source = std::net::Ipv4Addr::LOCALHOST;
    let list = file.to_string_lossy().into_owned();
    let found = sipvicious("svcrack", source, pbx.sip, &["-u", "101", "-d", &list, "--maximumtime=3"]);
    assert!(!found.contains(&words[200]), "{found}");
    assert!(is_silent(&pbx, &mut Guesser::udp(source, pbx.sip)), "{found}");
    let block = &blocks(&pbx)[0];
    assert_eq!((&block["failures"], &block["accounts"][0]), (&5.into(), &"101".into()));
    assert!(block["user_agents"].to_string().contains("friendly"), "{block}");
    assert_eq!(phone.register(600).status(), 200, "the phone beside it");
    assert_eq!(failures_logged(&pbx).len(), 5);
}

#[test]
fn svmap_learns_that_there_is_a_server_until_its_address_is_blocked() {
    let pbx = server(1, "");
    let source = address();
    let found = sipvicious("svmap", source, pbx.sip, &[]);
    assert!(found.contains(&pbx.sip.to_string()), "{found}");
    assert_eq!(pbx.run(&["block", &source.to_string()]).code, 0);
    let found = sipvicious("svmap", source, pbx.sip, &[]);
    assert!(!found.contains(&pbx.sip.to_string()), "{found}");
}
