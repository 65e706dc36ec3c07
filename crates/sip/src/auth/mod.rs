//! Who sent this request? Digest authentication (RFC 3261 section 22, RFC 8760), without memory until an answer.
//!
//! In two steps: [`Authenticator::claim`] reads an answer to a current challenge that was given to this very source, and
//! only such (SPEC R4.5); everything else is asked again with `stale=true` and counted against nobody.
//! [`Authenticator::evaluate`] then looks at the password, which between the two the guard must have permitted
//! (`stack::identify`, the one place that calls them). A known and an unknown user cost the same and get the same.

mod nonce;
mod wrong;

use std::sync::Arc;

use model::directory::{DigestPolicy, Directory, Line};
use model::{Entropy, Flow, Now, Secret, Weakness, planted};
use wire::digest::{Algorithm, Challenge, Credentials, DigestError, QopOffer, ha1, verify};
use wire::sip::{Message, Name, Uri};

use nonce::{Nonces, Use};
use wrong::{Mark, WrongAnswers};

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
    /// Wrong answer to a current challenge of ours, or one that is not looked at and must look the same.
    Wrong,
    /// From an address that is refused everything: not answered.
    Blocked,
}

/// What a password that was looked at is worth.
#[derive(Debug)]
pub(crate) enum Worth {
    /// Right, and never seen before.
    Right(Arc<Line>),
    /// Right, with a nonce count that was used before.
    RightAgain(Arc<Line>),
    /// Wrong, and why, for the log only.
    Wrong(&'static str),
}

/// Credentials for a nonce of ours, not looked at yet.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    credentials: Credentials<'a>,
    /// The line that is claimed, if there is one.
    pub(crate) line: Option<&'a Arc<Line>>,
    mark: Mark,
    used: Use,
}

impl Claim<'_> {
    /// The user name claimed, cut for the log; hostile text.
    pub(crate) fn account(&self) -> String {
        String::from_utf8_lossy(&self.credentials.username).chars().take(MAX_ACCOUNT).collect()
    }
}

/// Longest user name kept for the log.
const MAX_ACCOUNT: usize = 64;

/// Makes and judges challenges.
#[derive(Debug)]
pub(crate) struct Authenticator {
    nonces: Nonces,
    wrong: WrongAnswers,
    /// Stands in for the password of users that don't exist, so that they cost as much.
    nobody: Secret,
    policies: Policies,
}

impl Authenticator {
    pub(crate) fn new(entropy: &mut Entropy, directory: &Directory) -> Authenticator {
        let nobody = Secret::new(entropy.hex(32));
        Authenticator {
            nonces: Nonces::new(entropy.fork()),
            wrong: WrongAnswers::new(entropy.next_u64()),
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
            if planted(Weakness::NamesTold) {
                return DigestPolicy::Sha256;
            }
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

    /// Reads a request's credentials, as far as they are for a challenge of ours.
    ///
    /// # Errors
    /// The verdict on those that are not.
    pub(crate) fn claim<'a>(
        &mut self,
        now: Now,
        flow: &Flow,
        request: &'a Message,
        directory: &'a Directory,
    ) -> Result<Claim<'a>, Verdict> {
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
        let Some(credentials) = found else {
            return Err(if unreadable { Verdict::Unreadable } else { Verdict::Anonymous });
        };
        let Some(nonce) = self.nonces.recognise(now.mono, flow, credentials.nonce) else {
            return Err(Verdict::Stale);
        };
        if !fits(credentials.uri, request.request_uri().unwrap_or_default()) {
            return Err(Verdict::Unreadable);
        }
        let used = self.nonces.use_up(now.mono, nonce, credentials.nc);
        let mark = self.wrong.mark(nonce, &credentials);
        if used == Use::OutOfWindow || self.wrong.has(mark) {
            return Err(Verdict::Stale);
        }
        let line = credentials.username_text().and_then(|username| directory.lines.get(username));
        Ok(Claim { credentials, line, mark, used })
    }

    /// Looks at the password.
    pub(crate) fn evaluate(&mut self, claim: &Claim<'_>, request: &Message, directory: &Directory) -> Worth {
        let credentials = &claim.credentials;
        let password = claim.line.map_or(&self.nobody, |line| &line.password);
        let key = ha1(
            credentials.algorithm,
            &credentials.username,
            directory.realm.as_bytes(),
            password.expose().as_bytes(),
        );
        let right = verify(credentials, &key, request.method_text(), request.body());
        let reason = match claim.line {
            Some(line) if right && accepts(line.digest, credentials.algorithm) => {
                return match claim.used {
                    Use::First => Worth::Right(line.clone()),
                    Use::Again | Use::OutOfWindow => Worth::RightAgain(line.clone()),
                };
            }
            Some(_) if right => "digest algorithm not allowed for this line",
            Some(_) => "wrong password",
            None => "unknown user",
        };
        self.reject(claim);
        Worth::Wrong(reason)
    }

    /// The same answer is not looked at again: repeating it, as UDP does, is no further guess.
    pub(crate) fn reject(&mut self, claim: &Claim<'_>) {
        self.wrong.note(claim.mark);
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
