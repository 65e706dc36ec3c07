//! A name server of a test's own (dnsmasq), in a network namespace of its own, with the records that the test needs.

use crate::netns::Namespaces;
use crate::place::Place;
use crate::process::Process;
use crate::wait;
use std::net::{SocketAddr, UdpSocket};

/// A running name server at 127.0.0.1 of its namespace.
pub struct NameServer {
    process: Process,
    place: Place,
    namespace: String,
}

impl NameServer {
    /// Starts one; `records` are dnsmasq's own options, such as `--host-record=a.test,192.0.2.1`.
    pub fn start(world: &Namespaces, namespace: &str, records: &[&str]) -> Self {
        let namespace = world.name(namespace).to_owned();
        let place = Place::new("names");
        place.write("resolv.conf", RESOLVER);
        let own = [
            "netns",
            "exec",
            &namespace,
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--local=/test/",
            "--listen-address=127.0.0.1",
            "--bind-interfaces",
            "--pid-file=",
            "--user=root",
            "--log-facility=-",
        ];
        let process = Process::start("dnsmasq", "ip", own.iter().chain(records));
        let tcp: SocketAddr = "127.0.0.1:53".parse().expect("an address");
        drop(crate::netns::connect(&namespace, tcp));
        wait::until("a name server", || process.stderr().contains("started").then_some(()));
        Self { process, place, namespace }
    }

    /// Ends it; whoever asks it hears nothing from then on.
    pub fn stop(&mut self) {
        self.process.kill();
    }

    /// The words before a command that make it live in the namespace and ask this name server.
    pub fn asked_by(&self) -> Vec<String> {
        asked_by(&self.place, &self.namespace)
    }
}

/// A name server that hears every question and answers none.
pub struct SilentNameServer {
    socket: UdpSocket,
    place: Place,
    namespace: String,
}

impl SilentNameServer {
    /// Starts one.
    pub fn start(world: &Namespaces, namespace: &str) -> Self {
        let namespace = world.name(namespace).to_owned();
        let place = Place::new("names");
        place.write("resolv.conf", RESOLVER);
        let socket = crate::netns::inside(&namespace, || UdpSocket::bind("127.0.0.1:53").expect("the port"));
        socket.set_read_timeout(Some(wait::PATIENCE)).expect("a timeout");
        Self { socket, place, namespace }
    }

    /// Waits for a question.
    pub fn expect_question(&self) {
        self.socket.recv(&mut [0; 512]).expect("a question");
    }

    /// The words before a command that make it live in the namespace and ask this name server.
    pub fn asked_by(&self) -> Vec<String> {
        asked_by(&self.place, &self.namespace)
    }
}

/// What a resolver is told.
const RESOLVER: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

fn asked_by(place: &Place, namespace: &str) -> Vec<String> {
    let file = place.join("resolv.conf");
    let script = format!("mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"", file.display());
    ["ip", "netns", "exec", namespace, "sh", "-c", &script].map(String::from).to_vec()
}
