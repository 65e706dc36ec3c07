//! Network namespaces with cables between them, for what can't be seen on a loopback: a phone behind NAT.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Namespaces that go away with the value.
pub struct Namespaces {
    names: Vec<String>,
}

impl Namespaces {
    /// Makes one namespace per name; the real names, made unique, are [`Namespaces::name`].
    pub fn new(names: &[&str]) -> Self {
        let root = rustix::process::geteuid().is_root();
        assert!(root, "network namespaces need root: run this test by `sudo -E ./test`");
        // Tests of one process run side by side.
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let made = Self { names: names.iter().map(|n| format!("bb{process}-{number}{n}")).collect() };
        for name in &made.names {
            ip(&format!("netns add {name}"));
            ip(&format!("-n {name} link set lo up"));
        }
        made
    }

    /// The real name of the one that was asked for by `short`.
    pub fn name(&self, short: &str) -> &str {
        self.names.iter().find(|n| n.ends_with(short)).expect("a namespace that was made")
    }

    /// A cable between two namespaces, with an address (and prefix length) at each end.
    pub fn cable(&self, one: (&str, &str), other: (&str, &str)) {
        let ((here, near), (there, far)) = (one, other);
        let (here_name, there_name) = (self.name(here), self.name(there));
        ip(&format!(
            "link add to-{there} netns {here_name} type veth peer name to-{here} netns {there_name}"
        ));
        for (name, link, address) in [(here_name, there, near), (there_name, here, far)] {
            ip(&format!("-n {name} addr add {address} dev to-{link}"));
            ip(&format!("-n {name} link set to-{link} up"));
        }
    }

    /// Gives a device of a namespace an address; of a network on `lo`, all addresses.
    pub fn add_address(&self, short: &str, address: &str, device: &str) {
        ip(&format!("-n {} addr add {address} dev {device}", self.name(short)));
    }

    /// Everything unknown goes by this gateway.
    pub fn default_route(&self, short: &str, gateway: &str) {
        ip(&format!("-n {} route add default via {gateway}", self.name(short)));
    }

    /// Makes a namespace a router that hides what comes from `inside` behind its own address.
    pub fn masquerade(&self, short: &str, inside: &str) {
        let name = self.name(short);
        run("ip", &["netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
        let rules = format!(
            "table ip hide {{ chain out {{ type nat hook postrouting priority srcnat; ip saddr {inside} ip daddr != {inside} masquerade; }}; }}"
        );
        run("ip", &["netns", "exec", name, "nft", &rules]);
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

/// Does something inside a namespace: a socket belongs to the namespace its thread was in when it was made.
pub fn inside<T: Send + 'static>(name: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    let name = name.to_owned();
    let thread = std::thread::spawn(move || {
        let namespace = File::open(format!("/run/netns/{name}")).expect("a namespace");
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("root may enter it");
        act()
    });
    thread.join().expect("done")
}

/// Connects from inside a namespace, as soon as somebody listens there.
pub fn connect(name: &str, to: SocketAddr) -> TcpStream {
    inside(name, move || crate::wait::until("a connection into a namespace", || TcpStream::connect(to).ok()))
}

fn ip(words: &str) {
    run("ip", &words.split(' ').collect::<Vec<_>>());
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", arguments.join(" "));
}
