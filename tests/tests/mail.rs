//! Warnings by e-mail against a real mail server: each block once, through outages, refusals and restarts.

use blackbox::digest::Credentials;
use blackbox::raw::registration;
use blackbox::smtp::PASSWORD;
use blackbox::{MailServer, Office, Pbx, RawPhone, wait};

/// One wrong password blocks; letters are tried again at once.
fn office(mail: &MailServer, more: &str) -> Office {
    let mut office = Office::of(101, 1);
    office.more = format!(
        "[security.guessing]\nattempts = 1\nwarn_email = \"it@example.test\"\n\
         [mail]\nhost = \"localhost\"\nport = {}\nfrom = \"pbx@example.test\"\nretry = \"1s\"\n{more}",
        mail.port
    );
    office
}

const CLEAR: &str = "security = \"none\"\n";

/// Somebody at an address of his own gives a wrong password.
fn guess(server: &Pbx, account: &str) -> String {
    guess_with(server, account, "")
}

fn guess_with(server: &Pbx, account: &str, more: &str) -> String {
    let mut phone = RawPhone::new("101", server.sip);
    let mut request = registration("101", server.sip, 60);
    let challenge = phone.ask(&request).challenges().first().cloned().expect("a challenge");
    let credentials = Credentials { user: account, password: "wrong", count: 1, cnonce: "guesser" };
    let value = challenge.answer(&credentials, request.method, &request.uri);
    request.more.push_str(&format!("{more}Authorization: {value}\r\n"));
    let text = phone.compose(&request);
    phone.send(&text);
    let address = phone.address.ip().to_string();
    wait::until("a block", || server.run(&["blocks"]).done().contains(&address).then_some(()));
    address
}

