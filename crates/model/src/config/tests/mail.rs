//! `[mail]`: what is taken, what is refused and where, and where its password goes.

use super::*;
use crate::config::{MailSecurity, Secrets, export};

const MAIL: &str = "[mail]\nhost = \"mail.example.test\"\nusername = \"pbx\"\npassword = \"mail-secret\"\nfrom = \"pbx@example.test\"\n";

#[test]
fn mail_is_taken_with_its_usual_values_and_its_password_apart() {
    let plan = try_apply(&Office::default(), MAIL, &Options::default()).expect("applies");
    assert!(plan.difference.iter().any(|line| line.contains("password set")), "{:?}", plan.difference);
    assert!(!format!("{:?}{:?}", plan.changes, plan.difference).contains("mail-secret"));
    let mail = &plan.after.mail;
    assert_eq!((mail.security, mail.effective_port()), (MailSecurity::StartTls, 587));
    assert_eq!(plan.after.mail_password.as_ref().map(crate::Secret::expose), Some("mail-secret"));
}

#[test]
fn the_password_is_kept_exported_on_request_only_and_goes_with_the_username() {
    let office = applied(&Office::default(), MAIL);
    let plain = export(&office, Secrets::Omit);
    assert!(!plain.contains("mail-secret"));
    assert!(try_apply(&office, &plain, &Options::default()).expect("applies").is_empty());
    let whole = export(&office, Secrets::Include);
    assert!(try_apply(&office, &whole, &Options::default()).expect("applies").is_empty());
    assert_eq!(applied(&Office::default(), &whole).mail_password, office.mail_password);
    let changed = MAIL.replace("mail-secret", "other-secret");
    let plan = try_apply(&office, &changed, &Options::default()).expect("applies");
    assert_eq!(plan.difference.len(), 1, "{:?}", plan.difference);
    let anonymous = "[mail]\nhost = \"mail.example.test\"\nfrom = \"pbx@example.test\"\n";
    let plan = try_apply(&office, anonymous, &Options::default()).expect("applies");
    assert_eq!((plan.after.mail_password, plan.effects.mail_password), (None, Some(None)));
}

const ACCOUNT: &[(&str, &str)] = &[
    ("host = \"mail.example.test\"", "host = \"evil.example.test\""),
    ("host = \"mail.example.test\"", "host = \"mail.example.test\"\nport = 2525"),
    ("host = \"mail.example.test\"", "host = \"mail.example.test\"\nsecurity = \"tls\""),
    ("username = \"pbx\"", "username = \"other\""),
];

#[test]
fn the_password_is_for_the_server_it_was_given_for() {
    let office = applied(&Office::default(), MAIL);
    for (was, is) in ACCOUNT {
        let given = MAIL.replace(was, is);
        let silent = given.replace("password = \"mail-secret\"\n", "");
        for mode in [Mode::Match, Mode::Merge] {
            let options = Options { mode, ..Options::default() };
            let Err(Refusal::Problems(problems)) = try_apply(&office, &silent, &options) else {
                panic!("{silent}")
            };
            assert_eq!(problems.list[0].key, "mail.password", "{silent}\n{problems}");
            let after = try_apply(&office, &given, &options).expect("given again").after;
            assert_eq!(after.mail_password, office.mail_password, "{given}");
        }
        // Who goes back to a server of his is not told the password of today's.
        let theirs = applied(&Office::default(), &given.replace("mail-secret", "mine"));
        let mut back = crate::config::rollback(&office, theirs.rows(), 1, &Options::default(), &mut supply());
        let plan = back.as_mut().expect("rolls back");
        assert_eq!((&plan.after.mail_password, &plan.effects.mail_password), (&None, &Some(None)), "{given}");
        assert!(
            plan.difference.iter().any(|line| line.contains("password removed")),
            "{:?}",
            plan.difference
        );
    }
}

#[test]
fn what_can_not_work_is_refused_with_its_line_and_a_cure() {
    for (text, line, key, what) in [
        ("[mail]\nhost = \"a b\"\nfrom = \"x@y.test\"\n", 2, "mail.host", "neither a name"),
        ("[mail]\nhost = \"m.test\"\n", 1, "mail.from", "missing"),
        ("[mail]\nhost = \"m.test\"\nfrom = \"x@y.test\\r\\nBcc: z@y.test\"\n", 3, "mail.from", "control"),
        ("[mail]\nhost = \"m.test\"\nfrom = \"Name <x@y.test>\"\n", 3, "mail.from", "not an e-mail"),
        ("[mail]\nhost = \"m.test\"\nfrom = \"x@y.test\"\nport = 0\n", 4, "mail.port", "not a port"),
        ("[mail]\nhost = \"m.test\"\nfrom = \"x@y.test\"\nsecurity = \"ssl\"\n", 4, "mail.security", "ssl"),
        ("[mail]\nhost = \"m.test\"\nfrom = \"x@y.test\"\nusername = \"u\"\n", 1, "mail.password", "missing"),
        ("[mail]\nhost = \"m.test\"\nfrom = \"x@y.test\"\npassword = \"p\"\n", 4, "mail.password", "without"),
        ("[mail]\nfrom = \"x@y.test\"\n", 2, "mail.from", "without a host"),
        ("[mail]\nhost = \"m.test\"\nfrom = \"x@y.test\"\nretry = \"0s\"\n", 4, "mail.retry", "too short"),
        (
            "[mail]\nhost = \"m.test\"\nfrom = \"x@y.test\"\nusername = \"u\"\npassword = \"p\"\nsecurity = \"none\"\n",
            6,
            "mail.security",
            "in clear",
        ),
    ] {
        let problems = problems(&Office::default(), text);
        let found = problems.list.iter().find(|problem| problem.key == key);
        let found = found.unwrap_or_else(|| panic!("{text}\n{problems}"));
        assert!(found.line == Some(line) && found.what.contains(what) && !found.cure.is_empty(), "{found:?}");
    }
}

#[test]
fn a_password_goes_in_clear_to_this_machine_only() {
    for host in ["127.0.0.1", "::1", "localhost"] {
        let text = MAIL.replace("mail.example.test\"", &format!("{host}\"\nsecurity = \"none\""));
        assert_eq!(applied(&Office::default(), &text).mail.effective_port(), 25);
    }
}

#[test]
fn a_rollback_goes_back_to_a_username_whose_password_is_gone() {
    let first = applied(&Office::default(), MAIL);
    let second = applied(&first, "[mail]\nhost = \"mail.example.test\"\nfrom = \"pbx@example.test\"\n");
    let plan = crate::config::rollback(&second, first.rows(), 1, &Options::default(), &mut supply());
    let third = carried_out(plan.expect("rolls back"));
    assert_eq!((third.mail.username.as_deref(), third.mail_password.as_ref()), (Some("pbx"), None));
    assert!(try_apply(&third, "[sip]\ndead_media = \"5s\"\n", &Options::default()).is_ok());
}
