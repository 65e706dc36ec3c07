//! TLS for programs that have none: stunnel takes what they send in the clear and hands it on encrypted. Debian's SIPp
//! is such a program.

use crate::place::{self, Place};
use crate::process::{Farewell, Process};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::path::Path;

/// A running stunnel.
pub struct Stunnel {
    /// Where it is talked to in the clear.
    pub near: SocketAddrV4,
    _process: Process,
    _place: Place,
}

impl Stunnel {
    /// A tunnel to this server, whose certificate must come from this authority and name its address.
    pub fn to(server: SocketAddr, authority: &Path) -> Self {
        let (near, place) = (place::sip_address(), Place::new("stunnel"));
        let config = format!(
            "foreground = yes\npid =\nsyslog = no\n[sip]\nclient = yes\naccept = {near}\nconnect = {server}\n\
             CAfile = {}\nverifyChain = yes\ncheckIP = {}\n",
            authority.display(),
            server.ip()
        );
        let file = place.write("stunnel.conf", &config);
        let process = Process::start("stunnel", "stunnel4", [file.as_os_str()]).farewell(Farewell::Terminate);
        crate::wait::until("stunnel listens", || TcpStream::connect(near).ok());
        Self { near, _process: process, _place: place }
    }
}