fn ids(letters: &[serde_json::Value]) -> Vec<&str> {
    let mut ids: Vec<_> = letters.iter().filter_map(|letter| letter["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[test]
fn a_block_is_mailed_once_over_starttls_to_who_is_to_know() {
    let mut mail = MailServer::guarded();
    mail.start();
    let login = format!("username = \"pbx\"\npassword = \"{PASSWORD}\"\n");
    let [env, trusted] = mail.trusted_by();
    let mut server = Pbx::prepare(office(&mail, &login)).under(&[&env, &trusted]);
    server.launch();
    let address = guess(&server, "admin");
    let letter = mail.expect_letters(1).remove(0);
    assert_eq!((letter["tls"].as_bool(), letter["from"].as_str()), (Some(true), Some("pbx@example.test")));
    assert_eq!(letter["to"][0], "it@example.test");
    assert_eq!(letter["subject"], format!("[Black box] {address} is blocked"));
    let text = letter["text"].as_str().unwrap_or_default();
    for part in
        [&format!("ringwall unblock {address}"), "Accounts  admin", "Failures  1, from", "Ends      2"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let again = guess(&server, "other");
    assert!(mail.expect_letters(2)[1]["subject"].as_str().is_some_and(|subject| subject.contains(&again)));
    assert_eq!(mail.letters().len(), 2);
    let written = server.run(&["log", "security"]).done() + &server.run(&["log", "debug"]).done();
    assert!(!written.contains(PASSWORD));
}

#[test]
fn a_mail_server_whose_certificate_nobody_vouches_for_gets_no_password_and_no_letter() {
    let mut mail = MailServer::guarded();
    mail.start();
    let login = format!("username = \"pbx\"\npassword = \"{PASSWORD}\"\n");
    let server = Pbx::start(office(&mail, &login));
    guess(&server, "admin");
    wait::until("a delay in the log", || {
        server.run(&["log", "warning"]).done().contains("mail.delayed").then_some(())
    });
    let log = server.run(&["log", "warning"]).done();
    assert!(log.contains("encryption failed"), "{log}");
    assert!(mail.said().iter().all(|said| said["login"].is_null() && said["subject"].is_null()));
}

#[test]
fn a_wrong_password_for_the_mail_server_is_logged_and_mended_by_the_right_one() {
    let mut mail = MailServer::guarded();
    mail.start();
    let login = |password: &str| format!("username = \"pbx\"\npassword = \"{password}\"\n");
    let [env, trusted] = mail.trusted_by();
    let mut server = Pbx::prepare(office(&mail, &login("not-the-secret"))).under(&[&env, &trusted]);
    server.launch();
    guess(&server, "admin");
    wait::until("a refusal in the log", || {
        server.run(&["log", "warning"]).done().contains("does not let us in").then_some(())
    });
    server.apply(&office(&mail, &login(PASSWORD)).more, &[]).done();
    assert_eq!(mail.expect_letters(1).len(), 1);
    assert!(mail.said().iter().any(|said| said["login"] == "wrong"));
}

#[test]
fn after_an_outage_and_a_crash_all_letters_arrive_once() {
    let mut mail = MailServer::open();
    let mut server = Pbx::start(office(&mail, CLEAR));
    let mut blocked: Vec<String> = (0..3).map(|n| guess(&server, &format!("before{n}"))).collect();
    wait::until("a delay in the log", || {
        server.run(&["log", "warning"]).done().contains("mail.delayed").then_some(())
    });
    server.crash();
    server.restart();
    blocked.extend((0..2).map(|n| guess(&server, &format!("after{n}"))));
    mail.start();
    let letters = mail.expect_letters(5);
    // Another round: nothing is sent again.
    blocked.push(guess(&server, "last"));
    let letters = [letters, mail.expect_letters(6).split_off(5)].concat();
    assert_eq!((mail.letters().len(), ids(&letters).len()), (6, 6));
    for address in blocked {
        let named =
            |letter: &&serde_json::Value| letter["subject"].as_str().is_some_and(|s| s.contains(&address));
        assert_eq!(letters.iter().filter(named).count(), 1, "{address}");
    }
}

#[test]
fn a_server_that_puts_off_or_hangs_gets_the_letter_later_and_delays_nothing_else() {
    let mut mail = MailServer::open();
    mail.start();
    mail.answers("451 greylisted");
    let server = Pbx::start(office(&mail, &format!("{CLEAR}timeout = \"1s\"\n")));
    guess(&server, "admin");
    let log = |word: &str| {
        wait::until(word, || server.run(&["log", "warning"]).done().contains(word).then_some(()))
    };
    log("451");
    mail.answers("hang");
    log("no answer within 1 s");
    // Meanwhile phones sign in, and another guesser is blocked.
    assert_eq!(RawPhone::new("101", server.sip).register(60).status(), 200);
    guess(&server, "other");
    mail.takes();
    let letters = mail.expect_letters(2);
    assert_eq!(ids(&letters).len(), 2);
}

#[test]
fn a_letter_that_is_refused_is_given_up_and_said_so() {
    let mut mail = MailServer::open();
    mail.start();
    mail.answers("550 nobody here");
    let server = Pbx::start(office(&mail, CLEAR));
    let first = guess(&server, "admin");
    wait::until("it is given up", || {
        server.run(&["log", "error"]).done().contains("mail.refused").then_some(())
    });
    let log = server.run(&["log", "error"]).done();
    assert!(log.contains("550") && log.contains(&first), "{log}");
    mail.takes();
    let second = guess(&server, "other");
    let letters = mail.expect_letters(1);
    assert!(letters[0]["subject"].as_str().is_some_and(|subject| subject.contains(&second)));
}

#[test]
fn beyond_ten_letters_the_rest_is_one_digest() {
    let mut mail = MailServer::open();
    mail.start();
    let server = Pbx::start(office(&mail, &format!("{CLEAR}digest = \"8s\"\n")));
    let blocked: Vec<String> = (0..14).map(|n| guess(&server, &format!("account{n}"))).collect();
    let letters = wait::until("a digest", || {
        let letters = mail.letters();
        letters
            .iter()
            .any(|letter| letter["subject"].as_str().is_some_and(|s| s.contains("more blocks")))
            .then_some(letters)
    });
    let (digests, single): (Vec<_>, Vec<_>) = letters
        .iter()
        .partition(|letter| letter["subject"].as_str().is_some_and(|s| s.contains("more blocks")));
    assert_eq!((digests.len(), single.len()), (1, 10), "{letters:#?}");
    let text = digests[0]["text"].as_str().unwrap_or_default();
    for address in &blocked[10..] {
        assert!(text.contains(address), "{address}\n{text}");
    }
}

#[test]
fn hostile_names_break_no_letter() {
    let mut mail = MailServer::open();
    mail.start();
    let server = Pbx::start(office(&mail, CLEAR));
    let agent = "User-Agent: x\u{1b}[2J<script>alert(1)</script>\u{202e}{\"a\":1},=cmd()\r\n";
    guess_with(&server, "admin%0d%0aBcc: all@victim.test\u{85}\u{2028}", agent);
    let letter = mail.expect_letters(1).remove(0);
    let headers: Vec<_> =
        letter["headers"].as_array().into_iter().flatten().filter_map(|h| h.as_str()).collect();
    assert!(!headers.contains(&"Bcc"), "{headers:?}");
    let text = letter["text"].as_str().unwrap_or_default();
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{85}', '\u{2028}']), "{text:?}");
    assert!(text.contains("<script>"), "shown as it came: letters are plain text\n{text}");
}

#[test]
fn an_address_to_mail_to_without_a_mail_server_is_said_when_it_is_applied() {
    let pbx = Pbx::start(Office::of(101, 1));
    let file = pbx.place.write("warn.toml", "[security.guessing]\nwarn_email = \"it@example.test\"\n");
    let answer = pbx.run(&["apply", &file.to_string_lossy(), "--merge"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(format!("{answer:?}").contains("nobody will be mailed"), "{answer:?}");
}
