//! What the user of a guessed extension is told by mail when an administrator asks for it (SPEC R4.9).

use super::common::fail;
use blackbox::place::address;
use blackbox::resource::{self, Response};
use blackbox::{Guesser, MailServer, Office, Pbx, wait};

const USER: &str = "[[users]]\nlogin = \"anna\"\nname = \"Anna Example\"\nemail = \"anna@example.test\"\nextensions = [\"101\"]\n";

/// Two extensions, a user of the first one, and a mail server.
fn server(mail: &MailServer) -> Pbx {
    let more = format!(
        "[mail]\nhost = \"localhost\"\nport = {}\nfrom = \"pbx@example.test\"\nsecurity = \"none\"\nretry = \"1s\"\n",
        mail.port
    );
    with_user(Office { more, ..Office::of(101, 2) })
}

fn with_user(office: Office) -> Pbx {
    let pbx = Pbx::start(office);
    pbx.apply(USER, &["--merge"]).done();
    pbx
}

fn tell(pbx: &Pbx, extension: &str) -> Response {
    resource::ask(pbx, &format!("POST /attacks/{extension}/mail"), &[], "")
}

/// Somebody at an address of his own guesses until he is blocked.
fn attack(pbx: &Pbx, agent: &str) -> String {
    let source = address();
    let mut guesser = Guesser::udp(source, pbx.sip);
    guesser.agent = agent.to_owned();
    fail(&mut guesser, "101", 5);
    wait::until("a block", || pbx.run(&["blocks"]).done().contains(&source.to_string()).then_some(()));
    source.to_string()
}

#[test]
fn the_user_of_a_guessed_extension_is_told_once_in_plain_words() {
    let mut mail = MailServer::open();
    mail.start();
    let pbx = server(&mail);
    let none = tell(&pbx, "101").expect(422);
    assert!(none.body.contains("nobody gave a wrong password"), "{}", none.body);
    attack(&pbx, "friendly-scanner");
    attack(&pbx, "friendly-scanner");
    resource::ask(&pbx, "POST /extensions/101/password", &[], "").expect(200);

    let told = tell(&pbx, "101").expect(200).json();
    assert_eq!((&told["extension"], &told["to"][0]), (&"101".into(), &"anna@example.test".into()));
    let letter = mail.expect_letters(1).remove(0);
    assert_eq!(letter["to"][0], "anna@example.test");
    assert_eq!(letter["subject"], "[Black box] Somebody guesses the password of extension 101");
    let text = letter["text"].as_str().unwrap_or_default();
    for part in [
        "Dear Anna Example,",
        "10 wrong passwords, from 2 addresses",
        "friendly-scanner",
        "Nobody got in",
        "The password of your telephone was changed at 2",
        "2 of the addresses are blocked now",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let exported = pbx.run(&["export", "--with-secrets"]).done();
    let secrets = exported.split("password = \"").skip(1).filter_map(|rest| rest.split('"').next());
    for secret in secrets {
        assert!(!text.contains(secret), "a password in\n{text}");
    }

    let again = tell(&pbx, "101").expect(429);
    let next = told["next"].as_str().unwrap_or_default();
    assert!(!next.is_empty() && again.body.contains(next), "{next} in {}", again.body);
    let log = pbx.run(&["log", "security"]).done();
    assert!(log.contains("mail.user-told"), "{log}");
    assert_eq!(mail.letters().len(), 1);
}

#[test]
fn hostile_names_of_an_attack_stay_on_their_line_in_the_letter_to_its_user() {
    let mut mail = MailServer::open();
    mail.start();
    let pbx = server(&mail);
    attack(&pbx, "x\u{1b}[2J<b>\u{202e}\u{2028}Bcc: all@victim.test");
    tell(&pbx, "101").expect(200);
    let letter = mail.expect_letters(1).remove(0);
    let text = letter["text"].as_str().unwrap_or_default();
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2028}']), "{text:?}");
    assert!(text.contains("all@victim.test") && !text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    let headers = letter["headers"].to_string();
    assert!(!headers.contains("Bcc"), "{headers}");
}

#[test]
fn without_a_mail_server_or_an_address_it_is_said_what_is_missing() {
    let mail = MailServer::open();
    let pbx = server(&mail);
    attack(&pbx, "x");
    let nobody = tell(&pbx, "102").expect(422);
    assert!(nobody.body.contains("no user with an e-mail address has extension 102"), "{}", nobody.body);
    assert!(tell(&pbx, "999").expect(404).body.contains("999"));
    let pbx = with_user(Office::of(101, 1));
    let unset = tell(&pbx, "101").expect(422);
    assert!(unset.body.contains("no mail server is set; name one"), "{}", unset.body);
}
