//! Which certificates are in force: the local authority's, those of `[tls]`, or one that was uploaded. Made or read before a
//! change is stored, shown once it is; what stands goes on. Not here: what is uploaded and how long it is kept (`uploads`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use api::body;
use model::Secret;
use model::config::Office;
use model::event::{self, Event};
use net::tls::{Facts, Local, Names, Pair, RENEWED_BEFORE, Shown, own};
use store::Store;

use super::now;
use super::uploads::Uploads;
use crate::failure::Failure;

/// The certificates' owner.
pub struct Certificates {
    store: Store,
    shown: Shown,
    /// Addresses of the command line.
    bind: Vec<IpAddr>,
    state: Mutex<State>,
    uploads: Uploads,
}

#[derive(Default)]
struct State {
    local: Option<Local>,
    own: Option<Own>,
}

/// An administrator's own certificate.
#[derive(Clone)]
struct Own {
    pair: Pair,
    /// An authority that this machine trusts vouches for it.
    trusted: bool,
}

/// Certificates that are good and not in force yet.
pub struct Prepared {
    /// `None`: as they are.
    local: Option<Local>,
    own: Option<Own>,
    doubts: Vec<String>,
}

/// Why certificates are looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// SIGHUP.
    Asked,
    /// It was time.
    Time,
}

impl Certificates {
    /// What was kept; what is missing is made by [`Certificates::prepare`].
    ///
    /// # Errors
    /// What was kept can't be read.
    pub fn restore(
        store: &Store,
        kept: &BTreeMap<String, Secret>,
        shown: Shown,
        bind: &[IpAddr],
    ) -> Result<Certificates, Failure> {
        let local = Local::restore(kept).map_err(|why| {
            Failure::failed(format!("the local certificates in the database: {why}; restore a backup"))
        })?;
        let state = Mutex::new(State { local, own: None });
        let uploads = Uploads::restore(store, kept);
        Ok(Certificates { store: store.clone(), shown, bind: bind.to_vec(), state, uploads })
    }

    /// Reads and judges what `office` asks for, and makes what the local authority lacks.
    ///
    /// # Errors
    /// One line: which file, what is wrong with it, what to do.
    pub fn prepare(&self, office: &Office) -> Result<Prepared, String> {
        // An RSA key takes a while; other tasks of this thread go elsewhere meanwhile.
        tokio::task::block_in_place(|| self.make_ready(office))
    }

    /// The same for a change from `before`. One that leaves `[tls]` alone is not held up by files that went bad: what is in
    /// force stays so, and the log says why. Else a certificate that ran out last night would forbid a new password today.
    ///
    /// # Errors
    /// As [`Certificates::prepare`], of a change that is about `[tls]`.
    pub fn prepare_change(&self, before: &Office, after: &Office) -> Result<Prepared, String> {
        let kept = self.state().own.clone().filter(|_| before.tls == after.tls);
        match (self.prepare(after), kept) {
            (Err(why), Some(kept)) => {
                let local = tokio::task::block_in_place(|| self.local(after))?;
                Ok(Prepared {
                    local,
                    own: Some(kept),
                    doubts: vec![format!("{why}; the old one stays in force")],
                })
            }
            (prepared, _) => prepared,
        }
    }

    fn make_ready(&self, office: &Office) -> Result<Prepared, String> {
        let local = self.local(office)?;
        let mut prepared = Prepared { local, own: None, doubts: Vec::new() };
        if let (Some(certificate), Some(key)) = (&office.tls.certificate, &office.tls.key) {
            let pair =
                own::read(Path::new(certificate), Path::new(key), now()).map_err(|why| why.to_string())?;
            prepared.doubts = doubts("tls.certificate", pair.facts(), office);
            prepared.own = Some(Own::of(pair, office));
        }
        if let Some(fingerprint) = &office.tls.uploaded {
            let pair = self.uploads.find(fingerprint)?;
            prepared.doubts = doubts("the uploaded certificate", pair.facts(), office);
            prepared.own = Some(Own::of(pair, office));
        }
        Ok(prepared)
    }

    fn local(&self, office: &Office) -> Result<Option<Local>, String> {
        let names = self.names(office);
        let local = self.state().local.clone();
        match local {
            None => Local::make(&names, now()).map(Some),
            Some(local) => local.renewed(&names, now()),
        }
        .map_err(|why| why.to_string())
    }

    fn names(&self, office: &Office) -> Names {
        let mut names = Names::of_this_machine(&office.system.domain);
        for alias in &office.system.aliases {
            names.add(alias);
        }
        let public_v4 = office.network.public_address_v4.map(IpAddr::V4);
        let public_v6 = office.network.public_address_v6.map(IpAddr::V6);
        let listening =
            office.listen.sip_tls.iter().chain(&office.listen.console).map(|address| address.ip());
        for address in
            public_v4.into_iter().chain(public_v6).chain(listening).chain(self.bind.iter().copied())
        {
            names.add_address(address);
        }
        names
    }

