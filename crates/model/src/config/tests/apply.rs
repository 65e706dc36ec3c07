use super::super::{Deletions, Mode, Options, Refusal, Secrets, directory, export};
use super::*;
use crate::Secret;

#[test]
fn the_example_is_taken_and_its_meaning_is_in_the_directory() {
    let office = office();
    let directory = directory(&office, None);
    assert_eq!(directory.revision, 1);
    assert_eq!(directory.domain, "pbx.example.test");
    assert_eq!(directory.numbering.country_code, "420");
    assert!(directory.network.is_inside("10.0.0.20".parse().unwrap()));
    assert!(!directory.network.is_inside("10.0.0.21".parse().unwrap()));
    let line = &directory.lines["101-mobile"];
    assert_eq!(line.password, Secret::new("Zx90-mmVa-7YtR-qqEd".into()));
    assert_eq!(&*line.extension, "101");
    let extension = &directory.extensions["101"];
    assert_eq!(extension.forwarding.busy.as_ref().unwrap().as_str(), "102");
    assert_eq!(extension.forwarding.no_answer.as_ref().unwrap().1.as_secs(), 15);
    assert_eq!(extension.forwarding.always, None);
    assert_eq!(directory.lines["102"].password.expose().len(), 24);
}

#[test]
fn applying_the_same_file_again_changes_nothing() {
    let office = office();
    let again = try_apply(&office, OFFICE, &Options::default()).unwrap();
    assert!(again.is_empty(), "{:?}", again.difference);
}

#[test]
fn a_directory_shares_the_records_that_did_not_change() {
    let office = office();
    let before = directory(&office, None);
    let changed = merged(&office, "[[extensions]]\nnumber = \"102\"\ndescription = \"Bob\"");
    let after = directory(&changed, Some(&before));
    assert!(std::sync::Arc::ptr_eq(&before.extensions["101"], &after.extensions["101"]));
    assert!(std::sync::Arc::ptr_eq(&before.lines["102"], &after.lines["102"]));
    assert!(!std::sync::Arc::ptr_eq(&before.extensions["102"], &after.extensions["102"]));
    assert_eq!(after.extensions["102"].description, "Bob");
}

#[test]
fn a_section_that_is_missing_is_left_alone_and_one_that_is_there_is_matched() {
    let office = office();
    let after = applied(&office, "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.0.0.0/8\"]");
    assert_eq!(after.address_groups.len(), 1);
    assert_eq!(after.extensions.len(), 2);
    assert_eq!(after.system, office.system);
    let after = applied(&office, "[sip]\nmin_expires = \"5s\"");
    assert_eq!(after.sip.max_expires.0.as_secs(), 3_600);
}

#[test]
fn merging_adds_and_changes_and_removes_nothing() {
    let office = office();
    let text = "[sip]\ndead_media = \"5s\"\n[[extensions]]\nnumber = \"101\"\nnat = false\n\
                lines = [{ username = \"101-home\" }]\n[[extensions]]\nnumber = \"103\"";
    let after = merged(&office, text);
    assert_eq!(after.sip.dead_media.0.as_secs(), 5);
    assert_eq!(after.sip.min_expires, office.sip.min_expires);
    let extension = &after.extensions["101"].value;
    assert_eq!(extension.description, "Alice, front desk");
    assert!(!extension.nat);
    let names: Vec<_> = extension.lines.iter().map(|line| line.username.as_str()).collect();
    assert_eq!(names, ["101", "101-mobile", "101-home"]);
    assert_eq!(after.sip_passwords["101"], office.sip_passwords["101"]);
    assert_eq!(after.extensions.len(), 3);
}

