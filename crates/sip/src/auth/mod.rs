//! Who sent this request? Digest authentication (RFC 3261 section 22, RFC 8760), without memory until an answer.
//!
//! Only an answer to a current challenge that was given to this very source is evaluated (SPEC R4.5); everything
//! else is asked again with `stale=true` and counted against nobody. A known and an unknown user cost the same and
//! get the same.

mod nonce;

use std::sync::Arc;

use model::directory::{DigestPolicy, Directory, Line};
use model::{Entropy, Flow, Now, Secret};
use wire::digest::{Algorithm, Challenge, Credentials, DigestError, QopOffer, ha1, verify};
use wire::sip::{Message, Name, Uri};

use nonce::{Nonces, Use};

pub(crate) use wire::digest::Freshness;

/// What a request's credentials are worth.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// None for our realm.
    Anonymous,
    /// They can't be read, or are for another URI: answered 400.
    Unreadable,
    /// For a nonce that is forged, expired, somebody else's or used up: not evaluated.
    Stale,
    /// Right, but this nonce count was used before: only a repetition of the very same request may pass.
    Repeated(Arc<Line>),
    /// Right.
    Proven(Arc<Line>),
    /// Wrong answer to a current challenge of ours.
    Wrong(Wrong),
}

/// A wrong answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The user name claimed, as it came.
    pub(crate) account: String,
    /// Why, for the log only.
    pub(crate) reason: &'static str,
}

/// Longest user name kept for the log.
const MAX_ACCOUNT: usize = 64;

/// Makes and judges challenges.
#[derive(Debug)]
pub(crate) struct Authenticator {
    nonces: Nonces,
    /// Stands in for the password of users that don't exist, so that they cost as much.
    nobody: Secret,
    policies: Policies,
}

impl Authenticator {
    pub(crate) fn new(entropy: &mut Entropy, directory: &Directory) -> Authenticator {
        let nobody = Secret::new(entropy.hex(32));
        Authenticator {
            nonces: Nonces::new(entropy.fork()),
            nobody,
            policies: Policies::of(directory, entropy.next_u64()),
        }
    }

    pub(crate) fn set_directory(&mut self, directory: &Directory) {
        self.policies = Policies::of(directory, self.policies.seed);
    }

    /// The values of WWW-Authenticate for a request that claims to come from `account`; MD5 first, since deployed
    /// phones give up when SHA-256 comes first (SPEC R6.2).
    pub(crate) fn challenges(
        &mut self,
        now: Now,
        flow: &Flow,
        account: &str,
        freshness: Freshness,
        directory: &Directory,
    ) -> impl Iterator<Item = String> {
        let policy = self.policy_of(account, directory);
        let nonce = self.nonces.make(now.mono, flow);
        let realm = directory.realm.clone();
        let algorithms: &[Algorithm] = match policy {
            DigestPolicy::Both => &[Algorithm::Md5, Algorithm::Sha256],
            DigestPolicy::Sha256 => &[Algorithm::Sha256],
            DigestPolicy::Md5 => &[Algorithm::Md5],
        };
        algorithms.iter().map(move |&algorithm| {
            let qop = QopOffer::Auth;
            let realm = realm.as_str().into();
            Challenge { realm, nonce: &nonce, algorithm, freshness, qop, opaque: None }.to_string()
        })
    }

    /// A line's own policy; an extension's if its lines agree on one, for phones that register the extension.
    fn policy_of(&self, account: &str, directory: &Directory) -> DigestPolicy {
        if let Some(line) = directory.lines.get(account) {
            return line.digest;
        }
        let Some(extension) = directory.extensions.get(account) else {
            return self.policies.of_unknown(account);
        };
        let lines = extension.lines.iter().filter_map(|line| directory.lines.get(line));
        let mut policies = lines.map(|line| line.digest);
        match policies.next() {
            Some(first) if policies.all(|policy| policy == first) => first,
            Some(_) => DigestPolicy::Both,
            None => self.policies.of_unknown(account),
        }
    }

    /// Judges a request's credentials.
    pub(crate) fn check(
        &mut self,
        now: Now,
        flow: &Flow,
        request: &Message,
        directory: &Directory,
    ) -> Verdict {
        let mut unreadable = false;
        let mut found = None;
        for value in request.all(Name::Authorization) {
            match Credentials::parse(value) {
                Ok(credentials) if *credentials.realm == *directory.realm.as_bytes() => {
                    found = Some(credentials);
                    break;
                }
                // Of another scheme or for another realm: not for us (RFC 4475 section 3.3.7).
                Ok(_) | Err(DigestError::Scheme) => {}
                Err(_) => unreadable = true,
            }
        }
        match found {
            Some(credentials) => self.evaluate(now, flow, request, directory, &credentials),
            None if unreadable => Verdict::Unreadable,
            None => Verdict::Anonymous,
        }
    }

