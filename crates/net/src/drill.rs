//! Sockets of the rehearsal of an attack (SPEC R4.20), which is the command line's and not the server's. They send from
//! loopback addresses only: what is sent from there never leaves this machine, whatever address it is sent to.
//!
//! They listen to nobody but the server that they talk to; so they have no part in the gate.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use socket2::{Domain, Protocol, Socket, Type};

fn refuse_far(source: Ipv4Addr) -> io::Result<()> {
    if source.is_loopback() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "a drill sends from loopback addresses only"))
}

/// A UDP socket at a loopback address, any port. Reading blocks.
///
/// # Errors
/// The address is not the loopback's, or the system refuses.
pub fn udp(source: Ipv4Addr) -> io::Result<UdpSocket> {
    refuse_far(source)?;
    UdpSocket::bind(SocketAddrV4::new(source, 0))
}

/// A TCP connection from a loopback address. Connecting, reading and writing block up to `patience`.
///
/// # Errors
/// The address is not the loopback's, nobody answers, or the connection is refused.
pub fn tcp(source: Ipv4Addr, peer: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    refuse_far(source)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.connect_timeout(&peer.into(), patience)?;
    socket.set_read_timeout(Some(patience))?;
    socket.set_write_timeout(Some(patience))?;
    Ok(socket.into())
}

/// TLS over such a connection. The certificate is not held against anything: an attacker does not care whom he talks to, and
/// what is sent here is made up.
///
/// # Errors
/// No TLS is spoken there.
pub fn tls(stream: TcpStream) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let name = ServerName::from(stream.peer_addr()?.ip());
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Whatever certificate is shown is taken; that its owner signed the handshake is still looked at.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_sends_from_the_loopback_only() {
        let far = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(udp(far).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        assert_eq!(tcp(far, peer, Duration::from_secs(1)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(udp(Ipv4Addr::new(127, 100, 3, 4)).is_ok());
    }
}
