//! Registrations as a list: searched, sorted and cut into pages here, so that the exchange's thread only tells them.

use std::collections::HashMap;

use api::objects::Page;
use api::{Problem, RegistrationQuery, RegistrationSort};
use model::live::Registration;

use super::objects::{Candidate, matches, page};

/// The page of `all` that was asked for.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
pub fn list(all: Vec<Registration>, query: &RegistrationQuery) -> Result<Page<Registration>, Problem> {
    let needle = query.list.search.to_lowercase();
    let wanted = |row: &Registration| {
        let source = row.source.to_string();
        query.transport.is_none_or(|transport| transport == row.transport)
            && matches(&needle, [&row.extension, &row.line, &row.contact, &source, &row.user_agent])
    };
    let found = all.into_iter().filter(wanted);
    let rows: HashMap<String, Registration> = found.map(|row| (key(&row), row)).collect();
    let candidates = rows.iter().map(|(key, row)| Candidate { value: value(row, query), key: key.clone() });
    page(candidates.collect(), &query.list, |key| rows.get(key).cloned())
}

/// One binding of one line (RFC 3261 section 10.3), on one line of text.
fn key(row: &Registration) -> String {
    format!("{} {} {}", row.line, row.contact, row.source).replace('\n', " ")
}

/// What it is sorted by; numbers by their length first, so that 99 comes before 100.
fn value(row: &Registration, query: &RegistrationQuery) -> String {
    match query.list.sort {
        RegistrationSort::Extension => format!("{:03}{}", row.extension.len(), row.extension),
        RegistrationSort::Line => row.line.to_lowercase(),
        RegistrationSort::Source => row.source.to_string(),
        RegistrationSort::Phone => row.user_agent.to_lowercase(),
        RegistrationSort::Registered => format!("{:015}", row.registered.as_millis()),
    }
    .replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::objects::{ListQuery, Order};
    use model::{Transport, Wall};

    fn row(extension: &str, line: &str, since: i64, transport: Transport) -> Registration {
        Registration {
            extension: extension.into(),
            line: line.into(),
            contact: format!("sip:{line}@192.0.2.1"),
            source: "192.0.2.1:5060".parse().unwrap(),
            transport,
            user_agent: format!("Phone of {line}"),
            registered: Wall::from_millis(since),
            expires_in_s: 60.0,
            reachable: true,
        }
    }

    fn all() -> Vec<Registration> {
        vec![
            row("1000", "d", 4, Transport::Udp),
            row("99", "b", 3, Transport::Tls),
            row("101", "c", 1, Transport::Udp),
            row("101", "a", 2, Transport::Tcp),
        ]
    }

    fn asked(sort: RegistrationSort, order: Order, search: &str, limit: usize) -> RegistrationQuery {
        let list = ListQuery { search: search.into(), sort, order, limit, after: None };
        RegistrationQuery { list, transport: None }
    }

    fn lines(query: &RegistrationQuery) -> String {
        list(all(), query).unwrap().rows.into_iter().map(|row| row.line).collect()
    }

    #[test]
    fn they_are_sorted_searched_and_filtered() {
        use RegistrationSort::{Extension, Line, Registered};
        for (sort, order, search, expected) in [
            (Extension, Order::Asc, "", "bacd"),
            (Extension, Order::Desc, "", "dcab"),
            (Line, Order::Asc, "", "abcd"),
            (Registered, Order::Asc, "", "cabd"),
            (Line, Order::Asc, "PHONE OF C", "c"),
            (Line, Order::Asc, "101", "ac"),
            (Line, Order::Asc, "nobody", ""),
        ] {
            assert_eq!(
                lines(&asked(sort, order, search, usize::MAX)),
                expected,
                "{sort:?} {order:?} {search}"
            );
        }
        let encrypted =
            RegistrationQuery { transport: Some(Transport::Tls), ..asked(Line, Order::Asc, "", usize::MAX) };
        assert_eq!(lines(&encrypted), "b");
    }

    #[test]
    fn pages_hold_each_once_and_say_how_many_there_are() {
        let mut query = asked(RegistrationSort::Extension, Order::Asc, "", 3);
        let first = list(all(), &query).unwrap();
        assert_eq!((first.rows.len(), first.total), (3, 4));
        query.list.after = first.next;
        let second = list(all(), &query).unwrap();
        assert_eq!((second.rows[0].line.as_str(), second.next), ("d", None));
    }
}
