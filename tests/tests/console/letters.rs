//! The letter that tries the mail settings: who may ask for it, whom it reaches, how often, and what it says when it can't.

use super::common::{admin, person, server};
use blackbox::https::{Answer, Browser, PASSWORD, Web};
use blackbox::{MailServer, Pbx};
use serde_json::json;
use std::sync::mpsc::channel;

/// Letters that the server writes on demand within an hour.
const AN_HOUR: usize = 20;

fn settings(mail: &MailServer) -> String {
    format!(
        "[security.guessing]\nwarn_email = \"it@example.test\"\n\
         [mail]\nhost = \"localhost\"\nport = {}\nfrom = \"pbx@example.test\"\nsecurity = \"none\"\ntimeout = \"10s\"\n",
        mail.port
    )
}

fn with_mail() -> (MailServer, Pbx, Web) {
    let mut mail = MailServer::open();
    mail.start();
    let (pbx, web) = server(&settings(&mail));
    (mail, pbx, web)
}

fn try_out(browser: &Browser, to: Option<&str>) -> Answer {
    let trial = to.map_or(json!({}), |to| json!({ "to": to }));
    browser.ask("POST /api/v1/mail/test", &trial.to_string())
}

fn expect_problem(answer: &Answer, status: u16, code: &str, said: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
    assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{answer:?}");
}

#[test]
fn a_test_letter_reaches_whom_it_names_and_only_for_who_may_send_it() {
    let (mail, pbx, web) = with_mail();
    let inside = admin(&web);
    person(&inside, "guest", "read-only");
    person(&inside, "desk", "operator");
    let guest = web.visitor().sign_in("guest", PASSWORD);
    let trial = json!({ "to": "guest@example.test" }).to_string();
    expect_problem(&try_out(&guest, Some("guest@example.test")), 403, "not-allowed", "permission");
    expect_problem(&try_out(&web.visitor(), Some("guest@example.test")), 401, "signed-out", "sign in");
    let elsewhere = inside.with("POST /api/v1/mail/test", &[("x-ringwall", "")], &trial);
    expect_problem(&elsewhere, 403, "cross-site", "X-Ringwall");
    for hostile in ["nobody", "a@b.test\r\nBcc: all@example.test", "a@b.test>\r\nRCPT TO:<c@d.test"] {
        let answer = try_out(&inside, Some(hostile));
        expect_problem(&answer, 422, "refused", "not an e-mail address");
        assert_eq!(answer.json()["problems"][0]["key"], "to", "{answer:?}");
    }
    assert_eq!(mail.letters().len(), 0, "none of these was a letter");

    let desk = web.visitor().sign_in("desk", PASSWORD);
    for (browser, to, reached) in
        [(&inside, Some("anna@example.test"), "anna@example.test"), (&desk, None, "it@example.test")]
    {
        let answer = try_out(browser, to);
        assert_eq!((answer.status, answer.json()["to"].as_str()), (200, Some(reached)), "{answer:?}");
        assert!(answer.json()["said"].as_str().is_some_and(|said| said.contains("taken")), "{answer:?}");
    }
    let letters = mail.expect_letters(2);
    for (letter, to) in letters.iter().zip(["anna@example.test", "it@example.test"]) {
        assert_eq!((letter["from"].as_str(), &letter["to"]), (Some("pbx@example.test"), &json!([to])));
        assert_eq!(letter["subject"], "[Black box] Test");
    }
    let audit = inside.ask("GET /api/v1/audit", "").json();
    let tried = |author: &str, outcome: &str| {
        let rows = audit.as_array().expect("rows").iter();
        rows.filter(|row| row["action"] == "POST /mail/test" && row["author"] == author)
            .filter(|row| row["outcome"] == outcome)
            .count()
    };
    assert_eq!(
        (tried("guest", "refused"), tried("admin", "done"), tried("desk", "done")),
        (1, 1, 1),
        "{audit}"
    );
    assert_eq!(pbx.status()["troubles"], json!([]));
}

#[test]
fn a_test_letter_that_can_t_be_sent_says_why_and_what_to_do() {
    let (_pbx, web) = server("");
    expect_problem(
        &try_out(&admin(&web), Some("a@example.test")),
        422,
        "refused",
        "name one in the section mail",
    );

    let (mut mail, _pbx, web) = with_mail();
    let inside = admin(&web);
    mail.answers("550 5.1.1 <script>alert(1)</script> nobody of that name");
    let refused = try_out(&inside, Some("nobody@example.test"));
    expect_problem(&refused, 422, "refused", "look at the sender and the recipient");
    assert!(refused.body.contains("nobody of that name"), "what the mail server says is shown: {refused:?}");
    mail.stop();
    let gone = try_out(&inside, Some("a@example.test"));
    expect_problem(&gone, 422, "refused", "look at server, port, protection and login");
}

#[test]
fn test_letters_are_sent_one_at_a_time_and_twenty_an_hour() {
    let (mail, _pbx, web) = with_mail();
    let inside = admin(&web);
    for time in 1..AN_HOUR {
        assert_eq!(try_out(&inside, None).status, 200, "letter {time}");
    }
    mail.answers("hang");
    let (answers, answered) = channel();
    for _ in 0..2 {
        let (browser, answers) = (inside.clone(), answers.clone());
        std::thread::spawn(move || answers.send(try_out(&browser, None)));
    }
    expect_problem(&answered.recv().expect("an answer"), 429, "slow-down", "under way");
    answered.recv().expect("the other ends");
    mail.takes();
    for browser in [&inside, &admin(&web)] {
        expect_problem(&try_out(browser, None), 429, "slow-down", "wait for a while");
    }
    assert_eq!(mail.letters().len(), AN_HOUR - 1);
}
