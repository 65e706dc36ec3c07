//! The table of ports of the running configuration, with the reason for each row (SPEC section 2, R2.20).

use api::body::PortRow;
use ipnet::IpNet;
use model::Transport;
use model::config::PortRange;
use model::live::Listener;

/// What listens and who reaches it by the firewall's rows, and what media may use.
pub fn rows(
    listeners: &[Listener],
    media: PortRange,
    reach_sip: Option<&[IpNet]>,
    reach_web: Option<&[IpNet]>,
) -> Vec<PortRow> {
    let texts = |reach: Option<&[IpNet]>| reach.map(|all| all.iter().map(IpNet::to_string).collect());
    let console = |listener: &Listener| PortRow {
        r: "2.5".to_owned(),
        service: "console (HTTPS)".to_owned(),
        transport: listener.transport,
        from: texts(reach_web),
        address: Some(listener.address),
        first: listener.port,
        last: listener.port,
        outbound: "deny".to_owned(),
        inbound: match reach_web {
            None => "allow for administrators' networks only".to_owned(),
            Some(_) => "allow for the address group of firewall.web, as the server does itself".to_owned(),
        },
        reason: "the console in the browser, and its API for scripts".to_owned(),
        state: listener.state.clone(),
    };
    let sip = |listener: &Listener| PortRow {
        r: if listener.transport.is_encrypted() { "2.2" } else { "2.1" }.to_owned(),
        service: format!("SIP ({})", listener.transport.via_token()),
        transport: listener.transport,
        from: texts(reach_sip),
        address: Some(listener.address),
        first: listener.port,
        last: listener.port,
        outbound: "allow".to_owned(),
        inbound: match reach_sip {
            None => "allow for the SIP servers of the provider (and remote phones, if any)".to_owned(),
            Some(_) => "allow for the address group of firewall.sip, as the server does itself".to_owned(),
        },
        reason: "phones register and calls are signalled here".to_owned(),
        state: listener.state.clone(),
    };
    let media = PortRow {
        r: "2.3".to_owned(),
        service: "media RTP".to_owned(),
        transport: Transport::Udp,
        from: None,
        address: None,
        first: media.first,
        last: media.last,
        outbound: "allow".to_owned(),
        inbound: "allow".to_owned(),
        reason: "the sound of calls; a pair of ports for each side of a call".to_owned(),
        state: "bound as calls need it".to_owned(),
    };
    let row =
        |listener: &Listener| if listener.service == "console" { console(listener) } else { sip(listener) };
    listeners.iter().map(row).chain([media]).collect()
}
