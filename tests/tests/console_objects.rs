//! The configuration's objects one at a time, as the console and scripts change them.

use blackbox::config::password_of;
use blackbox::raw::{Request, registration};
use blackbox::resource::{Response, ask};
use blackbox::{Office, Pbx, RawPhone, wait};
use serde_json::{Value, json};

fn get(pbx: &Pbx, path: &str) -> Response {
    ask(pbx, &format!("GET {path}"), &[], "")
}

fn put(pbx: &Pbx, path: &str, tag: &str, body: &Value) -> Response {
    ask(pbx, &format!("PUT {path}"), &[("If-Match", tag)], &body.to_string())
}

fn tag(response: &Response) -> String {
    response.header("etag").expect("an ETag").to_owned()
}

#[test]
fn an_extension_is_made_renamed_and_deleted_and_the_export_shows_it() {
    let pbx = Pbx::start(Office::of(101, 2));
    let made = json!({"number": "103", "description": "Kitchen", "lines": [{"username": "103"}]});
    let answer = ask(&pbx, "POST /extensions", &[], &made.to_string()).expect(201);
    assert_eq!(answer.json()["passwords"][0]["username"], "103");
    assert!(answer.json()["passwords"][0]["password"].as_str().is_some_and(|text| text.len() > 15));
    let again = ask(&pbx, "POST /extensions", &[], &made.to_string()).expect(409);
    assert_eq!(again.json()["code"], "exists");

    let seen = get(&pbx, "/extensions/103").expect(200);
    let mut object = seen.json();
    object["number"] = json!("203");
    let moved = put(&pbx, "/extensions/103", &tag(&seen), &object).expect(200);
    assert_eq!(moved.json()["object"]["number"], "203");
    get(&pbx, "/extensions/103").expect(404);
    let exported = pbx.run(&["export"]).done();
    assert!(exported.contains("number = \"203\"") && !exported.contains("number = \"103\""), "{exported}");

    let gone = ask(&pbx, "DELETE /extensions/203", &[("If-Match", &tag(&moved))], "").expect(200);
    assert_eq!(gone.json()["object"], Value::Null);
    let exported = pbx.run(&["export"]).done();
    assert!(!exported.contains("number = \"203\"") && !exported.contains("username = \"103\""), "{exported}");
    let revisions = pbx.json(&["revisions", "--json"]);
    assert_eq!(revisions.as_array().map(Vec::len), Some(5), "{revisions}");
}

#[test]
fn two_administrators_who_edit_the_same_extension_are_told_of_each_other() {
    let pbx = Pbx::start(Office::of(101, 1));
    let seen = get(&pbx, "/extensions/101").expect(200);
    let mut mine = seen.json();
    mine["description"] = json!("Reception");
    let mut theirs = seen.json();
    theirs["description"] = json!("Workshop");
    put(&pbx, "/extensions/101", &tag(&seen), &theirs).expect(200);
    let refused = put(&pbx, "/extensions/101", &tag(&seen), &mine).expect(412);
    assert_eq!(refused.json()["code"], "changed-meanwhile");
    assert_eq!(get(&pbx, "/extensions/101").json()["description"], "Workshop");
    let without = ask(&pbx, "PUT /extensions/101", &[], &mine.to_string()).expect(428);
    assert_eq!(without.json()["code"], "if-match-needed");
    ask(&pbx, "DELETE /extensions/101", &[("If-Match", &tag(&seen))], "").expect(412);
    put(&pbx, "/extensions/101", "*", &mine).expect(200);
}

