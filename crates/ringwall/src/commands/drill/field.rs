//! Where the attack stands: what it may use, how much of it is left, and how it is stopped.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use api::drill::{Canary, Ground};
use model::Transport;
use model::directory::Encryption;
use model::live::Listener;

use super::phone::Phone;
use crate::client::{Client, Resource, read};

/// Packets and connections of a whole drill: two seconds of what one scanner sends.
pub const MOST_PACKETS: u64 = 6_000;
/// Seconds of a whole drill.
pub const MOST_SECONDS: u64 = 240;
/// Wrong passwords that are tried before it is said that nobody stops them. A server that lets more pass is as good as open.
pub const MOST_GUESSES: u32 = 20;
/// How long an answer may take.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long it is listened whether there is an answer where none may be.
pub const SILENCE: Duration = Duration::from_millis(600);

/// Why a step did not come to its end.
#[derive(Debug)]
pub enum Halt {
    /// Somebody stopped the drill, or its time or packets are used up.
    Ended(&'static str),
    /// The step can't be made here.
    Unable(String),
}

impl From<std::io::Error> for Halt {
    fn from(error: std::io::Error) -> Halt {
        Halt::Unable(crate::failure::words(&error))
    }
}

/// The ground of one drill, with its limits.
pub struct Field {
    ground: Ground,
    socket: PathBuf,
    runtime: tokio::runtime::Runtime,
    stop: Arc<AtomicBool>,
    packets: AtomicU64,
    until: Instant,
}

impl Field {
    /// Ready to attack on `ground` the server behind the control socket; turns away everything once `stop` is set.
    pub fn new(ground: Ground, socket: &Path, stop: Arc<AtomicBool>) -> std::io::Result<Field> {
        Ok(Field {
            ground,
            socket: socket.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            stop,
            packets: AtomicU64::new(0),
            until: Instant::now() + Duration::from_secs(MOST_SECONDS),
        })
    }

    /// One packet or connection more.
    ///
    /// # Errors
    /// The drill ends here.
    pub fn spend(&self) -> Result<(), Halt> {
        self.go_on()?;
        if self.packets.fetch_add(1, Ordering::Relaxed) >= MOST_PACKETS {
            return Err(Halt::Ended("its packets are used up"));
        }
        Ok(())
    }

    /// # Errors
    /// The drill ends here.
    pub fn go_on(&self) -> Result<(), Halt> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Halt::Ended("it was stopped"));
        }
        if Instant::now() >= self.until {
            return Err(Halt::Ended("its time is used up"));
        }
        Ok(())
    }

    /// Packets and connections so far.
    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed).min(MOST_PACKETS)
    }

    /// Ends what asks the server.
    pub fn close(self) {
        self.runtime.shutdown_background();
    }

    /// What the drill has.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Source number `n`, each step its own.
    pub fn source(&self, n: u8) -> Ipv4Addr {
        let [a, b, c] = self.ground.sources;
        Ipv4Addr::new(a, b, c, n)
    }

    /// A name that nobody has, as long as a canary's.
    pub fn nobody(&self, digit: u8) -> String {
        format!("{}{}", self.ground.name, digit % 10)
    }

    /// The canary that calls.
    pub fn caller(&self) -> Result<&Canary, Halt> {
        self.canary(0)
    }

    /// The canary that is called.
    pub fn callee(&self) -> Result<&Canary, Halt> {
        self.canary(1)
    }

    /// The canary that must encrypt.
    pub fn encrypted(&self) -> Result<&Canary, Halt> {
        let found = self.ground.canaries.iter().find(|canary| canary.encryption == Encryption::Required);
        found.ok_or_else(missing)
    }

    fn canary(&self, place: usize) -> Result<&Canary, Halt> {
        self.ground.canaries.get(place).ok_or_else(missing)
    }

    /// A phone at source `n`.
    pub fn phone(&self, n: u8) -> Result<Phone<'_>, Halt> {
        Phone::new(self, self.source(n), self.sip()?)
    }

    /// Where SIP over UDP is reached from the sources.
    pub fn sip(&self) -> Result<SocketAddr, Halt> {
        if !self.ground.reaches.sip {
            return Err(unable("the firewall's row for SIP does not let this machine's loopback in"));
        }
        self.listener("sip", Transport::Udp).ok_or_else(|| unable("SIP over UDP is not spoken on IPv4"))
    }

    /// Where SIP over TCP is.
    pub fn sip_tcp(&self) -> Option<SocketAddr> {
        self.listener("sip", Transport::Tcp)
    }

    /// Where the console is.
    pub fn console(&self) -> Result<SocketAddr, Halt> {
        if !self.ground.reaches.console {
            return Err(unable("the firewall's row for the console does not let this machine's loopback in"));
        }
        let at = |listener: &&Listener| listener.service != "sip" && listener.transport == Transport::Tls;
        let found = self.ground.listeners.iter().filter(at).find_map(reached);
        found.ok_or_else(|| unable("the console is not open on IPv4"))
    }

    fn listener(&self, service: &str, transport: Transport) -> Option<SocketAddr> {
        let fits = |listener: &&Listener| listener.service == service && listener.transport == transport;
        self.ground.listeners.iter().filter(fits).find_map(reached)
    }

    /// Asks the server over its control socket, as an administrator.
    pub fn look<T: serde::de::DeserializeOwned>(&self, resource: &[&str]) -> Result<T, Halt> {
        let client = Client::new(&self.socket);
        let body = self.runtime.block_on(client.get(Resource::new(resource)));
        body.and_then(|body| read(&body)).map_err(|failure| Halt::Unable(failure.line))
    }

    /// Whether the guard refuses an address, and the accounts that it names.
    pub fn is_blocked(&self, source: Ipv4Addr) -> Result<Option<api::body::Block>, Halt> {
        let blocks: Vec<api::body::Block> = self.look(&["blocks"])?;
        Ok(blocks.into_iter().find(|block| block.address == source.to_string()))
    }
}

/// The address of a listener, as the loopback reaches it. `None`: not on IPv4, or it does not listen.
fn reached(listener: &Listener) -> Option<SocketAddr> {
    if listener.state != "listening" {
        return None;
    }
    match listener.address {
        IpAddr::V4(v4) if v4.is_unspecified() => Some((Ipv4Addr::LOCALHOST, listener.port).into()),
        IpAddr::V4(v4) => Some((v4, listener.port).into()),
        IpAddr::V6(_) => None,
    }
}

fn unable(why: &str) -> Halt {
    Halt::Unable(why.to_owned())
}

fn missing() -> Halt {
    unable("the server gave too few accounts; is it another release than this command?")
}
