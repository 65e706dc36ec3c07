use super::super::{hosts, prefixes};
use super::*;

const ROWS: &str = "[firewall]\nsip = \"SIP allowed\"\nweb = \"Inside\"\n";

#[test]
fn rows_are_stored_exported_and_taken_back_by_their_absence() {
    let with_rows = applied(&office(), ROWS);
    assert_eq!(with_rows.firewall.sip.as_deref(), Some("SIP allowed"));
    let again = Office::restore(with_rows.revision, with_rows.rows()).expect("reads back");
    assert_eq!(again.firewall, with_rows.firewall);
    let text = super::super::export(&with_rows, super::super::Secrets::Omit);
    assert!(try_apply(&with_rows, &text, &Options::default()).expect("applies").is_empty(), "{text}");
    let merged = merged(&with_rows, "[firewall]\ncrm = \"Inside\"");
    assert_eq!((merged.firewall.sip.is_some(), merged.firewall.crm.is_some()), (true, true));
    let fewer = applied(&with_rows, "[firewall]\nweb = \"Inside\"");
    assert_eq!((fewer.firewall.sip, fewer.firewall.web.as_deref()), (None, Some("Inside")));
}

#[test]
fn rows_follow_a_renamed_group_and_a_selected_one_can_not_be_deleted() {
    let before = applied(&office(), ROWS);
    let groups = "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.0.0.1\"]\n\
                  [[address_groups]]\nname = \"Phones\"\nwas = \"SIP allowed\"\nmembers = [\"group:Inside\"]\n";
    assert_eq!(applied(&before, groups).firewall.sip.as_deref(), Some("Phones"));
    let without = "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.0.0.1\"]";
    let shown = problems(&before, without).to_string();
    let expected = "office.toml:1:1: firewall.sip: address group SIP allowed does not exist; add the group";
    assert!(shown.starts_with(expected), "{shown}");
    let emptied = format!("{without}\n[[address_groups]]\nname = \"SIP allowed\"\nmembers = []");
    let shown = problems(&before, &emptied).to_string();
    assert!(shown.contains("firewall.sip: address group SIP allowed is empty; give the group"), "{shown}");
}

#[test]
fn a_group_that_holds_only_empty_groups_is_empty() {
    let text = "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.0.0.1\"]\n\
                [[address_groups]]\nname = \"Hull\"\nmembers = [\"group:Nothing\"]\n\
                [[address_groups]]\nname = \"Nothing\"\nmembers = []\n[firewall]\nsip = \"Hull\"\n";
    assert!(problems(&office(), text).to_string().contains("firewall.sip: address group Hull is empty"));
}

#[test]
fn a_group_is_its_prefixes_and_host_names_through_all_it_holds() {
    let office = office();
    assert_eq!(hosts(&office, "SIP allowed").into_iter().collect::<Vec<_>>(), ["sip.provider.test"]);
    assert!(hosts(&office, "Inside").is_empty());
    let found = prefixes(&office, "SIP allowed");
    for network in ["192.168.10.0/24", "198.51.100.4/32", "2001:db8:10::/48"] {
        assert!(found.contains(&network.parse().expect("a network")), "{network}");
    }
}
