//! Who asks for a change, and where he sits.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::{Author, Problem};

/// Who asks for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Named in logs and revisions.
    pub author: Author,
    /// His address; `None` on the control socket.
    pub seat: Option<IpAddr>,
}

/// Where a request over HTTPS comes from, as its door noted it; `None` on the control socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seat(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Seat {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Seat, Infallible> {
        Ok(parts.extensions.get::<Seat>().copied().unwrap_or_default())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asker, Problem> {
        let author: Result<ConnectInfo<Author>, _> = ConnectInfo::from_request_parts(parts, state).await;
        let ConnectInfo(author) = author.map_err(|_| Problem::stopping())?;
        let Ok(Seat(seat)) = Seat::from_request_parts(parts, state).await;
        Ok(Asker { author, seat })
    }
}