#[test]
fn a_wrong_form_is_told_which_field_and_a_needed_group_stays() {
    let pbx = Pbx::start(Office::of(101, 2));
    let twice = json!({"number": "103", "lines": [{"username": "103"}, {"username": "101"}]});
    let refused = ask(&pbx, "POST /extensions", &[], &twice.to_string()).expect(422);
    let what = refused.problem_at("lines.1.username").expect("the field is named");
    assert!(what.contains("at extension 101"), "{what}");

    let group = json!({"name": "Phones", "members": ["127.0.0.0/8", "10.0.0.1-10.0.0.9"]});
    ask(&pbx, "POST /address-groups", &[], &group.to_string()).expect(201);
    let firewall = get(&pbx, "/settings/firewall").expect(200);
    let mut rows = firewall.json();
    rows["sip"] = json!("Nobody");
    let refused = put(&pbx, "/settings/firewall", &tag(&firewall), &rows).expect(422);
    assert!(refused.problem_at("sip").is_some(), "{refused:?}");
    rows["sip"] = json!("Phones");
    put(&pbx, "/settings/firewall", &tag(&firewall), &rows).expect(200);
    let refused = ask(&pbx, "DELETE /address-groups/Phones", &[("If-Match", "*")], "").expect(422);
    assert!(refused.body.contains("firewall.sip"), "{refused:?}");
    let shown = get(&pbx, "/address-groups/Phones").expect(200).json();
    assert_eq!(shown["used_by"], json!(["firewall.sip"]));
    assert!(pbx.run(&["export"]).done().contains("sip = \"Phones\""));
    ask(&pbx, "DELETE /users/admin", &[("If-Match", "*")], "").expect(422);
}

#[test]
fn a_list_comes_in_pages_that_a_search_narrows() {
    let pbx = Pbx::start(Office::of(101, 7));
    let first = get(&pbx, "/extensions?limit=3&order=desc&search=10").expect(200);
    assert_eq!(first.header("x-total-count"), Some("7"));
    let numbers = |page: &Response| -> Vec<String> {
        let rows = page.json();
        rows.as_array().into_iter().flatten().map(|row| row["number"].as_str().unwrap().to_owned()).collect()
    };
    let mut seen = numbers(&first);
    let mut page = first;
    while let Some(link) = page.header("link") {
        let path = link.split(['<', '>']).nth(1).unwrap().strip_prefix("/api/v1").unwrap().to_owned();
        page = get(&pbx, &path).expect(200);
        seen.extend(numbers(&page));
    }
    assert_eq!(seen, ["107", "106", "105", "104", "103", "102", "101"]);
    assert_eq!(numbers(&get(&pbx, "/extensions?search=105")), ["105"]);
    get(&pbx, "/extensions?limit=0").expect(400);
    get(&pbx, "/extensions?after=%00").expect(400);
}

#[test]
fn a_stored_password_is_shown_on_request_and_the_log_says_so() {
    let pbx = Pbx::start(Office::of(101, 1));
    let shown = get(&pbx, "/extensions/101/password").expect(200);
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    let exported = pbx.run(&["export", "--with-secrets"]).done();
    let password = shown.json()["password"].as_str().unwrap().to_owned();
    assert!(exported.contains(&password));
    let logged = wait::until("the log to say so", || {
        let logged = pbx.run(&["log", "security"]).done();
        logged.contains("config.password-shown").then_some(logged)
    });
    assert!(!logged.contains(&password), "{logged}");
}

#[test]
fn history_is_read_in_pages_as_a_story_and_as_a_table_without_formulas() {
    let pbx = Pbx::start(Office::of(101, 2));
    let mut phone = RawPhone::new("101", pbx.sip);
    for _ in 0..3 {
        let call = Request {
            method: "INVITE",
            uri: format!("sip:=1+1@{}", pbx.sip),
            from: "101",
            to: "=1+1",
            more: String::new(),
            body: String::new(),
        };
        assert!(phone.ask_as(&call, "101", &password_of("101")).status() >= 400);
    }
    pbx.expect_records(3);
    let first = get(&pbx, "/history?order=newest&limit=2").expect(200);
    assert_eq!(first.json().as_array().map(Vec::len), Some(2));
    let link = first.header("link").expect("a next page").to_owned();
    let path = link.split(['<', '>']).nth(1).unwrap().strip_prefix("/api/v1").unwrap();
    let second = get(&pbx, path).expect(200);
    assert_eq!(second.json().as_array().map(Vec::len), Some(1));
    assert_eq!(second.header("link"), None);
    let id = second.json()[0]["id"].as_str().unwrap().to_owned();
    let story = get(&pbx, &format!("/history/{id}")).expect(200).json();
    assert_eq!(story["story"][0]["text"], "101 called =1+1.");
    let table = get(&pbx, "/history.csv").expect(200);
    assert_eq!(table.body.lines().count(), 4, "{}", table.body);
    assert!(table.body.contains(",101,'=1+1,") && !table.body.contains(",=1+1"), "{}", table.body);
    assert_eq!(get(&pbx, "/history?order=newest&search=nobody").json(), json!([]));
    let numbers: Vec<_> = get(&pbx, "/dial-plan").json().as_array().unwrap().clone();
    assert_eq!(numbers[0]["number"], "101");
}

