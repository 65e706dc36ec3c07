//! Delivering: from the queue to the server, a phone or an attacker, and from them into the network.

use std::net::SocketAddr;

use bytes::Bytes;
use guard::Service;
use model::{Flow, FlowId, Transport};

use super::streams::messages;
use super::{Happening, Who, World};
use crate::clock::{millis, secs};
use crate::network::{Datagram, Toward};
use crate::phone::Out;
use crate::server::{Entrance, Sent};

/// After a phone's cable was pulled its connection dies this late: the server sees it when its own sends fail.
const DEAD_STREAM: std::time::Duration = secs(20);

impl World {
    pub(super) fn deliver(&mut self, what: Happening) {
        match what {
            Happening::ToServer(datagram) => self.arrive_at_server(datagram),
            Happening::ToHost(host, datagram) => self.arrive_at_host(host, datagram),
            Happening::Connected(flow) => self.connected(flow),
            Happening::Refused(host) => self.phone_disconnected(host),
            Happening::StreamToServer(flow, bytes) => self.stream_to_server(flow, &bytes),
            Happening::StreamToPhone(flow, bytes) => self.stream_to_phone(flow, &bytes),
            Happening::ServerLearnsEnd(flow) => self.server_learns_end(flow),
            Happening::PhoneLearnsEnd(flow) => self.phone_learns_end(flow),
        }
    }

    fn arrive_at_server(&mut self, datagram: Datagram) {
        let now = self.now();
        let Datagram { from, to, bytes } = datagram;
        if to.port() == super::SERVER_V4.port() {
            self.ladder.note(now.mono, format!("{from} > server"), &bytes);
            self.overhear(&bytes);
        }
        let Some(server) = &mut self.server else { return };
        if to.port() == super::SERVER_V4.port() {
            if server.datagram(now, from, to, bytes) != Entrance::Closed {
                self.check_reader(from);
            }
        } else {
            server.packet(now.mono, from, to, &bytes);
        }
        self.settle_server();
    }

    fn overhear(&mut self, bytes: &Bytes) {
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        if bytes.starts_with(b"INVITE ") && has(b"\r\nAuthorization:") {
            self.overheard = Some(bytes.clone());
        }
    }

    fn arrive_at_host(&mut self, host: usize, datagram: Datagram) {
        let now = self.now();
        let Datagram { from, to, bytes } = datagram;
        match self.hosts[host] {
            Who::Attacker(attacker) => self.attackers[attacker].hear(&bytes),
            Who::Phone(number) => {
                let phone = &mut self.phones[number];
                if to.port() == phone.address.port() {
                    self.ladder.note(now.mono, format!("server > {} {to}", phone.account.username), &bytes);
                    phone.hear(now.mono, bytes);
                } else {
                    let mut heard = Vec::new();
                    phone.hear_media(now.mono, to.port(), from, &bytes, &mut heard);
                    for (listener, tone) in heard {
                        self.check_tone(listener, tone);
                    }
                }
                self.settle_phone(number);
            }
        }
    }

    /// Carries out what the server wants.
    pub(super) fn settle_server(&mut self) {
        let now = self.now();
        let Some(server) = &mut self.server else { return };
        server.drain(now.mono, &mut self.store, &mut self.saboteur);
        let mut sent = Vec::new();
        while let Some(next) = server.next_sent() {
            sent.push(next);
        }
        for next in sent {
            match next {
                Sent::Datagram { from, to, bytes } => {
                    for (at, host, datagram) in
                        self.network.from_server(now.mono, Datagram { from, to, bytes })
                    {
                        self.put(at, Happening::ToHost(host, datagram));
                    }
                }
                Sent::Stream { flow, bytes } => self.send_on_stream(flow, Toward::Host(0), bytes),
                Sent::Close(flow) => {
                    if let Some(stream) = self.streams.open.get_mut(&flow) {
                        stream.server_open = false;
                        let at = now.mono + millis(1);
                        self.put(at, Happening::PhoneLearnsEnd(flow));
                    }
                }
            }
        }
        self.reset_refused();
    }

    /// Carries out what a phone wants.
    pub(super) fn settle_phone(&mut self, number: usize) {
        let now = self.now().mono;
        let host = self.host_of_phone[number];
        while let Some(out) = self.phones[number].poll() {
            let (address, server) = (self.phones[number].address, self.phones[number].server);
            match (out, self.phones[number].transport) {
                (Out::Sip(bytes), Transport::Udp) => self.send_datagram(host, address, server, bytes),
                (Out::Sip(bytes), Transport::Tcp | Transport::Tls) => {
                    if let Some(flow) = self.streams.of_host.get(&host).copied() {
                        self.send_on_stream(flow, Toward::Server, bytes);
                    }
                }
                (Out::Media { port, to, bytes }, _) => {
                    self.send_datagram(host, SocketAddr::new(address.ip(), port), to, bytes);
                }
                (Out::Connect, _) => self.connect(host, number),
            }
        }
        self.wakes[number] = self.phones[number].next_wake();
        self.hear_complaints(number, now);
    }

    pub(super) fn send_datagram(&mut self, host: usize, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let now = self.now().mono;
        for (at, datagram) in self.network.from_host(now, host, Datagram { from, to, bytes }) {
            self.put(at, Happening::ToServer(datagram));
        }
    }

