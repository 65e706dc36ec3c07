//! Certificates that were uploaded in the console, kept sealed with their keys. A few former ones stay, so that going back to
//! an earlier revision finds its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use api::Problem;
use model::Secret;
use net::tls::Pair;
use store::Store;

use super::now;

/// Kept at most: those of two years, if one is brought every quarter.
const KEPT: usize = 8;
/// Before the names under which they are kept: `uploaded/TIME/FINGERPRINT`.
const PREFIX: &str = "uploaded/";

/// What was uploaded, by name: the oldest first.
pub struct Uploads {
    store: Store,
    kept: Mutex<BTreeMap<String, Secret>>,
}

impl Uploads {
    /// What is kept of them.
    pub fn restore(store: &Store, kept: &BTreeMap<String, Secret>) -> Uploads {
        let ours = kept.iter().filter(|(name, _)| name.starts_with(PREFIX));
        let kept = ours.map(|(name, text)| (name.clone(), text.clone())).collect();
        Uploads { store: store.clone(), kept: Mutex::new(kept) }
    }

    /// The certificate with this fingerprint, good or not.
    ///
    /// # Errors
    /// One line: it was not uploaded here.
    pub fn find(&self, fingerprint: &str) -> Result<Pair, String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(name, _)| name.ends_with(fingerprint));
        let (_, text) = found.ok_or_else(|| {
            format!(
                "tls.uploaded: no certificate with the fingerprint {fingerprint} was uploaded here, or it is too long ago; \
                 upload it under Advanced options > Certificates, or remove tls.uploaded"
            )
        })?;
        Pair::restore(text)
            .map_err(|why| format!("tls.uploaded: what is kept can't be read: {why}; upload it again"))
    }

    /// Keeps one; its fingerprint. Never leaves out the one `in_force`.
    ///
    /// # Errors
    /// The disk refuses; what was kept still is.
    pub async fn keep(&self, pair: &Pair, in_force: Option<&str>) -> Result<String, Problem> {
        let fingerprint = pair.fingerprint().replace(':', "").to_ascii_lowercase();
        let text = pair.text().cloned().ok_or_else(|| Problem::failed("the certificate has no text"))?;
        let name = format!("{PREFIX}{:015}/{fingerprint}", now().as_millis());
        let mut changes = self.surplus(&fingerprint, in_force);
        changes.insert(name, Some(text));
        self.store.keep_certificates(changes.clone()).await.map_err(Problem::failed)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, text) in changes {
            match text {
                Some(text) => drop(kept.insert(name, text)),
                None => drop(kept.remove(&name)),
            }
        }
        Ok(fingerprint)
    }

    /// What goes when one more comes: the same one, and the oldest beyond what is kept.
    fn surplus(&self, coming: &str, in_force: Option<&str>) -> BTreeMap<String, Option<Secret>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (same, others): (Vec<&String>, Vec<&String>) =
            kept.keys().partition(|name| name.ends_with(coming));
        let staying = |name: &&&String| in_force.is_some_and(|fingerprint| name.ends_with(fingerprint));
        let too_many = others.len().saturating_add(1).saturating_sub(KEPT);
        let oldest = others.iter().filter(|name| !staying(name)).take(too_many).copied();
        same.into_iter().chain(oldest).map(|name| (name.clone(), None)).collect()
    }
}
