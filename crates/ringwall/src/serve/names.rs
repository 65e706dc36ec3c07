//! Where a destination leads, for who set one up and wonders (RFC 3263).

use api::Problem;
use api::body::{Candidate, Destination, Lookup};
use model::Transport;
use model::live::Listener;
use net::{Located, Names};
use sip::locate::{Abilities, Destination as Wanted, Question};

/// Looks `name` up with the system's name servers, as they are set now.
pub async fn destination(name: String, listeners: &[Listener]) -> Result<Destination, Problem> {
    let wanted = Wanted::parse(&name).map_err(|why| Problem::bad_request(format!("{name:?} {why}")))?;
    let names = Names::of_system().map_err(Problem::failed)?;
    let entropy = super::seed().map_err(|failure| Problem::failed(failure.line))?;
    let located = names.locate(wanted, abilities(listeners), entropy).await;
    Ok(shown(name, located))
}

/// What can be sent from the addresses that listen.
fn abilities(listeners: &[Listener]) -> Abilities {
    let listens = |v4: bool| {
        listeners.iter().any(|row| row.state == "listening" && row.address.to_canonical().is_ipv4() == v4)
    };
    let transports = vec![Transport::Udp, Transport::Tcp, Transport::Tls];
    Abilities { transports, v4: listens(true), v6: listens(false) }
}

fn shown(destination: String, located: Located) -> Destination {
    let candidates = located.candidates.iter().map(|candidate| Candidate {
        transport: candidate.transport,
        address: candidate.address.ip(),
        port: candidate.address.port(),
    });
    let lookups = located.lookups.into_iter().map(|lookup| {
        let (record, name) = match lookup.question {
            Question::Naptr(name) => ("NAPTR", name),
            Question::Srv(name) => ("SRV", name),
            Question::Addresses(name) => ("A/AAAA", name),
        };
        let (found, failed) = match lookup.found {
            Ok(found) => (found, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        Lookup { record: record.to_owned(), name, found, failed }
    });
    Destination { destination, candidates: candidates.collect(), lookups: lookups.collect() }
}
