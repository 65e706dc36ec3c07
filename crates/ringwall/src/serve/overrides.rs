//! What the command line of `serve` says over the configuration: addresses, an offset, media ports (SPEC R2.21).

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use guard::Service;
use model::Transport;
use model::config::{Listen, PortRange};
use net::Wanted;

use crate::cli::Serve;
use crate::failure::Failure;

/// Media ports of a server with an offset.
const OFFSET_MEDIA_PORTS: u16 = 1_000;
/// Where free media ports are looked for when there are none above the configured ones.
const LOW_MEDIA_PORTS: u16 = 10_000;

/// The command line's word.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    bind: Vec<IpAddr>,
    offset: u16,
    media_ports: Option<PortRange>,
}

impl Overrides {
    /// What `serve` was told.
    ///
    /// # Errors
    /// Nothing is free for media.
    pub fn new(options: &Serve) -> Result<Overrides, Failure> {
        let mut media_ports = options.media_ports;
        if media_ports.is_none() && options.port_offset > 0 {
            let address = options.bind.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let near = Listen::default().media_ports.first.saturating_add(options.port_offset);
            let found = net::media::free_range(near, OFFSET_MEDIA_PORTS, address)
                .or_else(|| net::media::free_range(LOW_MEDIA_PORTS, OFFSET_MEDIA_PORTS, address));
            media_ports = Some(found.ok_or_else(|| {
                Failure::failed(
                    "no 1,000 free UDP ports in a row for media; name a range with --media-ports A-B",
                )
            })?);
        }
        Ok(Overrides { bind: options.bind.clone(), offset: options.port_offset, media_ports })
    }

    /// The listeners that `listen` asks for, as the command line wants them.
    ///
    /// # Errors
    /// A port beyond 65535.
    pub fn wanted(&self, listen: &Listen) -> Result<Vec<Wanted>, Failure> {
        let mut wanted = Vec::new();
        let mut seen = HashSet::new();
        for (service, transport, addresses) in [
            (Service::Sip, Transport::Udp, &listen.sip_udp),
            (Service::Sip, Transport::Tcp, &listen.sip_tcp),
            (Service::Sip, Transport::Tls, &listen.sip_tls),
            (Service::Web, Transport::Tls, &listen.console),
        ] {
            for &address in addresses {
                for address in self.moved(address)? {
                    let entry = Wanted { service, transport, address };
                    if seen.insert(entry) {
                        wanted.push(entry);
                    }
                }
            }
        }
        Ok(wanted)
    }

    fn moved(&self, address: SocketAddr) -> Result<Vec<SocketAddr>, Failure> {
        let port = match address.port() {
            0 => 0,
            port => port.checked_add(self.offset).ok_or_else(|| {
                Failure::usage(format!(
                    "--port-offset {}: {address} would pass 65535; choose a smaller one",
                    self.offset
                ))
            })?,
        };
        if self.bind.is_empty() {
            return Ok(vec![SocketAddr::new(address.ip(), port)]);
        }
        Ok(self.bind.iter().map(|&ip| SocketAddr::new(ip, port)).collect())
    }

    /// The addresses that replace those of the configuration; none: they stand.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.bind
    }

    /// The ports for media.
    pub fn media_range(&self, listen: &Listen) -> PortRange {
        self.media_ports.unwrap_or(listen.media_ports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(overrides: &Overrides, listen: &Listen) -> Vec<String> {
        overrides.wanted(listen).unwrap().iter().map(|w| format!("{} {}", w.transport, w.address)).collect()
    }

    #[test]
    fn an_offset_moves_ports_but_not_port_zero() {
        let overrides = Overrides { offset: 1_000, ..Overrides::default() };
        let mut listen = Listen::default();
        assert_eq!(shown(&overrides, &listen)[0], "udp 0.0.0.0:6060");
        listen.sip_udp = vec!["127.0.0.1:0".parse().unwrap()];
        listen.sip_tcp = vec!["127.0.0.1:65000".parse().unwrap()];
        assert_eq!(overrides.wanted(&listen).unwrap_err().code, 2);
        listen.sip_tcp.clear();
        listen.sip_tls.clear();
        listen.console.clear();
        assert_eq!(shown(&overrides, &listen), ["udp 127.0.0.1:0"]);
    }

    #[test]
    fn bind_replaces_addresses_and_names_each_once() {
        let bind = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let overrides = Overrides { bind, ..Overrides::default() };
        assert_eq!(
            shown(&overrides, &Listen::default()),
            [
                "udp 127.0.0.1:5060",
                "udp [::1]:5060",
                "tcp 127.0.0.1:5060",
                "tcp [::1]:5060",
                "tls 127.0.0.1:5061",
                "tls [::1]:5061",
                "tls 127.0.0.1:4021",
                "tls [::1]:4021"
            ]
        );
    }
}
