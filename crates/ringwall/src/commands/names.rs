//! `ringwall resolve`: where a name leads, and the lookups behind it.

use api::body::Destination;

use super::{say, say_json};
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::Table;

pub(super) async fn resolve(client: &Client<'_>, destination: &str, json: bool) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["destinations", destination])).await?;
    let found: Destination = read(&body)?;
    if json {
        say_json(&body)?;
    } else {
        say(&tables(&found))?;
    }
    if found.candidates.is_empty() {
        let line =
            format!("{destination} leads nowhere; check its spelling, and what the name servers say above");
        return Err(Failure::failed(line));
    }
    Ok(())
}

fn tables(found: &Destination) -> String {
    let mut lookups = Table::new(&["record", "name", "found"]);
    for lookup in &found.lookups {
        let records = match &lookup.failed {
            Some(why) => vec![format!("failed: {why}")],
            None if lookup.found.is_empty() => vec!["none".to_owned()],
            None => lookup.found.clone(),
        };
        for record in records {
            lookups.row([lookup.record.clone(), lookup.name.clone(), record]);
        }
    }
    let mut candidates = Table::new(&["try", "via", "address", "port"]);
    for (place, candidate) in found.candidates.iter().enumerate() {
        candidates.row([
            (place + 1).to_string(),
            candidate.transport.to_string(),
            candidate.address.to_string(),
            candidate.port.to_string(),
        ]);
    }
    format!("{}\n{}", lookups.text("an address needs no lookup"), candidates.text("no address to send to"))
}