    fn evaluate(
        &mut self,
        now: Now,
        flow: &Flow,
        request: &Message,
        directory: &Directory,
        credentials: &Credentials<'_>,
    ) -> Verdict {
        let Some(nonce) = self.nonces.recognise(now.mono, flow, credentials.nonce) else {
            return Verdict::Stale;
        };
        if !fits(credentials.uri, request.request_uri().unwrap_or_default()) {
            return Verdict::Unreadable;
        }
        let line = credentials.username_text().and_then(|username| directory.lines.get(username));
        let password = line.map_or(&self.nobody, |line| &line.password);
        let key = ha1(
            credentials.algorithm,
            &credentials.username,
            directory.realm.as_bytes(),
            password.expose().as_bytes(),
        );
        let right = verify(credentials, &key, request.method_text(), request.body());
        let used = self.nonces.use_up(now.mono, nonce, credentials.nc);
        let reason = match (line, used) {
            (_, Use::OutOfWindow) => return Verdict::Stale,
            (Some(line), Use::First) if right && accepts(line.digest, credentials.algorithm) => {
                return Verdict::Proven(line.clone());
            }
            (Some(line), Use::Again) if right && accepts(line.digest, credentials.algorithm) => {
                return Verdict::Repeated(line.clone());
            }
            (_, Use::Again) => return Verdict::Stale,
            (Some(_), _) if right => "digest algorithm not allowed for this line",
            (Some(_), _) => "wrong password",
            (None, _) => "unknown user",
        };
        let account = String::from_utf8_lossy(&credentials.username).chars().take(MAX_ACCOUNT).collect();
        Verdict::Wrong(Wrong { account, reason })
    }
}

fn accepts(policy: DigestPolicy, algorithm: Algorithm) -> bool {
    match policy {
        DigestPolicy::Both => matches!(algorithm.base(), Algorithm::Md5 | Algorithm::Sha256),
        DigestPolicy::Sha256 => algorithm.base() == Algorithm::Sha256,
        DigestPolicy::Md5 => algorithm.base() == Algorithm::Md5,
    }
}

/// Whether the digest URI names what the request is for (RFC 7616 section 3.4.6). Phones and proxies in between
/// change parameters and ports, so user and host decide; SIPp leaves the user out.
fn fits(digest_uri: &[u8], request_uri: &[u8]) -> bool {
    if digest_uri == request_uri {
        return true;
    }
    match (Uri::parse(digest_uri), Uri::parse(request_uri)) {
        (Ok(Uri::Sip(one)), Ok(Uri::Sip(other))) => {
            let same_user = one.user.is_none() || one.user_decoded() == other.user_decoded();
            same_user && one.host == other.host
        }
        (Ok(one), Ok(other)) => one.matches(&other),
        _ => false,
    }
}

/// How often each policy is in use: an unknown user is challenged like one drawn from the known ones, always the
/// same way, so that an unusual policy does not give a line away.
#[derive(Clone, Copy, Debug)]
struct Policies {
    seed: u64,
    /// Share of lines, in 65,536ths: one more line must not draw many names anew.
    sha256: u64,
    /// The same.
    md5: u64,
}

impl Policies {
    fn of(directory: &Directory, seed: u64) -> Policies {
        let share = |wanted| {
            let lines = directory.lines.values().filter(|line| line.digest == wanted).count();
            lines.saturating_mul(65_536).checked_div(directory.lines.len()).unwrap_or(0)
        };
        let share = |wanted| u64::try_from(share(wanted)).unwrap_or(0);
        Policies { seed, sha256: share(DigestPolicy::Sha256), md5: share(DigestPolicy::Md5) }
    }

    fn of_unknown(&self, account: &str) -> DigestPolicy {
        use std::hash::BuildHasher;
        let hash = foldhash::quality::FixedState::with_seed(self.seed).hash_one(account);
        let place = hash & 0xffff;
        if place < self.sha256 {
            DigestPolicy::Sha256
        } else if place < self.sha256.saturating_add(self.md5) {
            DigestPolicy::Md5
        } else {
            DigestPolicy::Both
        }
    }
}
