//! What is shown to who connects over TLS, and how it changes without touching connections that stand.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::Pair;

/// The certificates in force. Copies share them.
#[derive(Clone)]
pub struct Shown {
    chosen: Arc<Chosen>,
    acceptor: TlsAcceptor,
    /// The same for browsers, who are told that they speak HTTP/1.1 (RFC 7301).
    web: TlsAcceptor,
}

/// The certificates, the preferred one first.
#[derive(Debug, Default)]
struct Chosen(ArcSwap<Vec<Arc<CertifiedKey>>>);

impl Shown {
    /// None yet: every handshake fails.
    ///
    /// # Errors
    /// The cryptography library can't be used.
    pub fn nothing() -> Result<Shown, rustls::Error> {
        let chosen = Arc::<Chosen>::default();
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(chosen.clone());
        // Tickets are kept by the phone, so that two thousand phones come back cheaply and cost no memory here; their keys
        // are this process's and change every six hours (RFC 5077, RFC 8446 section 2.2).
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // One is what a phone uses when it comes back.
        config.send_tls13_tickets = 1;
        let mut web = config.clone();
        web.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Shown {
            chosen,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            web: TlsAcceptor::from(Arc::new(web)),
        })
    }

    /// From now on these are shown to who connects, the first one preferred.
    pub fn show(&self, pairs: &[Pair]) {
        self.chosen.0.store(Arc::new(pairs.iter().map(Pair::certified).collect()));
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    pub(crate) fn web_acceptor(&self) -> &TlsAcceptor {
        &self.web
    }
}

impl ResolvesServerCert for Chosen {
    /// The first one whose key signs in a way that the client knows.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        self.0.load().iter().find(|pair| pair.key.choose_scheme(schemes).is_some()).cloned()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("certificates", &self.chosen.0.load().len()).finish_non_exhaustive()
    }
}
