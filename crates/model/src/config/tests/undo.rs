use super::super::{Options, Row, first_administrator, new_password, rollback};
use super::*;
use crate::Secret;

fn back(office: &Office, to: Vec<Row>) -> Plan {
    rollback(office, to, 1, &Options::default(), &mut supply()).expect("rolls back")
}

#[test]
fn a_rollback_takes_back_the_configuration_and_keeps_secrets_and_what_users_set() {
    let first = office();
    let text = "[sip]\ndead_media = \"5s\"\n\
                [[extensions]]\nnumber = \"201\"\nwas = \"101\"\nnat = false\nenforce = [\"do_not_disturb\"]\n\
                do_not_disturb = true\n\
                lines = [{ username = \"201\", was = \"101\", password = \"n9Kd-2mQx-77Lr-aaZe\" }, { username = \"101-mobile\" }]\n\
                [[extensions]]\nnumber = \"102\"\nlines = [{ username = \"102\", password = \"t5Vw-9pLk-12Xc-ooBn\" }]";
    let second = applied(&first, text);
    let third = carried_out(back(&second, first.rows()));
    assert_eq!(third.revision, 3);
    assert_eq!(third.rows(), first.rows());
    assert_eq!(third.sip_passwords["102"], Secret::new("t5Vw-9pLk-12Xc-ooBn".into()));
    assert_eq!(third.sip_passwords["101-mobile"], first.sip_passwords["101-mobile"]);
    assert!(third.personal["101"].do_not_disturb, "the user's own setting stays as it is today");
    assert!(back(&third, first.rows()).is_empty());
}

#[test]
fn a_rollback_touches_no_administrator() {
    let first = office();
    let text = "[[users]]\nlogin = \"alice\"\nrole = \"operator\"\nextensions = [\"102\"]\n\
                [[users]]\nlogin = \"carol\"\nrole = \"full\"\n[[users]]\nlogin = \"bob\"";
    let second = applied(&first, text);
    let third = carried_out(back(&second, first.rows()));
    let logins: Vec<_> = third.users.keys().map(String::as_str).collect();
    assert_eq!(logins, ["alice", "carol"], "bob goes, root does not come back, alice and carol stay");
    assert_eq!(third.users["alice"].value, second.users["alice"].value);
}

#[test]
fn an_administrator_loses_only_the_extensions_that_a_rollback_removes() {
    let first = office();
    let text = "[[users]]\nlogin = \"root\"\nrole = \"full\"\nextensions = [\"103\", \"102\"]\n[[extensions]]\nnumber = \"103\"";
    let second = merged(&first, text);
    let third = carried_out(back(&second, first.rows()));
    assert_eq!(third.users["root"].value.extensions, ["102"]);
}

#[test]
fn what_was_deleted_comes_back_with_a_new_password() {
    let first = office();
    let second = applied(&first, "[[extensions]]\nnumber = \"101\"\nlines = [{ username = \"101\" }]");
    let plan = back(&second, first.rows());
    assert!(plan.difference.iter().any(|line| line.contains("password of line 102 generated")));
    let third = carried_out(plan);
    assert_eq!(third.extensions["102"].id, first.extensions["102"].id);
    assert_ne!(third.sip_passwords["102"], first.sip_passwords["102"]);
}

#[test]
fn a_new_password_is_a_change_of_that_line_only() {
    let office = office();
    let mut other = Supply { entropy: crate::Entropy::from_seed([1; 32]), ..supply() };
    let (plan, line, password) = new_password(&office, "102", None, &mut other).unwrap();
    assert_eq!((line.as_str(), password.expose().len()), ("102", 24));
    assert_eq!(plan.difference, ["~ extension 102: password of line 102 changed"]);
    assert_eq!(plan.effects.sip_passwords.len(), 1);
    let several = new_password(&office, "101", None, &mut supply()).unwrap_err().to_string();
    assert!(several.contains("extension 101 has 2 lines; name one of 101, 101-mobile"), "{several}");
    let (plan, ..) = new_password(&office, "101", Some("101-mobile"), &mut supply()).unwrap();
    assert_eq!(plan.after.sip_passwords["101"], office.sip_passwords["101"]);
    assert!(new_password(&office, "101", Some("102"), &mut supply()).is_err());
    assert!(new_password(&office, "777", None, &mut supply()).is_err());
}

#[test]
fn the_first_administrator_needs_a_password_worth_the_name() {
    let empty = Office::default();
    let made =
        first_administrator(&empty, "admin", Secret::new("four unrelated words".into()), &mut supply());
    assert_eq!(made.unwrap().after.administrators(), 1);
    let weak = first_administrator(&empty, "admin", Secret::new("planted".into()), &mut supply());
    let shown = weak.unwrap_err().to_string();
    assert!(shown.contains("shorter than 8 characters") && !shown.contains("planted"), "{shown}");
}
