//! Opening sockets: the only place in the house that binds one.
//!
//! IPv6 sockets are V6ONLY, so that `0.0.0.0` and `[::]` are two listeners and a peer's address is never a mapped
//! one. Not here: which sockets there are (`listeners`, `media`).

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use model::Transport;
use socket2::{Domain, Protocol, Socket, Type};

/// Bytes of signalling that the kernel keeps while the reader is busy: 4,000 requests of 1 KB. The kernel may cut it to
/// `net.core.rmem_max`.
const SIP_RECEIVE_BUFFER: usize = 4 << 20;
/// Bytes of one media stream that the kernel keeps: a third of a second of G.711 at 20 ms with its overhead; more would
/// only be played late.
const MEDIA_RECEIVE_BUFFER: usize = 32 << 10;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 1_024;
/// Administrators that wait to be accepted.
const CONTROL_BACKLOG: i32 = 128;
/// Longest path of a Unix socket (`sun_path` is 108 bytes with its end).
pub const MAX_SOCKET_PATH: usize = 107;

/// A listener that can't be opened, in one line: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{service} over {transport} cannot listen on {address}: {why}; {cure}")]
pub struct BindError {
    /// The service.
    pub service: &'static str,
    /// How it travels.
    pub transport: Transport,
    /// Address and port that were asked for.
    pub address: SocketAddr,
    /// The operating system's word for it.
    pub why: String,
    /// What to do.
    pub cure: &'static str,
}

impl BindError {
    pub(crate) fn new(
        service: &'static str,
        transport: Transport,
        address: SocketAddr,
        error: &io::Error,
    ) -> BindError {
        let (why, cure) = match error.kind() {
            io::ErrorKind::AddrInUse => (
                "the port is in use".to_owned(),
                "stop the other program, or choose another port in [listen], or start with --port-offset",
            ),
            io::ErrorKind::AddrNotAvailable => (
                "this machine does not have the address".to_owned(),
                "name one of its own addresses in [listen], or 0.0.0.0 or [::] for all",
            ),
            io::ErrorKind::PermissionDenied => (
                "ports below 1024 need a permission".to_owned(),
                "choose a higher port in [listen], or grant CAP_NET_BIND_SERVICE",
            ),
            _ if is_family_missing(error) => (
                "this machine does not speak that version of IP".to_owned(),
                "remove the address from [listen]",
            ),
            _ => (error.to_string(), "choose another address or port in [listen]"),
        };
        BindError { service, transport, address, why, cure }
    }
}

/// Whether the kernel has no such address family (EAFNOSUPPORT), as where IPv6 is switched off.
pub(crate) fn is_family_missing(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::AFNOSUPPORT)
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// A UDP socket for signalling.
pub(crate) fn sip_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    // Beyond the system's limit only with CAP_NET_ADMIN; else cut to it, and a smaller one only sheds earlier.
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, SIP_RECEIVE_BUFFER).is_err() {
        let _ = socket.set_recv_buffer_size(SIP_RECEIVE_BUFFER);
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A listening TCP socket for signalling.
pub(crate) fn sip_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    // Connections of before a restart, in TIME_WAIT, don't keep the port (the kernel still refuses a second listener).
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A UDP socket for RTP or RTCP.
pub(crate) fn media_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    let _ = socket.set_recv_buffer_size(MEDIA_RECEIVE_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The control socket: replaces one that a dead server left, readable and writable by its owner alone.
///
/// # Errors
/// The path is too long, or the folder can't be written.
pub fn control_socket(path: &Path) -> io::Result<UnixListener> {
    if path.as_os_str().len() > MAX_SOCKET_PATH {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the path of the control socket has {} bytes and the system allows {MAX_SOCKET_PATH}; choose a shorter --data folder",
                path.as_os_str().len()
            ),
        ));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    // Before this nobody can connect, whatever the umask made of the mode.
    socket.listen(CONTROL_BACKLOG)?;
    let listener = UnixListener::from(std::os::fd::OwnedFd::from(socket));
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_names_port_and_cure() {
        let first = sip_udp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = first.local_addr().unwrap();
        let error = sip_udp(address).map(|_| ()).unwrap_err();
        let line = BindError::new("sip", Transport::Udp, address, &error).to_string();
        assert!(line.contains(&address.port().to_string()), "{line}");
        assert!(line.contains("in use") && line.contains("--port-offset"), "{line}");
        assert!(!line.contains('\n'));
    }

    #[test]
    fn the_control_socket_is_for_its_owner_only_and_takes_the_place_of_a_dead_one() {
        let path = std::env::temp_dir().join(format!("ringwall-control-{}.sock", std::process::id()));
        drop(control_socket(&path).unwrap());
        let listener = control_socket(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        listener.accept().unwrap();
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_long_path_of_the_control_socket_is_refused_with_the_cure() {
        let path = std::env::temp_dir().join("x".repeat(MAX_SOCKET_PATH));
        let error = control_socket(&path).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("shorter --data"), "{error}");
    }
}
