use super::super::{
    Deletions, Edit, Edited, Kind, content, edit, edit_section, export, restore_rows, section_content,
    set_password,
};
use super::*;
use crate::Secret;

fn done(office: &Office, kind: Kind, what: Edit<'_>) -> Edited {
    // Ids of its own: those of `supply` are the office's.
    let mut entropy = crate::Entropy::from_seed([7; 32]);
    let mint = crate::IdMint::new(2, &mut entropy);
    edit(office, kind, what, &mut Supply { entropy, mint, ..supply() }).expect("is done")
}

fn wrong(office: &Office, kind: Kind, what: Edit<'_>) -> Vec<(String, String)> {
    match edit(office, kind, what, &mut supply()) {
        Err(Refusal::Problems(problems)) => {
            problems.list.into_iter().map(|problem| (problem.key, problem.what)).collect()
        }
        other => panic!("no problems but {other:?}"),
    }
}

fn json(office: &Office, kind: Kind, key: &str) -> serde_json::Value {
    serde_json::to_value(content(office, kind, key).expect("it is there")).expect("is JSON")
}

#[test]
fn what_is_read_can_be_written_back_and_changes_nothing() {
    let office = office();
    for (kind, key) in [
        (Kind::Extension, "101"),
        (Kind::Extension, "102"),
        (Kind::User, "alice"),
        (Kind::AddressGroup, "SIP allowed"),
    ] {
        let text = json(&office, kind, key).to_string();
        let same = done(&office, kind, Edit::Replace(key, &text));
        assert!(same.plan.is_empty(), "{kind} {key}: {:?}", same.plan.difference);
    }
    for section in super::super::SETTINGS {
        let text = serde_json::to_string(&section_content(&office, section).unwrap()).unwrap();
        let plan = edit_section(&office, section, &text, &mut supply()).expect("is right");
        assert!(plan.is_empty(), "{section}: {:?}", plan.difference);
    }
}

#[test]
fn an_extension_is_made_renamed_and_deleted_and_each_is_a_revision_like_any_other() {
    let first = office();
    let made = done(
        &first,
        Kind::Extension,
        Edit::Create(
            r#"{"number":"103","description":"Kitchen","lines":[{"username":"103"}],"etag":"x","users":[]}"#,
        ),
    );
    assert_eq!((made.key.as_str(), made.generated.len()), ("103", 1));
    let second = carried_out(made.plan);
    assert_eq!(second.sip_passwords["103"], made.generated[0].1);

    let mut object = json(&second, Kind::Extension, "101");
    object["number"] = "201".into();
    object["do_not_disturb"] = true.into();
    let renamed = done(&second, Kind::Extension, Edit::Replace("101", &object.to_string()));
    assert!(renamed.generated.is_empty());
    let third = carried_out(renamed.plan);
    assert!(!third.extensions.contains_key("101"));
    assert_eq!(third.extensions["201"].id, second.extensions["101"].id);
    assert_eq!(third.sip_passwords["101"], second.sip_passwords["101"], "secrets that are absent stay");
    assert!(third.personal["201"].do_not_disturb, "what the user sets is set too");
    assert_eq!(third.users["alice"].value.extensions, ["201"]);

    let gone = done(&third, Kind::Extension, Edit::Delete("201"));
    assert_eq!(gone.plan.deletions, 1);
    let fourth = carried_out(gone.plan);
    assert!(fourth.users["alice"].value.extensions.is_empty() && !fourth.personal.contains_key("201"));
    let again = Options { deletions: Deletions::Any, ..Options::default() };
    let text = export(&fourth, super::super::Secrets::Include);
    assert!(try_apply(&fourth, &text, &again).expect("applies").is_empty());
}

