//! Whether browsers trust a certificate, as far as a server can know: by the authorities that this machine trusts.

use std::sync::Arc;

use model::Wall;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{ServerName, UnixTime};

use super::Pair;

/// Whether an authority that this machine trusts vouches for the certificate, for this name, at `now`. Reads files: not on a
/// thread that serves.
pub fn is_trusted(pair: &Pair, name: &str, now: Wall) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build() else {
        return false;
    };
    let Ok(name) = ServerName::try_from(name.to_owned()) else { return false };
    let certified = pair.certified();
    let Some((first, above)) = certified.cert.split_first() else { return false };
    let seconds = u64::try_from(now.as_millis()).unwrap_or_default() / 1_000;
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    verifier.verify_server_cert(first, above, &name, &[], now).is_ok()
}
