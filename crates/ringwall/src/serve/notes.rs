//! What to say beside a change that is carried out: it is allowed, and hardly what was meant: a rule that never
//! acts, a name that leads nowhere.
//!
//! Pure: an office in, sentences out. Not here: phones that a row shuts out
//! (`firewall`), what is refused (`model::config`).

use std::collections::BTreeSet;

use model::config::{self, Guessing, Kind, Office, Plan};

/// Host names named in a note; the rest is a number.
const NAMED: usize = 5;

/// Whether a plan touches what these notes are about.
pub fn concern(plan: &Plan) -> bool {
    let kinds = [Kind::Mail, Kind::AddressGroup, Kind::Firewall, Kind::Security];
    plan.changes.iter().any(|change| kinds.contains(&change.kind))
}

/// What there is to say of `office`, of whose host names `unresolved` lead nowhere.
pub fn of(office: &Office, unresolved: &[String]) -> Vec<String> {
    let mail = (office.mail.host.is_none() && !office.security.guessing.warn_email.is_empty()).then(|| {
        "nobody will be mailed: security.guessing.warn_email is set, the section mail is not".to_owned()
    });
    let slow = slow(&office.security.guessing).map(|(what, cure)| format!("{what}; {cure}"));
    mail.into_iter().chain(slow).chain(names(office, unresolved)).collect()
}

/// The host names that rows of the firewall depend on. Who is trusted is never a name.
pub fn names_in_use(office: &Office) -> BTreeSet<String> {
    let groups = office.firewall.rows().into_iter().filter_map(|(_, group)| group);
    groups.flat_map(|group| config::hosts(office, group)).map(str::to_owned).collect()
}

fn names<'a>(office: &'a Office, unresolved: &'a [String]) -> impl Iterator<Item = String> + 'a {
    office.firewall.rows().into_iter().filter_map(|(key, group)| {
        let group = group?;
        let here = config::hosts(office, group);
        let dead: Vec<&str> =
            unresolved.iter().map(String::as_str).filter(|name| here.contains(name)).collect();
        if dead.is_empty() {
            return None;
        }
        let mut list = dead.iter().take(NAMED).copied().collect::<Vec<&str>>().join(", ");
        if let Some(more) = dead.len().checked_sub(NAMED).filter(|more| *more > 0) {
            list.push_str(&format!(" and {more} more"));
        }
        Some(format!(
            "firewall.{key}: no address is known of {list} in address group {group}, so nobody there is let in until the \
             name resolves; mend the name or the name server, or write the address"
        ))
    })
}

/// What is odd about the rule for patient guessers beside the main rule, and what to do.
pub fn slow(guessing: &Guessing) -> Option<(String, &'static str)> {
    let rule = guessing.slow.as_ref()?;
    let (attempts, period) = (guessing.attempts, guessing.period);
    if rule.attempts >= attempts && (rule.period <= period || attempts <= 1) {
        let what = format!(
            "security.guessing.slow never acts: {attempts} failures within {period} block before {} within {} do",
            rule.attempts, rule.period
        );
        return Some((what, "give it a longer period than the main rule's, such as 24h"));
    }
    let verb =
        if rule.period >= period { "leaves the main rule nothing to do" } else { "is the tighter one" };
    (rule.attempts <= attempts).then(|| {
        let what = format!(
            "security.guessing.slow {verb}: it blocks after {} failures within {}, the main rule after {attempts} within \
             {period}, so that who mistypes now and then is blocked",
            rule.attempts, rule.period
        );
        (what, "let it allow more failures than security.guessing.attempts, such as 100")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Id;
    use model::config::{AddressGroup, Member, Object, Slow, Span};
    use std::sync::Arc;

    fn said(attempts: u32, slow_attempts: u32, slow_period: &str) -> Option<String> {
        let slow_rule = Slow { attempts: slow_attempts, period: Span::parse(slow_period).unwrap() };
        slow(&Guessing { attempts, slow: Some(slow_rule), ..Guessing::default() }).map(|(what, _)| what)
    }

    #[test]
    fn a_slow_rule_that_never_acts_or_acts_first_is_told() {
        assert_eq!(said(5, 100, "24h"), None);
        assert_eq!(said(5, 6, "6m"), None);
        assert_eq!(slow(&Guessing::default()), None);
        assert!(said(5, 5, "5m").unwrap().contains("never acts"));
        assert!(said(5, 100, "4m").unwrap().contains("never acts"));
        assert!(said(1, 100, "24h").unwrap().contains("never acts"), "the first failure blocks already");
        assert!(said(5, 5, "24h").unwrap().contains("nothing to do"));
        assert!(said(5, 3, "1m").unwrap().contains("is the tighter one"));
    }

    #[test]
    fn names_without_an_address_are_told_with_the_key_and_the_group_that_need_them() {
        let mut office = Office::default();
        let members = ["a.test", "b.test"].map(|name| Member::parse(&format!("host:{name}")).unwrap());
        let group = AddressGroup { name: "Mixed".into(), members: members.into() };
        office.address_groups.insert("Mixed".into(), Object { id: Id::from_bits(1), value: Arc::new(group) });
        assert!(of(&office, &["a.test".into()]).is_empty(), "nobody uses the group");
        office.firewall.snmp = Some("Mixed".into());
        assert_eq!(names_in_use(&office).len(), 2);
        let notes = of(&office, &["a.test".into()]);
        assert!(
            notes.len() == 1 && notes[0].starts_with("firewall.snmp: no address is known of a.test in"),
            "{notes:?}"
        );
        assert!(of(&office, &[]).is_empty());
    }
}
