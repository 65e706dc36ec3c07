//! The arithmetic of RFC 7616 section 3.4.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::algorithm::{Algorithm, Hex};
use super::credentials::{Credentials, Qop};

/// The hash of user, realm and password: as good as the password for this realm, so wiped when dropped and never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Ha1 {
    #[zeroize(skip)]
    algorithm: Algorithm,
    hex: Hex,
}

impl Ha1 {
    /// The algorithm it was made with, never a `-sess` one.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ha1({})", self.algorithm)
    }
}

/// The hash of a user's name, realm and password. For a `-sess` algorithm the same as for its base: the session's part is added
/// when a response is computed.
pub fn ha1(algorithm: Algorithm, username: &[u8], realm: &[u8], password: &[u8]) -> Ha1 {
    Ha1 { algorithm: algorithm.base(), hex: algorithm.hash(&[username, realm, password]) }
}

/// The request a response is for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method's token.
    pub method: &'a [u8],
    /// The digest URI as written in the answer.
    pub uri: &'a [u8],
    /// The body; only `auth-int` looks at it.
    pub body: &'a [u8],
}

/// What both nonces and the protection are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) nonce: &'a [u8],
    pub(super) nc: &'a [u8],
    pub(super) cnonce: &'a [u8],
    pub(super) qop: Qop,
}

/// The response that these credentials should hold. `None` when the hash is of another algorithm than they answer with.
pub fn response(credentials: &Credentials<'_>, ha1: &Ha1, method: &[u8], body: &[u8]) -> Option<Hex> {
    let session = Session {
        algorithm: credentials.algorithm,
        nonce: credentials.nonce,
        nc: credentials.nc_text,
        cnonce: credentials.cnonce,
        qop: credentials.qop,
    };
    (ha1.algorithm == credentials.algorithm.base())
        .then(|| compute(&session, ha1, &Request { method, uri: credentials.uri, body }))
}

/// Whether the credentials prove knowledge of the password; compared in constant time, hex digits in any case.
pub fn verify(credentials: &Credentials<'_>, ha1: &Ha1, method: &[u8], body: &[u8]) -> bool {
    let Some(expected) = response(credentials, ha1, method, body) else {
        return false;
    };
    let mut given = [0_u8; 64];
    let Some(given) = given.get_mut(..credentials.response.len()) else {
        return false;
    };
    given.copy_from_slice(credentials.response);
    given.make_ascii_lowercase();
    bool::from(expected.as_bytes().ct_eq(given))
}

pub(super) fn compute(session: &Session<'_>, ha1: &Ha1, request: &Request<'_>) -> Hex {
    let algorithm = session.algorithm;
    let mut key = if algorithm.is_session() {
        algorithm.hash(&[ha1.hex.as_bytes(), session.nonce, session.cnonce])
    } else {
        ha1.hex.clone()
    };
    let what = match session.qop {
        Qop::AuthInt => {
            let body = algorithm.hash(&[request.body]);
            algorithm.hash(&[request.method, request.uri, body.as_bytes()])
        }
        Qop::Absent | Qop::Auth => algorithm.hash(&[request.method, request.uri]),
    };
    let response = match session.qop {
        Qop::Absent => algorithm.hash(&[key.as_bytes(), session.nonce, what.as_bytes()]),
        Qop::Auth | Qop::AuthInt => algorithm.hash(&[
            key.as_bytes(),
            session.nonce,
            session.nc,
            session.cnonce,
            session.qop.text().as_bytes(),
            what.as_bytes(),
        ]),
    };
    key.zeroize();
    response
}
