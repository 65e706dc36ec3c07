//! Where a test lives: a folder of its own and loopback addresses of its own, so that tests run side by side and every
//! program may use the port numbers it likes.

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

/// What `free_port` gives: beyond the phones' audio, below the ports of outgoing connections.
const PORTS: RangeInclusive<u16> = 27_500..=31_999;

/// Hosts handed out by this process so far.
static NEXT_HOST: AtomicU16 = AtomicU16::new(1);
/// Folders handed out by this process so far.
static NEXT_FOLDER: AtomicU16 = AtomicU16::new(0);

/// A folder that goes away with the value.
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// A new empty folder; `name` only helps who looks at a running test.
    pub fn new(name: &str) -> Self {
        let number = NEXT_FOLDER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("bb-{}-{number}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        Self { folder }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file inside and says where it is.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::env::var_os("BLACKBOX_KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A loopback address that no other test uses: 127.16.0.0 and up, the process id in the middle, the host counted.
/// Linux answers on all of 127.0.0.0/8 without any set-up, and process ids below 32,768 fit.
pub fn address() -> Ipv4Addr {
    let [high, low] = (std::process::id() as u16 & 0x7fff).to_be_bytes();
    let number = NEXT_HOST.fetch_add(1, Ordering::Relaxed) - 1;
    let (page, host) = (number / 254, number % 254 + 1);
    // A test that starts hundreds of servers goes on in pages of its own, above those that come first.
    let second = if page == 0 { 16 + high } else { 200 + ((u16::from(high) + page) % 55) as u8 };
    Ipv4Addr::new(127, second, low, host as u8)
}

/// An address with SIP's usual port.
pub fn sip_address() -> SocketAddrV4 {
    SocketAddrV4::new(address(), 5060)
}

/// A port that is free at 127.0.0.1 and ::1 for UDP and TCP, and that no other test takes. It lies below the ports that
/// the system gives out by itself, which somebody's outgoing connection could take before the phone listens; a lock
/// file keeps the test programs that run side by side apart, and ends with this process. The port after it stays free too:
/// baresip takes it for TLS.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().expect("no panic while held");
    let locks = std::env::temp_dir().join("blackbox-ports");
    std::fs::create_dir_all(&locks).expect("a folder for the locks");
    for port in PORTS.step_by(2) {
        let lock = File::create(locks.join(port.to_string())).expect("a lock file");
        let (v4, v6) = ((Ipv4Addr::LOCALHOST, port), (Ipv6Addr::LOCALHOST, port));
        let free = || {
            let udp = UdpSocket::bind(v4).is_ok() && UdpSocket::bind(v6).is_ok();
            udp && TcpListener::bind(v4).is_ok() && TcpListener::bind(v6).is_ok()
        };
        if lock.try_lock().is_ok() && free() {
            given.push(lock);
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free");
}