#[test]
fn a_password_left_out_is_kept_and_a_new_line_gets_a_generated_one() {
    let office = office();
    let text = "[[extensions]]\nnumber = \"101\"\nlines = [{ username = \"101\" }, { username = \"101-new\" }]\n\
                [[extensions]]\nnumber = \"102\"\nlines = [{ username = \"102\", password = \"n9Kd-2mQx-77Lr-aaZe\" }]";
    let plan = try_apply(&office, text, &Options::default()).unwrap();
    assert_eq!(plan.after.sip_passwords["101"], office.sip_passwords["101"]);
    assert_eq!(plan.after.sip_passwords["101-new"].expose().len(), 24);
    assert_eq!(plan.after.sip_passwords["102"], Secret::new("n9Kd-2mQx-77Lr-aaZe".into()));
    let difference = plan.difference.join("\n");
    assert!(difference.contains("~ extension 102: password of line 102 changed"), "{difference}");
    assert!(difference.contains("password of line 101-new generated"), "{difference}");
    assert!(plan.lost.contains(&"SIP password of line 101-mobile".to_owned()));
    let shown = format!("{plan:?} {}", serde_json::to_string(&plan.changes).unwrap());
    for secret in ["gWq8", "n9Kd", plan.after.sip_passwords["101-new"].expose()] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn a_renamed_extension_keeps_its_id_its_passwords_its_users_settings_and_who_refers_to_it() {
    let office = office();
    let text = "[[extensions]]\nnumber = \"201\"\nwas = \"101\"\n\
                lines = [{ username = \"201\", was = \"101\" }, { username = \"101-mobile\" }]\n\
                [[extensions]]\nnumber = \"102\"\nlines = [{ username = \"102\" }]";
    let plan = try_apply(&office, text, &Options::default()).unwrap();
    assert_eq!(plan.deletions, 1, "the line 101");
    let after = carried_out(plan);
    assert_eq!(after.extensions["201"].id, office.extensions["101"].id);
    assert_eq!(after.sip_passwords["201"], office.sip_passwords["101"]);
    assert_eq!(after.personal["201"], office.personal["101"]);
    assert_eq!(after.users["alice"].value.extensions, ["201"]);
    let again = try_apply(&after, text, &Options::default()).unwrap();
    assert!(again.is_empty(), "{:?}", again.difference);
}

#[test]
fn two_extensions_can_swap_their_numbers() {
    let office = office();
    let text = "[[extensions]]\nnumber = \"102\"\nwas = \"101\"\n\
                lines = [{ username = \"102\", was = \"101\" }]\n\
                [[extensions]]\nnumber = \"101\"\nwas = \"102\"\nlines = [{ username = \"101\", was = \"102\" }]";
    let after = applied(&office, text);
    assert_eq!(after.extensions["102"].id, office.extensions["101"].id);
    assert_eq!(after.sip_passwords["102"], office.sip_passwords["101"]);
    assert_eq!(after.sip_passwords["101"], office.sip_passwords["102"]);
}

#[test]
fn what_users_own_is_an_initial_value_unless_enforced() {
    let office = office();
    let text = |enforce: &str| {
        format!(
            "[[extensions]]\nnumber = \"101\"\ndo_not_disturb = true\nforwarding = {{ always = \"102\" }}\n\
             enforce = [{enforce}]\nlines = [{{ username = \"101\" }}, {{ username = \"101-mobile\" }}]\n\
             [[extensions]]\nnumber = \"102\"\nlines = [{{ username = \"102\" }}]"
        )
    };
    let plan = try_apply(&office, &text(""), &Options::default()).unwrap();
    assert_eq!(plan.after.personal["101"], office.personal["101"]);
    assert_eq!(plan.notes.len(), 2, "{:?}", plan.notes);
    let after = applied(&office, &text("\"do_not_disturb\""));
    assert!(after.personal["101"].do_not_disturb);
    assert_eq!(after.personal["101"].forwarding, office.personal["101"].forwarding);
    let after = applied(&office, &text("\"do_not_disturb\", \"forwarding\""));
    assert_eq!(after.personal["101"].forwarding.busy, None);
}

#[test]
fn a_persons_password_is_an_initial_value_unless_enforced() {
    let office = office();
    let text = |enforce: &str| {
        format!(
            "[[users]]\nlogin = \"alice\"\npassword = \"another good password\"\nenforce = [{enforce}]\n\
             [[users]]\nlogin = \"root\"\nrole = \"full\""
        )
    };
    let plan = try_apply(&office, &text(""), &Options::default()).unwrap();
    assert!(plan.effects.people.is_empty());
    assert!(plan.after.password_hashes.contains_key("root"));
    let plan = try_apply(&office, &text("\"password\""), &Options::default()).unwrap();
    assert_eq!(plan.effects.people.len(), 1);
    let same = Supply { verify: |_, _| true, ..supply() };
    let plan = super::super::plan(
        &carried_out(plan),
        Source::Toml("office.toml", &text("\"password\"")),
        &Options::default(),
        &mut { same },
    );
    assert!(plan.unwrap().is_empty());
}

#[test]
fn many_deletions_need_a_word_and_a_stale_base_is_refused() {
    let mut text = String::new();
    for number in 200..230 {
        text.push_str(&format!("[[extensions]]\nnumber = \"{number}\"\n"));
    }
    let office = applied(&Office::default(), &text);
    let refused = try_apply(&office, "extensions = []", &Options::default());
    assert_eq!(refused.unwrap_err(), Refusal::ManyDeletions { count: 30 });
    let options = Options { deletions: Deletions::Any, ..Options::default() };
    assert_eq!(try_apply(&office, "extensions = []", &options).unwrap().deletions, 30);
    let options = Options { if_revision: Some(0), ..options };
    let refused = try_apply(&office, "extensions = []", &options);
    assert_eq!(refused.unwrap_err(), Refusal::Stale { asked: 0, current: 1 });
}

#[test]
fn the_last_administrator_stays() {
    let office = office();
    let refused = try_apply(&office, "[[users]]\nlogin = \"alice\"", &Options::default());
    assert_eq!(refused.unwrap_err(), Refusal::LastAdministrator);
    let refused = try_apply(&office, "[[users]]\nlogin = \"root\"\nrole = \"operator\"", &Options::default());
    assert_eq!(refused.unwrap_err(), Refusal::LastAdministrator);
    let renamed = "[[users]]\nlogin = \"chief\"\nwas = \"root\"\nrole = \"full\"";
    assert_eq!(applied(&office, renamed).password_hashes["chief"], office.password_hashes["root"]);
    assert!(try_apply(&Office::default(), "[[users]]\nlogin = \"alice\"", &Options::default()).is_ok());
}

#[test]
fn an_export_holds_sip_passwords_only_on_request() {
    let office = office();
    let without = export(&office, Secrets::Omit);
    assert!(!without.contains("gWq8") && !without.contains("password = "), "{without}");
    let with = export(&office, Secrets::Include);
    assert!(with.contains("password = \"gWq8-vTzR-31xK-ppLm\""));
    for text in [&without, &with] {
        let again = try_apply(&office, text, &Options::default()).unwrap();
        assert!(again.is_empty(), "{:?}\n{text}", again.difference);
    }
    let fresh = applied(&Office::default(), &with);
    assert_eq!(export(&fresh, Secrets::Include), with);
}

#[test]
fn the_same_change_can_be_given_as_json() {
    let text =
        r#"{"extensions": [{"number": "101", "lines": [{"username": "101"}], "do_not_disturb": null}]}"#;
    let options = Options { mode: Mode::Merge, ..Options::default() };
    let plan = super::super::plan(&office(), Source::Json("request", text), &options, &mut supply()).unwrap();
    assert!(plan.is_empty(), "{:?}", plan.difference);
    let broken =
        super::super::plan(&office(), Source::Json("request", "{\n \"a\" 1}"), &options, &mut supply());
    let text = broken.unwrap_err().to_string();
    assert!(text.starts_with("request:2:"), "{text}");
}

#[test]
fn ten_thousand_extensions_are_planned_and_looked_up() {
    let mut text = String::new();
    for number in 10_000..20_000 {
        text.push_str(&format!(
            "[[extensions]]\nnumber = \"{number}\"\nlines = [{{ username = \"{number}\" }}]\n"
        ));
    }
    let start = std::time::Instant::now();
    let office = applied(&Office::default(), &text);
    println!("parse and plan: {:?}", start.elapsed());
    let start = std::time::Instant::now();
    let first = directory(&office, None);
    println!("directory: {:?}", start.elapsed());
    assert_eq!(first.lines.len(), 10_000);
    let start = std::time::Instant::now();
    let stored: Vec<String> =
        office.rows().iter().map(|row| serde_json::to_string(&row.body).unwrap()).collect();
    println!("rows to JSON: {:?}", start.elapsed());
    let start = std::time::Instant::now();
    let rows: Vec<_> = office
        .rows()
        .into_iter()
        .zip(&stored)
        .map(|(row, body)| super::super::Row { body: serde_json::from_str(body).unwrap(), ..row })
        .collect();
    let restored = Office::restore(1, rows).unwrap();
    println!("rows and restore: {:?}", start.elapsed());
    assert_eq!(restored.extensions.len(), 10_000);
    let one_more = format!("{text}[[extensions]]\nnumber = \"99999\"\n");
    assert!(problems(&office, &one_more).to_string().contains("more than 10000 entries"));
}