#[test]
fn a_put_is_the_whole_record_and_what_a_form_does_not_know_stays() {
    let office = applied(
        &office(),
        "[[users]]\nlogin = \"alice\"\nenforce = [\"password\"]\n[[users]]\nlogin = \"root\"\nrole = \"full\"",
    );
    let plan = done(&office, Kind::User, Edit::Replace("alice", r#"{"login":"alice","name":"A"}"#)).plan;
    let after = carried_out(plan);
    let user = &after.users["alice"].value;
    assert_eq!((user.name.as_str(), user.email.as_str()), ("A", ""));
    assert_eq!(user.enforce, ["password"]);
    assert_eq!(after.password_hashes["alice"], office.password_hashes["alice"]);
}

#[test]
fn problems_name_the_field_of_the_form() {
    let office = office();
    let line = r#"{"number":"104","lines":[{"username":"104"},{"username":"101"},{"username":"a b","password":"x"}]}"#;
    let found = wrong(&office, Kind::Extension, Edit::Create(line));
    let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert!(keys.contains(&"lines.1.username") && keys.contains(&"lines.2.username"), "{found:?}");
    assert!(keys.contains(&"lines.2.password"), "{found:?}");
    let found = wrong(&office, Kind::Extension, Edit::Create(r#"{"number":"10x","colour":1}"#));
    let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["colour", "number"], "{found:?}");
    let found = wrong(&office, Kind::User, Edit::Create(r#"{"login":"bob","extensions":["101","999"]}"#));
    assert_eq!(found[0].0, "extensions.1");
    let found = wrong(
        &office,
        Kind::AddressGroup,
        Edit::Create(r#"{"name":"G","members":["10.0.0.0/8","group:X"]}"#),
    );
    assert_eq!(found[0].0, "members.1");
    let found = wrong(&office, Kind::AddressGroup, Edit::Create("[1]"));
    assert!(found[0].1.contains("not an object"), "{found:?}");
    for (section, text, key) in [
        ("firewall", r#"{"sip":"Nobody"}"#, "sip"),
        ("guessing", r#"{"attempts":0}"#, "attempts"),
        ("guessing", r#"{"trusted":"Nobody"}"#, "trusted"),
        ("system", r#"{"time_zone":"Mars"}"#, "time_zone"),
        ("mail", r#"{"host":"h.test","username":"u","from":"a@b.test"}"#, "password"),
        ("firewall", r#"{"confirm_within":"0s"}"#, "confirm_within"),
    ] {
        match edit_section(&office, section, text, &mut supply()) {
            Err(Refusal::Problems(problems)) => assert_eq!(problems.list[0].key, key, "{problems}"),
            other => panic!("{section}: {other:?}"),
        }
    }
}

#[test]
fn what_others_need_is_not_deleted_and_what_exists_is_not_made_twice() {
    let office = office();
    let refused = |kind, what: Edit<'_>| edit(&office, kind, what, &mut supply()).unwrap_err();
    let why = refused(Kind::AddressGroup, Edit::Delete("Inside")).to_string();
    assert!(why.contains("network.local") && why.contains("address group SIP allowed"), "{why}");
    assert_eq!(refused(Kind::User, Edit::Delete("root")), Refusal::LastAdministrator);
    let demoted = r#"{"login":"root","role":"operator"}"#;
    assert_eq!(refused(Kind::User, Edit::Replace("root", demoted)), Refusal::LastAdministrator);
    assert!(matches!(refused(Kind::Extension, Edit::Create(r#"{"number":"101"}"#)), Refusal::Exists(_)));
    let onto = r#"{"number":"102"}"#;
    assert!(matches!(refused(Kind::Extension, Edit::Replace("101", onto)), Refusal::Exists(_)));
    assert!(matches!(refused(Kind::Extension, Edit::Replace("999", onto)), Refusal::Unknown(_)));
    assert!(matches!(refused(Kind::User, Edit::Delete("nobody")), Refusal::Unknown(_)));
}

#[test]
fn a_password_is_set_where_it_belongs_and_a_hash_is_taken_from_nobody() {
    let office = office();
    let set = r#"{"login":"alice","password":"four unrelated words here"}"#;
    assert_eq!(wrong(&office, Kind::User, Edit::Replace("alice", set))[0].0, "password");
    let hash = r#"{"login":"eve","password_hash":"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A"}"#;
    assert_eq!(wrong(&office, Kind::User, Edit::Create(hash))[0].0, "password_hash");
    let new = Secret::new("another staple battery horse".into());
    let plan = set_password(&office, "alice", &new, &mut supply()).expect("is strong");
    assert_eq!(plan.effects.people.len(), 1);
    assert!(
        plan.effects.personal.is_empty() && plan.after.users["alice"].value == office.users["alice"].value
    );
    let weak = Secret::new("abc".into());
    match set_password(&office, "alice", &weak, &mut supply()) {
        Err(Refusal::Problems(problems)) => assert_eq!(problems.list[0].key, "password"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_mail_servers_password_stays_until_it_is_removed() {
    let text =
        "[mail]\nhost = \"h.test\"\nusername = \"u\"\nfrom = \"a@b.test\"\npassword = \"Pa55-of-the-mail\"";
    let office = applied(&office(), text);
    let mail = r#"{"host":"h.test","username":"u","from":"pbx@b.test"}"#;
    let kept = edit_section(&office, "mail", mail, &mut supply()).expect("is right").after;
    assert_eq!(kept.mail_password, office.mail_password);
    let shown = serde_json::to_string(&section_content(&kept, "mail")).unwrap();
    assert!(shown.contains("\"password_set\":true") && !shown.contains("Pa55"), "{shown}");
    let removed = r#"{"host":"h.test","from":"pbx@b.test","password":null}"#;
    let after = edit_section(&kept, "mail", removed, &mut supply()).expect("is right").after;
    assert_eq!(after.mail_password, None);
    let needed = r#"{"host":"h.test","username":"u","from":"pbx@b.test","password":null}"#;
    assert!(edit_section(&kept, "mail", needed, &mut supply()).is_err());
}

#[test]
fn rows_and_groups_of_before_come_back_and_later_groups_and_all_else_stay() {
    let first = applied(&office(), "[firewall]\nsip = \"SIP allowed\"\nweb = \"Inside\"");
    let renamed = done(
        &first,
        Kind::AddressGroup,
        Edit::Replace("Inside", r#"{"name":"Nobody","members":["192.0.2.1"]}"#),
    );
    let second = carried_out(renamed.plan);
    assert_eq!(second.firewall.web.as_deref(), Some("Nobody"));
    let later =
        done(&second, Kind::AddressGroup, Edit::Create(r#"{"name":"Later","members":["192.0.2.9"]}"#));
    let third = carried_out(later.plan);
    let third = carried_out(done(&third, Kind::Extension, Edit::Delete("102")).plan);
    let back = restore_rows(&third, first.rows(), first.revision, &mut supply()).expect("goes back");
    let fourth = carried_out(back);
    assert_eq!(fourth.firewall, first.firewall);
    assert_eq!(fourth.address_groups["Inside"].value, first.address_groups["Inside"].value);
    assert_eq!(fourth.address_groups["Inside"].id, first.address_groups["Inside"].id);
    assert!(fourth.address_groups.contains_key("Later") && !fourth.address_groups.contains_key("Nobody"));
    assert_eq!(fourth.network.local.as_deref(), Some("Inside"));
    assert!(!fourth.extensions.contains_key("102"));
    assert!(restore_rows(&fourth, first.rows(), first.revision, &mut supply()).unwrap().is_empty());
}
