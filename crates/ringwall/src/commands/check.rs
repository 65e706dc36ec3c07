//! `ringwall check`: what weakens this installation and what to do about it (SPEC R4.19).

use api::body::{Check, Weight};

use super::{say, say_json};
use crate::client::{Client, Resource, read};
use crate::failure::Failure;

pub(super) async fn check(client: &Client<'_>, json: bool) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["check"])).await?;
    if json { say_json(&body) } else { say(&text(&read(&body)?)) }
}

fn text(check: &Check) -> String {
    let mut text = format!("{} of 100\n", check.score);
    for finding in &check.findings {
        let weight = match finding.weight {
            Weight::High => "high",
            Weight::Medium => "medium",
            Weight::Low => "low",
        };
        text.push_str(&format!("\n{weight}: {} [{}]\n  {}\n", finding.what, finding.id, finding.cure));
    }
    if check.findings.is_empty() {
        text.push_str("\nnothing found\n");
    }
    text
}
