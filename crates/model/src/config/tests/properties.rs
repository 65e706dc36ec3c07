use proptest::prelude::*;

use super::super::{Mode, Secrets, export};
use super::*;

/// Text of one key as people write it, with what needs an escape.
fn words() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~äßž\u{2028}\u{1f600}]{0,20}").unwrap()
}

fn forwarding() -> impl Strategy<Value = String> {
    let number = prop_oneof![Just(String::new()), "[0-9*#]{1,6}", Just("+420 555-010".to_owned())];
    (number.clone(), number.clone(), number, 1..3_600_u32).prop_map(|(always, busy, to, after)| {
        format!("{{ always = \"{always}\", busy = \"{busy}\", no_answer = {{ to = \"{to}\", after = \"{after}s\" }} }}")
    })
}

fn extensions() -> impl Strategy<Value = String> {
    let extension = (words(), any::<bool>(), forwarding(), any::<bool>(), 0..4_usize, 0..3_usize);
    proptest::collection::vec(extension, 0..8).prop_map(|list| {
        let mut text = String::from("extensions = [");
        for (index, (description, nat, forwarding, silent, lines, digest)) in list.into_iter().enumerate() {
            let digest = ["both", "sha256", "md5"][digest];
            let lines: Vec<String> = (0..lines)
                .map(|line| format!("{{ username = \"{}-{line}\", digest = \"{digest}\" }}", index + 100))
                .collect();
            let description = description.replace('\\', "\\\\").replace('"', "\\\"");
            text.push_str(&format!(
                "\n{{ number = \"{}\", description = \"{description}\", nat = {nat}, forwarding = {forwarding}, \
                 do_not_disturb = {silent}, lines = [{}] }},",
                index + 100,
                lines.join(", ")
            ));
        }
        text.push(']');
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_export_applied_again_changes_nothing(text in extensions(), name in words()) {
        let name = if name.is_empty() { "x".to_owned() } else { name.replace('\\', "\\\\").replace('"', "\\\"") };
        let text = format!("{text}\n[system]\nname = \"{name}\"\n");
        let office = applied(&Office::default(), &text);
        for secrets in [Secrets::Omit, Secrets::Include] {
            let file = export(&office, secrets);
            for mode in [Mode::Match, Mode::Merge] {
                let again = try_apply(&office, &file, &Options { mode, ..Options::default() });
                let again = again.map_err(|refusal| TestCaseError::fail(format!("{refusal}\n{file}")))?;
                prop_assert!(again.is_empty(), "{:?}\n{}", again.difference, file);
            }
        }
        let file = export(&office, Secrets::Include);
        prop_assert_eq!(export(&applied(&Office::default(), &file), Secrets::Include), file);
    }

    #[test]
    fn what_is_stored_reads_back(text in extensions()) {
        let office = applied(&Office::default(), &text);
        let rows = office.rows().into_iter().map(|row| {
            let body = serde_json::to_string(&row.body).unwrap();
            super::super::Row { body: serde_json::from_str(&body).unwrap(), ..row }
        });
        let again = Office::restore(1, rows.collect()).unwrap();
        prop_assert_eq!(again.rows(), office.rows());
    }

    #[test]
    fn any_text_is_taken_or_refused_and_never_panics(text in "[\\[\\]{}=\", a-z0-9._\n#-]{0,200}") {
        let _ = try_apply(&office(), &text, &Options::default());
    }

    #[test]
    fn a_mangled_file_is_taken_or_refused_and_never_panics(place in 0..OFFICE.len(), with in "[\\[\\]{}=\"\n ,a0]{0,4}") {
        if let Some((before, after)) = OFFICE.split_at_checked(place) {
            let mangled = format!("{before}{with}{}", after.get(3..).unwrap_or(""));
            let _ = try_apply(&office(), &mangled, &Options::default());
        }
    }
}
