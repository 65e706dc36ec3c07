//! Windows that somebody left open, and two administrators at once: what an open window is not enough for, when it closes by
//! itself, and that one's change does not decide over another's that waits.

use super::common::{admin, person, server};
use blackbox::https::{Answer, Browser, PASSWORD};
use blackbox::wait;
use serde_json::json;
use std::net::Ipv4Addr;
use std::time::Duration;

const OTHER: &str = "another horse, another battery 7";
/// Refused requests of one author that are written down one by one within a minute.
const ONE_BY_ONE: usize = 20;

fn put(browser: &Browser, path: &str, content: &serde_json::Value) -> Answer {
    let body = content.to_string();
    browser.try_with(&format!("PUT /api/v1/{path}"), &[("if-match", "*")], &body).expect("an answer")
}

#[test]
fn ones_own_password_is_not_set_without_the_present_one_by_any_resource() {
    let (pbx, web) = server("");
    let boss = admin(&web);
    let file = format!(
        "[[users]]\nlogin = \"admin\"\nrole = \"full\"\nenforce = [\"password\"]\npassword = \"{OTHER}\"\n"
    );
    for refused in [
        put(&boss, "users/admin/password", &json!({ "password": OTHER })),
        boss.ask("PUT /api/v1/configuration?merge=true", &file),
    ] {
        assert!(refused.status == 422 && refused.body.contains("present one"), "{refused:?}");
    }
    assert_eq!(boss.status(), 200, "nothing was changed");
    person(&boss, "other", "full");
    assert_eq!(put(&boss, "users/other/password", &json!({ "password": OTHER })).status, 204);
    web.visitor().sign_in("other", OTHER);
    let own = json!({ "current": PASSWORD, "new": OTHER });
    let changed = boss.ask("PUT /api/v1/me/password", &own.to_string());
    assert!(matches!(changed.status, 200 | 204), "{changed:?}");
    // Who only gets another login keeps his password, and at the machine anything goes.
    let renamed = json!({ "login": "chief", "name": "Boss", "role": "full" });
    assert_eq!(put(&boss, "users/admin", &renamed).status, 200);
    let chief = web.visitor().sign_in("chief", OTHER);
    assert_eq!(chief.status(), 200);
    let reset = pbx.run(&["admin", "reset-password", "chief"]);
    assert!(reset.done().len() > 8);
    assert_eq!(chief.status(), 401);
}

#[test]
fn what_a_page_asks_by_itself_does_not_keep_its_session() {
    let (_pbx, web) = server("[console]\nidle_timeout = \"4s\"\n");
    let (left, used) = (admin(&web), admin(&web));
    let mut seen = 0;
    wait::until("the window that nobody uses is closed", || {
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(used.status(), 200, "one that is used stays");
        let fields = [("x-ringwall-by-itself", "1")];
        let answer = left.try_with("GET /api/v1/status", &fields, "").expect("an answer");
        seen += usize::from(answer.status == 200);
        (answer.status == 401).then_some(())
    });
    assert!(seen > 1, "it was open at first");
    // A write is somebody's, whatever it says of itself.
    let writing = admin(&web);
    for _ in 0..25 {
        std::thread::sleep(Duration::from_millis(200));
        let fields = [("x-ringwall-by-itself", "1")];
        let answer = writing.try_with("DELETE /api/v1/lock", &fields, "").expect("an answer");
        assert_eq!(answer.status, 204);
    }
}

#[test]
fn a_colleagues_change_does_not_decide_over_one_that_waits() {
    let (pbx, web) = server("[firewall]\nconfirm_within = \"1h\"\n");
    let shut_out = admin(&web);
    let mut colleague = web.visitor();
    colleague.from = Ipv4Addr::new(127, 0, 0, 250);
    let colleague = colleague.sign_in("admin", PASSWORD);
    let group = |name: &str, members: &[&str]| json!({ "name": name, "members": members });
    for (name, member) in [("Colleagues", "127.0.0.250"), ("Elsewhere", "192.0.2.0/24")] {
        let made = shut_out.ask("POST /api/v1/address-groups", &group(name, &[member]).to_string());
        assert_eq!(made.status, 201, "{made:?}");
    }
    // It may be shut out before it hears the answer.
    let _ = shut_out.try_with(
        "PUT /api/v1/settings/firewall",
        &[("if-match", "*")],
        &json!({ "web": "Colleagues", "confirm_within": "1h" }).to_string(),
    );
    // Until when; null: none waits.
    let pending = || colleague.ask("GET /api/v1/firewall", "").json()["pending"]["until"].clone();
    wait::until("it waits", || pending().is_string().then_some(()));
    let waiting = pending();

    let refused = put(&colleague, "address-groups/Elsewhere", &group("Elsewhere", &["198.51.100.0/24"]));
    assert!(refused.status == 422 && refused.body.contains("waits for its confirmation"), "{refused:?}");
    let file = "[[address_groups]]\nname = \"New\"\nmembers = [\"198.51.100.7\"]\n";
    let refused = colleague.ask("PUT /api/v1/configuration?merge=true", file);
    assert!(refused.status == 422 && refused.body.contains("waits for its confirmation"), "{refused:?}");
    assert_eq!(pending(), waiting);
    // What has nothing to do with it is changed, and what lets its maker in again ends the waiting.
    let other = colleague.ask(
        "POST /api/v1/extensions",
        &json!({ "number": "150", "lines": [{ "username": "150" }] }).to_string(),
    );
    assert_eq!((other.status, pending()), (201, waiting));
    let members = ["127.0.0.250".to_owned(), shut_out.from.to_string()];
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let opened = put(&colleague, "address-groups/Colleagues", &group("Colleagues", &members));
    assert_eq!((opened.status, pending().is_null()), (200, true), "{opened:?}");
    assert_eq!(shut_out.status(), 200);

    // At the machine anything goes, at once and for good.
    let only_the_other = group("Colleagues", &members[1..]).to_string();
    let fields = [("if-match", "*")];
    let _ = colleague.try_with("PUT /api/v1/address-groups/Colleagues", &fields, &only_the_other);
    wait::until("the colleague is shut out", || colleague.web.connect(colleague.from).is_err().then_some(()));
    let waits = || shut_out.ask("GET /api/v1/firewall", "").json()["pending"].is_object();
    assert!(waits());
    let elsewhere = pbx.data().join("elsewhere.toml");
    std::fs::write(&elsewhere, file).expect("written");
    pbx.run(&["apply", "--merge", &elsewhere.to_string_lossy()]).done();
    assert!(!waits());
}

#[test]
fn refusals_of_one_are_counted_and_fill_nothing() {
    let (_pbx, web) = server("");
    let boss = admin(&web);
    person(&boss, "eyes", "read-only");
    let eyes = web.visitor().sign_in("eyes", PASSWORD);
    for _ in 0..3 * ONE_BY_ONE {
        assert_eq!(eyes.ask("PUT /api/v1/lock", "").status, 403);
    }
    let rows = boss.ask("GET /api/v1/audit?author=eyes&limit=1000", "").json();
    let rows = rows.as_array().expect("rows");
    let refused = rows.iter().filter(|row| row["outcome"] == "refused").count();
    assert_eq!(refused, ONE_BY_ONE, "{rows:#?}");
    assert_eq!(put(&boss, "users/eyes/password", &json!({ "password": OTHER })).status, 204);
    let done = boss.ask("GET /api/v1/audit?author=admin&limit=1", "").json();
    assert_eq!(
        (&done[0]["action"], &done[0]["outcome"]),
        (&"PUT /users/{login}/password".into(), &"done".into())
    );
}
