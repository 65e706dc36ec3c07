//! `ringwall admin`: the way back in.

use hyper::Method;
use hyper::body::Bytes;
use serde::Deserialize;

use super::{complain, say};
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::visible;

#[derive(Deserialize)]
struct Reset {
    login: String,
    password: String,
}

pub(super) async fn reset_password(client: &Client<'_>, login: Option<String>) -> Result<(), Failure> {
    let body = serde_json::json!({ "login": login }).to_string();
    let resource = Resource::new(&["administrators", "reset-password"]);
    let answer = client.ask(Method::POST, resource, Bytes::from(body), "application/json").await?;
    let Reset { login, password } = read(&answer)?;
    complain(&format!(
        "new password of {}; the second factor is removed, the sessions are over:",
        visible(&login)
    ));
    say(&format!("{password}\n"))
}