    fn connect(&mut self, host: usize, number: usize) {
        let now = self.now().mono;
        let delay = self.network.link(host).faults.delay;
        if self.server.is_none() || self.network.link(host).down {
            self.put(now + delay + delay, Happening::Refused(host));
            return;
        }
        let id = self.streams.next_id();
        let port = 40_000 + (id.0 % 20_000) as u16;
        let (ip, local) = (self.phones[number].address.ip(), self.phones[number].server);
        let remote = self.network.outside(now, host, SocketAddr::new(ip, port), local);
        let closed = |server: &crate::server::Server| server.entrance(Service::Sip, remote) != Entrance::Open;
        if self.server.as_ref().is_some_and(closed) {
            self.put(now + delay + delay, Happening::Refused(host));
            return;
        }
        self.streams.add(host, Flow { id, transport: Transport::Tcp, local, remote });
        self.put(now + delay + delay, Happening::Connected(id));
    }

    fn connected(&mut self, flow: FlowId) {
        let Some(stream) = self.streams.open.get(&flow).filter(|stream| stream.phone_open) else { return };
        if let Who::Phone(number) = self.hosts[stream.host] {
            self.phones[number].connected();
            self.settle_phone(number);
        }
    }

    fn send_on_stream(&mut self, flow: FlowId, toward: Toward, bytes: Bytes) {
        let now = self.now().mono;
        let Some(stream) = self.streams.open.get_mut(&flow) else { return };
        let to_server = toward == Toward::Server;
        let open = if to_server { stream.phone_open } else { stream.server_open };
        if !open {
            return;
        }
        if self.network.link(stream.host).down {
            return self.end_stream(flow);
        }
        let toward = if to_server { Toward::Server } else { Toward::Host(stream.host) };
        let Some(at) = self.network.stream_piece(now, stream.host, toward, &bytes) else {
            return self.end_stream(flow);
        };
        let last = &mut stream.last_arrival[usize::from(to_server)];
        *last = at.max(*last);
        let (at, half) = (*last, bytes.len() / 2);
        // In two pieces, so that nobody relies on whole messages.
        for piece in [bytes.slice(..half), bytes.slice(half..)] {
            self.put(
                at,
                match to_server {
                    true => Happening::StreamToServer(flow, piece),
                    false => Happening::StreamToPhone(flow, piece),
                },
            );
        }
    }

    fn stream_to_server(&mut self, flow: FlowId, bytes: &[u8]) {
        let now = self.now();
        let Some(stream) = self.streams.open.get_mut(&flow).filter(|stream| stream.server_open) else {
            return;
        };
        let from = stream.flow;
        let Some(found) = messages(&mut stream.to_server, bytes) else { return self.end_stream(flow) };
        for message in found {
            self.ladder.note(now.mono, format!("{} > server (tcp)", from.remote), &message);
            let Some(server) = &mut self.server else { return };
            if server.message(now, from, message) == Entrance::Closed {
                return self.end_stream(flow);
            }
            self.check_reader(from.remote);
            self.settle_server();
        }
    }

    fn stream_to_phone(&mut self, flow: FlowId, bytes: &[u8]) {
        let now = self.now().mono;
        let Some(stream) = self.streams.open.get_mut(&flow).filter(|stream| stream.phone_open) else {
            return;
        };
        let Who::Phone(number) = self.hosts[stream.host] else { return };
        let Some(found) = messages(&mut stream.to_phone, bytes) else {
            return self.fail("the server breaks the framing of a stream".to_owned());
        };
        for message in found {
            let name = &self.phones[number].account.username;
            self.ladder.note(now, format!("server > {name} (tcp)"), &message);
            self.phones[number].hear(now, message);
            self.settle_phone(number);
        }
    }

    /// A connection breaks: both ends learn it by themselves, a little later.
    pub(super) fn end_stream(&mut self, flow: FlowId) {
        let now = self.now().mono;
        let Some(host) = self.streams.open.get(&flow).map(|stream| stream.host) else { return };
        self.excuse(host);
        self.put(now + millis(2), Happening::ServerLearnsEnd(flow));
        self.put(now + millis(3), Happening::PhoneLearnsEnd(flow));
    }

    /// The connection of a phone that is off: the server alone learns it, late.
    pub(super) fn abandon_stream(&mut self, host: usize) {
        let now = self.now().mono;
        if let Some(flow) = self.streams.of_host.remove(&host) {
            if let Some(stream) = self.streams.open.get_mut(&flow) {
                stream.phone_open = false;
            }
            self.put(now + DEAD_STREAM, Happening::ServerLearnsEnd(flow));
        }
    }

    fn server_learns_end(&mut self, flow: FlowId) {
        let now = self.now();
        let Some(stream) = self.streams.open.get_mut(&flow).filter(|stream| stream.server_open) else {
            return;
        };
        stream.server_open = false;
        if let Some(server) = &mut self.server {
            server.closed(now, flow);
            self.settle_server();
        }
        self.streams.sweep();
    }

    fn phone_learns_end(&mut self, flow: FlowId) {
        let Some(stream) = self.streams.open.get_mut(&flow).filter(|stream| stream.phone_open) else {
            return;
        };
        stream.phone_open = false;
        let host = stream.host;
        self.streams.sweep();
        if self.streams.of_host.get(&host) == Some(&flow) {
            self.streams.of_host.remove(&host);
            self.phone_disconnected(host);
        }
    }

    fn phone_disconnected(&mut self, host: usize) {
        let now = self.now().mono;
        self.excuse(host);
        if let Who::Phone(number) = self.hosts[host] {
            self.phones[number].disconnected(now);
            self.settle_phone(number);
        }
    }
}
