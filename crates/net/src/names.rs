//! Names of the network: looks up what a SIP destination leads to (RFC 3263), with the system's name servers.
//!
//! The order of the steps is `sip`'s; here each question is put to DNS, and what came of it is kept to be shown. Not here: who wants to
//! know.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use model::Entropy;
use sip::locate::{Abilities, Answer, Candidate, Destination, Locate, Naptr, Question, Srv};

/// How long all lookups of one destination may take together: a name server that answers at all does so within seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// The system's name servers.
pub struct Names(TokioResolver);

/// The system does not say which name servers to ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's name servers are not known ({0}); look at /etc/resolv.conf")]
pub struct NoNameServers(String);

/// How long one host name's addresses may take to look up.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(5);
/// Addresses taken of one host name: more than any service publishes.
pub const MAX_ADDRESSES: usize = 64;

/// What a host name leads to at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Its addresses of both families; at least one.
    pub found: Vec<IpAddr>,
    /// How long they are good.
    pub ttl: Duration,
}

/// One lookup and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// What was asked.
    pub question: Question,
    /// Records, as text, in the order of the answer; or why there is none.
    pub found: Result<Vec<String>, String>,
}

/// Where a destination leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Addresses in the order in which to try them; empty: nowhere.
    pub candidates: Vec<Candidate>,
    /// The lookups in their order.
    pub lookups: Vec<Lookup>,
}

impl Names {
    /// Reads the system's settings. Those of before stay in use until the next call.
    ///
    /// # Errors
    /// They can't be read, or make no sense.
    pub fn of_system() -> Result<Names, NoNameServers> {
        let builder = TokioResolver::builder_tokio().map_err(|error| NoNameServers(error.to_string()))?;
        builder.build().map(Names).map_err(|error| NoNameServers(error.to_string()))
    }

    /// Looks a destination up. Takes 15 s at the most; lookups not made until then count as failed.
    pub async fn locate(&self, destination: Destination, abilities: Abilities, entropy: Entropy) -> Located {
        let mut locate = Locate::new(destination, abilities, entropy);
        let mut lookups = Vec::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while let Some(question) = locate.question() {
            let late = || (Answer::Failed, Err("no answer in time".to_owned()));
            let answered = tokio::time::timeout_at(deadline, self.ask(&question)).await;
            let (answer, found) = answered.unwrap_or_else(|_| late());
            locate.answer(answer);
            lookups.push(Lookup { question, found });
        }
        Located { candidates: locate.candidates().to_vec(), lookups }
    }

    /// The addresses of a host name and how long they are good. Takes 5 s at the most.
    ///
    /// # Errors
    /// The name leads nowhere, or no name server said where.
    pub async fn addresses_of(&self, name: &str) -> Result<Addresses, String> {
        let asked = tokio::time::timeout(ADDRESS_PATIENCE, self.0.lookup_ip(qualified(name))).await;
        let answer = asked.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
        let mut found: Vec<IpAddr> = answer.iter().map(|ip| ip.to_canonical()).take(MAX_ADDRESSES).collect();
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            return Err("the name has no address".to_owned());
        }
        let ttl = answer.as_lookup().answers().iter().map(|record| record.ttl).min().unwrap_or(0);
        Ok(Addresses { found, ttl: Duration::from_secs(ttl.into()) })
    }

    async fn ask(&self, question: &Question) -> (Answer, Result<Vec<String>, String>) {
        let records = match question {
            Question::Naptr(name) => self.records(name, RecordType::NAPTR).await,
            Question::Srv(name) => self.records(name, RecordType::SRV).await,
            Question::Addresses(name) => self.addresses(name).await,
        };
        match records {
            Ok(records) => (answer(question, &records), Ok(records.iter().map(shown).collect())),
            Err(why) => (Answer::Failed, Err(why)),
        }
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, String> {
        match self.0.lookup(qualified(name), kind).await {
            Ok(found) => Ok(found.answers().iter().map(|record| record.data.clone()).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<RData>, String> {
        match self.0.lookup_ip(qualified(name)).await {
            Ok(found) => Ok(found.iter().map(RData::from).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A name with a dot is a whole name; one without is completed by the system's search list.
fn qualified(name: &str) -> String {
    if name.contains('.') { format!("{name}.") } else { name.to_owned() }
}

fn answer(question: &Question, records: &[RData]) -> Answer {
    match question {
        Question::Naptr(_) => Answer::Naptr(records.iter().filter_map(naptr).collect()),
        Question::Srv(_) => Answer::Srv(records.iter().filter_map(srv).collect()),
        Question::Addresses(_) => Answer::Addresses(records.iter().filter_map(RData::ip_addr).collect()),
    }
}

fn naptr(record: &RData) -> Option<Naptr> {
    let RData::NAPTR(naptr) = record else { return None };
    Some(Naptr {
        order: naptr.order,
        preference: naptr.preference,
        flags: String::from_utf8_lossy(&naptr.flags).into_owned(),
        service: String::from_utf8_lossy(&naptr.services).into_owned(),
        replacement: naptr.replacement.to_ascii(),
    })
}

fn srv(record: &RData) -> Option<Srv> {
    let RData::SRV(srv) = record else { return None };
    Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: srv.target.to_ascii() })
}

/// A record as people read it. What a name server sends is somebody else's text: escaped.
fn shown(record: &RData) -> String {
    let text = match record {
        RData::NAPTR(naptr) => format!(
            "{} {} {} {} {}",
            naptr.order,
            naptr.preference,
            String::from_utf8_lossy(&naptr.flags),
            String::from_utf8_lossy(&naptr.services),
            naptr.replacement
        ),
        other => other.to_string(),
    };
    text.chars().take(256).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_not_completed_by_the_search_list() {
        assert_eq!(qualified("sip.example.test"), "sip.example.test.");
        assert_eq!(qualified("pbx"), "pbx");
    }

    #[test]
    fn what_a_name_server_says_can_not_reach_the_terminal_raw() {
        use hickory_resolver::proto::rr::rdata::NAPTR;
        let bytes = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
        let name = hickory_resolver::proto::rr::Name::from_ascii("x.test.").expect("a name");
        let record = RData::NAPTR(NAPTR::new(1, 2, bytes("s"), bytes("\u{1b}[2J"), bytes(""), name));
        assert!(!shown(&record).contains('\u{1b}'));
    }
}
