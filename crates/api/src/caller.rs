//! Who asks, by whichever door: the control socket's user, a signed-in person, or a script with a token. And what a
//! request to a resource needs: the one check below all doors.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use model::{Secret, Weakness, planted};

use crate::{Author, Permission, Permissions, Problem};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Named in logs, revisions and the audit trail.
    pub author: Author,
    /// What he may.
    pub permissions: Permissions,
    /// Where he sits; `None` on the control socket.
    pub address: Option<IpAddr>,
    /// How he came in.
    pub by: By,
}

/// How somebody came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The control socket.
    Socket,
    /// A browser's session.
    Session {
        /// Its id, which opens nothing.
        id: String,
        /// Whose it is.
        login: String,
    },
    /// A token.
    Token {
        /// Its id.
        id: String,
    },
}

impl By {
    /// Whose share of what there is not enough of for everybody this counts as.
    pub fn holder(&self) -> String {
        match self {
            By::Socket => "socket".to_owned(),
            By::Session { login, .. } => format!("login {login}"),
            By::Token { id } => format!("token {id}"),
        }
    }
}

impl Caller {
    /// A user of this machine on the control socket, who may everything.
    pub fn of_socket(author: Author) -> Caller {
        Caller { author, permissions: Permissions::ALL, address: None, by: By::Socket }
    }

    /// # Errors
    /// He may not.
    #[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.permissions.has(permission) { Ok(()) } else { Err(Problem::not_allowed(permission)) }
    }

    /// The login of a session.
    ///
    /// # Errors
    /// It is no session.
    #[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
    pub fn login(&self) -> Result<&str, Problem> {
        match &self.by {
            By::Session { login, .. } => Ok(login),
            By::Socket | By::Token { .. } => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "not-allowed",
                "this belongs to a person; sign in on the console",
            )),
        }
    }

    /// The id of the session, if it is one.
    pub fn session(&self) -> Option<&str> {
        match &self.by {
            By::Session { id, .. } => Some(id),
            By::Socket | By::Token { .. } => None,
        }
    }
}

/// What a request to a resource needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: signing in, and the first set-up.
    Open,
    /// A person who is signed in, whatever his role.
    Person,
    /// A permission.
    Needs(Permission),
    /// To come over the control socket: a user of this machine.
    Machine,
}

impl Access {
    /// The one check below all doors.
    ///
    /// # Errors
    /// Nobody is signed in, or he may not.
    #[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
    pub fn check(self, caller: Option<&Caller>) -> Result<(), Problem> {
        match (self, caller) {
            (Access::Open, _) => Ok(()),
            (_, None) if planted(Weakness::Keyless) => Ok(()),
            (_, None) => Err(Problem::signed_out()),
            (Access::Person, Some(caller)) => caller.login().map(|_| ()),
            (Access::Needs(permission), Some(caller)) => caller.require(permission),
            (Access::Machine, Some(caller)) if caller.by == By::Socket => Ok(()),
            (Access::Machine, Some(_)) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "not-allowed",
                "this is done on the machine itself, over the control socket",
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::signed_out)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Caller>, Infallible> {
        Ok(parts.extensions.get::<Caller>().cloned())
    }
}

/// Where an HTTPS request comes from, signed in or not.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The peer.
    pub remote: SocketAddr,
    /// Our address that it reached.
    pub local: std::net::IpAddr,
    /// Our port that it reached.
    pub port: u16,
    /// What it says it is; hostile text, cut.
    pub agent: String,
    /// The session's key out of its cookie.
    pub key: Option<Secret>,
    /// A page asked this by itself, so that nobody used the session.
    pub by_itself: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor, Problem> {
        let found = parts.extensions.get::<Visitor>().cloned();
        found.ok_or_else(|| {
            Problem::not_found("this is for browsers only; the control socket needs no sign-in")
        })
    }
}
