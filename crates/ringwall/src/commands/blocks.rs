//! `ringwall blocks`, `block`, `unblock`.

use api::body::{Block, BlockScope, Unblocked};
use hyper::Method;
use hyper::body::Bytes;
use model::config::Span;

use super::{say, say_json};
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::Table;

pub(super) async fn blocks(client: &Client<'_>, json: bool) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["blocks"])).await?;
    if json {
        return say_json(&body);
    }
    let mut table = Table::new(&["address", "refused", "until", "by", "why"]);
    for block in read::<Vec<Block>>(&body)? {
        let refused = match block.scope {
            BlockScope::Address => "everything".to_owned(),
            BlockScope::Account => block.accounts.join(", "),
        };
        table.row([block.address, refused, until(block.until), block.by, block.evidence]);
    }
    say(&table.text("nobody is blocked"))
}

fn until(until: Option<model::Wall>) -> String {
    until.map_or_else(|| "lifted".to_owned(), |until| until.to_string())
}

pub(super) async fn block(
    client: &Client<'_>,
    address: &str,
    period: Option<Span>,
    why: &str,
    yes: bool,
) -> Result<(), Failure> {
    let resource = Resource::new(&["blocks", address])
        .with_some("for_s", period.map(|period| period.0.as_secs_f64()))
        .with("why", why)
        .with_switch("yes", yes);
    let body = client.ask(Method::PUT, resource, Bytes::new(), "application/json").await?;
    let block: Block = read(&body)?;
    let notes: String = block.notes.iter().map(|note| format!("note: {note}\n")).collect();
    say(&format!("{} is blocked until {}\n{notes}", block.address, until(block.until)))
}

pub(super) async fn unblock(client: &Client<'_>, address: &str, yes: bool) -> Result<(), Failure> {
    let resource = Resource::new(&["blocks", address]).with_switch("yes", yes);
    let body = client.ask(Method::DELETE, resource, Bytes::new(), "application/json").await?;
    match read::<Unblocked>(&body)?.lifted {
        0 => say("it was not blocked; its counters begin at zero now\n"),
        1 => say("1 block lifted; the counters begin at zero\n"),
        lifted => say(&format!("{lifted} blocks lifted; the counters begin at zero\n")),
    }
}