    /// Shows what was prepared to who connects from now on.
    pub async fn put_in_force(&self, prepared: Prepared) {
        let Prepared { local, own, doubts } = prepared;
        if let Some(local) = &local {
            let made = Event::new(&event::CERTIFICATE_MADE, now())
                .with("authority", &local.authority().facts().subject)
                .with("expires", local.leaves()[0].facts().expires);
            self.store.logs().write(made);
            if let Err(error) = self.store.keep_certificates(some(local.texts())).await {
                // They serve until the next start, which makes others.
                let failed = Event::new(&event::STORE_FAILED, now()).with("what", "certificates");
                self.store.logs().write(failed.with("why", error));
            }
        }
        for doubt in doubts {
            self.store.logs().write(Event::new(&event::CERTIFICATE_DOUBTFUL, now()).with("why", doubt));
        }
        let mut state = self.state();
        if local.is_some() {
            state.local = local;
        }
        state.own = own;
        self.shown.show(&state.shown());
    }

    /// Reads and renews; what can't be used leaves what is in force.
    pub async fn look_after(&self, office: &Office, occasion: Occasion) {
        match self.prepare(office) {
            Ok(prepared) => {
                self.put_in_force(prepared).await;
                if occasion == Occasion::Asked {
                    let count = self.state().shown().len();
                    self.store.logs().write(Event::new(&event::RELOADED, now()).with("certificates", count));
                }
            }
            Err(why) => self.store.logs().write(Event::new(&event::CERTIFICATE_KEPT, now()).with("why", why)),
        }
    }

    /// What is in force, for administrators; `None` before the first is.
    pub fn described(&self) -> Option<body::Certificates> {
        let state = self.state();
        let authority = state.local.as_ref()?.authority();
        Some(body::Certificates {
            authority: body::Authority {
                certificate: authority.certificate_pem(),
                fingerprint_sha256: authority.fingerprint(),
                subject: authority.facts().subject.clone(),
                expires: authority.facts().expires,
            },
            local: state.own.is_none(),
            shown: state.shown().iter().map(|pair| certificate(pair.facts())).collect(),
        })
    }

    /// What phones will hold against a certificate.
    pub fn doubts_of(&self, pair: &Pair, office: &Office) -> Vec<String> {
        doubts("the uploaded certificate", pair.facts(), office)
    }

    /// What was uploaded.
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Whether browsers may insist on the certificate shown: who does not trust it could reach the console no more.
    pub fn are_trusted(&self) -> bool {
        self.state().own.as_ref().is_some_and(|own| own.trusted)
    }

    /// Whether a certificate shown is for this name.
    pub fn covers(&self, name: &str) -> bool {
        self.state().shown().iter().any(|pair| pair.facts().covers(name))
    }

    /// The local authority's certificate, DER.
    pub fn authority(&self) -> Option<bytes::Bytes> {
        let state = self.state();
        let local = state.local.as_ref()?;
        Some(bytes::Bytes::copy_from_slice(local.authority().certificate()))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    fn of(pair: Pair, office: &Office) -> Own {
        let trusted = net::tls::is_trusted(&pair, &office.system.domain, now());
        Own { pair, trusted }
    }
}

impl State {
    fn shown(&self) -> Vec<Pair> {
        match (&self.own, &self.local) {
            (Some(own), _) => vec![own.pair.clone()],
            (None, Some(local)) => local.leaves().to_vec(),
            (None, None) => Vec::new(),
        }
    }
}

/// What phones will hold against a certificate that is otherwise good.
fn doubts(which: &str, facts: &Facts, office: &Office) -> Vec<String> {
    let mut doubts = Vec::new();
    let uncovered: Vec<&str> = std::iter::once(&office.system.domain)
        .chain(&office.system.aliases)
        .map(String::as_str)
        .filter(|name| !facts.covers(name))
        .collect();
    if !uncovered.is_empty() {
        doubts.push(format!("{which} does not cover {}", uncovered.join(", ")));
    }
    if facts.expires.saturating_since(now()) < RENEWED_BEFORE {
        doubts.push(format!("{which} ends on {}", facts.expires));
    }
    doubts
}

fn some(texts: BTreeMap<String, Secret>) -> BTreeMap<String, Option<Secret>> {
    texts.into_iter().map(|(name, text)| (name, Some(text))).collect()
}

fn certificate(facts: &Facts) -> body::Certificate {
    let addresses = facts.addresses.iter().map(ToString::to_string);
    body::Certificate {
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        expires: facts.expires,
        covers: facts.dns.iter().cloned().chain(addresses).collect(),
    }
}