#[test]
fn a_table_of_extensions_is_taken_whole_or_refused_whole_with_lines() {
    let pbx = Pbx::start(Office::of(101, 1));
    let import = |query: &str, table: &str| {
        ask(&pbx, &format!("POST /extensions.csv{query}"), &[("Content-Type", "text/csv")], table)
    };
    let before = pbx.run(&["export"]).done();
    let wrong = "number;description\n201;Kitchen\n101;Twice\n\n202;a;b\n";
    let refused = import("", wrong).expect(422);
    let told = refused.json();
    let lines: Vec<_> = told["problems"].as_array().into_iter().flatten().map(|one| &one["line"]).collect();
    assert_eq!(lines, [&json!(3), &json!(5)], "{told}");
    let looked = import("?dry_run=true", "number;description\n201;Kitchen\n202;Porter\n").expect(200);
    assert_eq!(looked.json()["numbers"], json!(["201", "202"]));
    assert_eq!(looked.json()["passwords"], json!([]));
    assert_eq!(pbx.run(&["export"]).done(), before, "nothing was changed so far");

    let made = import("", "number;description\n201;Kitchen\n202;Porter\n").expect(201).json();
    let line = made["passwords"][1]["username"].as_str().expect("a line").to_owned();
    let password = made["passwords"][1]["password"].as_str().expect("a password").to_owned();
    let exported = pbx.run(&["export", "--with-secrets"]).done();
    assert!(exported.contains(&line) && exported.contains(&password), "{exported}");
    let register = registration("202", pbx.sip, 60);
    let answer = RawPhone::new("202", pbx.sip).ask_as(&register, &line, &password);
    assert_eq!(answer.status(), 200, "the password that was shown is in force: {answer:?}");
    assert_eq!(pbx.json(&["status", "--json"])["revision"], made["revision"], "one change, one revision");
}

#[test]
fn registrations_come_in_pages_sorted_searched_and_filtered() {
    let pbx = Pbx::start(Office::of(101, 3));
    for number in ["103", "101", "102"] {
        assert_eq!(RawPhone::new(number, pbx.sip).register(60).status(), 200);
    }
    let lines = |answer: &Response| -> Vec<String> {
        let rows = answer.json();
        let rows = rows.as_array().into_iter().flatten();
        rows.filter_map(|row| row["line"].as_str().map(str::to_owned)).collect()
    };
    let first = get(&pbx, "/registrations?sort=extension&order=desc&limit=2&transport=udp").expect(200);
    assert_eq!(lines(&first), ["103", "102"]);
    assert_eq!(first.header("x-total-count"), Some("3"));
    let link = first.header("link").expect("a next page");
    let next = link.split(['<', '>']).nth(1).and_then(|url| url.strip_prefix("/api/v1")).expect("a URL");
    let second = get(&pbx, next).expect(200);
    assert_eq!((lines(&second), second.header("link")), (vec!["101".into()], None));
    assert_eq!(
        lines(&get(&pbx, "/registrations").expect(200)),
        ["101", "102", "103"],
        "all of them without a limit"
    );
    assert_eq!(lines(&get(&pbx, "/registrations?search=102").expect(200)), ["102"]);
    assert!(lines(&get(&pbx, "/registrations?transport=tls").expect(200)).is_empty());
    for wrong in ["sort=colour", "limit=0", "limit=1001", "after=x", "transport=carrier", "page=2"] {
        get(&pbx, &format!("/registrations?{wrong}")).expect(400);
    }
}
