//! What the tests of the console's doors share.

use blackbox::https::{Browser, Web, open_console};
use blackbox::{Office, Pbx};
use serde_json::{Value, json};
use std::io;

use blackbox::https::{Answer, PASSWORD};

/// A server whose console is open, with an administrator `admin`, and these further sections.
pub fn server(more: &str) -> (Pbx, Web) {
    let mut pbx = Pbx::prepare(Office { more: more.into(), ..Office::of(101, 2) });
    let at = open_console(&mut pbx);
    pbx.launch();
    let web = Web::of(&pbx, at);
    (pbx, web)
}

/// The same without an administrator: it waits for the set-up.
pub fn new_server(more: &str) -> (Pbx, Web) {
    let office = Office { more: more.into(), ..Office::of(101, 1) };
    let mut pbx = Pbx::prepare(office).under(&["env", "-u", "RINGWALL_ADMIN_PASSWORD"]);
    let at = open_console(&mut pbx);
    pbx.launch();
    let web = Web::of(&pbx, at);
    (pbx, web)
}

/// Somebody who is signed in as `admin`.
pub fn admin(web: &Web) -> Browser {
    web.visitor().sign_in("admin", PASSWORD)
}

/// Makes a person who may come in.
pub fn person(admin: &Browser, login: &str, role: &str) {
    let user = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
    let made = admin.ask("POST /api/v1/users", &user.to_string());
    assert_eq!(made.status, 201, "{made:?}");
}

/// Makes a token; its text and its id.
pub fn token(admin: &Browser, permissions: &[&str]) -> (String, String) {
    let wish = json!({ "name": "script", "permissions": permissions, "from": [] });
    let made = admin.ask("POST /api/v1/tokens", &wish.to_string());
    assert!(matches!(made.status, 200 | 201), "{made:?}");
    let text = |key: &str| made.json()[key].as_str().expect(key).to_owned();
    (text("token"), text("id"))
}

/// Asks with a token instead of a cookie.
pub fn with_token(browser: &Browser, line: &str, token: &str) -> io::Result<Answer> {
    browser.try_with(line, &[("authorization", &format!("Bearer {token}"))], "")
}

pub fn blocks(pbx: &Pbx) -> Vec<Value> {
    pbx.json(&["blocks", "--json"]).as_array().cloned().expect("a list")
}

/// How many wrong passwords the log tells of.
pub fn failures(pbx: &Pbx) -> usize {
    let log = pbx.run(&["log", "security"]).done();
    log.lines().filter(|line| line.contains("Authentication failed")).count()
}

/// That connections from where the browser is are refused before TLS is answered.
pub fn expect_shut_out(browser: &Browser) {
    let refused = browser.web.connect(browser.from);
    assert!(refused.is_err(), "{} is still let in", browser.from);
}
