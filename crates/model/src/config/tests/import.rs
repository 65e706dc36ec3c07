use super::super::{GENERATED_LENGTH, Import, import};
use super::*;

fn read(office: &Office, table: &str) -> Result<Import, Vec<(Option<usize>, String, String)>> {
    // Ids of its own: those of `supply` are the office's.
    let mut entropy = Entropy::from_seed([9; 32]);
    let mint = IdMint::new(3, &mut entropy);
    match import(office, table, &mut Supply { entropy, mint, ..supply() }) {
        Ok(import) => Ok(import),
        Err(Refusal::Problems(problems)) => {
            assert!(!problems.to_string().contains("hunter2"), "{problems}");
            let told = |problem: crate::config::Problem| (problem.line, problem.key, problem.what);
            Err(problems.list.into_iter().map(told).collect())
        }
        Err(other) => panic!("no problems but {other:?}"),
    }
}

#[test]
fn a_table_makes_extensions_each_with_a_line_and_a_password_that_is_told_once() {
    let table = "number,description,username,password,encryption,nat\r\n\
                 501,\"Kitchen, ground floor\",,,,\r\n\
                 502,Porter,porter-1,Qm4-Rw9x-Kd2p-Zt7-qL,required,yes\r\n\
                 ,,,,,\r\n";
    let made = read(&office(), table).expect("is taken");
    assert_eq!(made.numbers, ["501", "502"]);
    let [(number, line, password)] = &made.generated[..] else { panic!("{:?}", made.generated) };
    assert_eq!((number.as_str(), line.len()), ("501", "501-xxxx".len()), "{line}");
    assert_eq!(password.expose().len(), GENERATED_LENGTH);
    let after = carried_out(made.plan.clone());
    assert_eq!(after.extensions["501"].value.description, "Kitchen, ground floor");
    assert!(after.extensions["502"].value.nat);
    assert_eq!(after.extensions["502"].value.lines[0].username, "porter-1");
    assert_eq!(after.sip_passwords[line], *password);
    assert_eq!(after.extensions.len(), office().extensions.len() + 2, "what was there stays");
}

#[test]
fn separators_marks_and_the_case_of_names_are_those_of_any_spreadsheet() {
    for table in [
        "\u{feff}Number;Description\n501;Kitchen\n",
        "DESCRIPTION\tnumber\r\nKitchen\t501",
        "number , description\n 501 , Kitchen \n",
    ] {
        let made = read(&office(), table).expect("is taken");
        let after = carried_out(made.plan);
        assert_eq!(after.extensions["501"].value.description, "Kitchen", "{table:?}");
    }
}

#[test]
fn a_wrong_table_is_refused_whole_and_each_fault_is_told_with_its_line() {
    let weak = "number,password\n501,hunter2\n502,\n";
    for (table, expected) in [
        ("", vec![(None, "")]),
        ("number,description\n", vec![(None, "")]),
        ("501,Kitchen\n502,Porter\n", vec![(Some(1), ""), (Some(1), "")]),
        ("description\nKitchen\n", vec![(Some(1), "number")]),
        ("number,number\n501,501\n", vec![(Some(1), "number")]),
        ("number,colour\n501,blue\n", vec![(Some(1), "")]),
        ("number,description\n501,Kitchen, ground floor\n", vec![(Some(2), "")]),
        ("number\n501\n\n\n101\n", vec![(Some(5), "number")]),
        ("number\n501\n501\n", vec![(Some(3), "number")]),
        ("number\n50 1 x!\n502\n", vec![(Some(2), "number")]),
        ("number,nat\n501,perhaps\n", vec![(Some(2), "nat")]),
        ("number,encryption\n501,sometimes\n", vec![(Some(2), "encryption")]),
        (weak, vec![(Some(2), "password")]),
        ("number,description\n501,\"a\nb\"\n502,c,d\n", vec![(Some(4), "")]),
    ] {
        let found = read(&office(), table).expect_err(table);
        let places: Vec<_> = found.iter().map(|(line, key, _)| (*line, key.as_str())).collect();
        assert_eq!(places, expected, "{table:?}: {found:?}");
    }
}

#[test]
fn a_table_without_end_is_refused_before_it_is_kept() {
    let long = format!("number\n{}", "501\n".repeat(600_000));
    let found = read(&office(), &long).expect_err("is too large");
    assert!(found[0].2.contains("larger"), "{found:?}");
    let rows = format!("number\n{}", (0..10_001).map(|n| format!("9{n:05}\n")).collect::<String>());
    let found = read(&office(), &rows).expect_err("has too many rows");
    assert!(found[0].2.contains("more than 10000 rows"), "{found:?}");
}
