//! The rehearsal of an attack (SPEC R4.20), on the control socket alone: `POST drill` is a lease that lasts as long as its
//! connection, `DELETE drill` ends it and answers when everything is removed. What is attacked, and how, the command line
//! decides; here is only the ground that it stands on.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use bytes::Bytes;
use http_body_util::channel::Channel;
use model::live::Listener;
use model::{Secret, directory::Encryption};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::office::{LogLines, Office};
use crate::{Caller, Problem};

/// Pieces that wait for a slow reader: the ground, and heartbeats.
const PIECES: usize = 4;

/// An account that exists as long as the drill, and nowhere but in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Canary {
    /// Its number, which is its SIP username too.
    pub number: String,
    /// Its password.
    #[serde(with = "shown")]
    pub password: Secret,
    /// Whether it must encrypt.
    pub encryption: Encryption,
}

/// A canary's password is given to who holds the lease, and to nobody else.
mod shown {
    use model::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(secret: &Secret, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(secret.expose())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::from)
    }
}

/// What a drill may use, and what it must know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ground {
    /// The first three parts of the loopback addresses that it may send from: nobody else uses them.
    pub sources: [u8; 3],
    /// What every name that it makes up begins with: no number or username of the office does.
    pub name: String,
    /// Its accounts.
    pub canaries: Vec<Canary>,
    /// The SIP domain.
    pub domain: String,
    /// What listens.
    pub listeners: Vec<Listener>,
    /// The wrong password that blocks (`security.guessing.attempts`).
    pub attempts: u32,
    /// Whether its sources are never blocked (`security.guessing.trusted`).
    pub is_trusted: bool,
    /// Whether its sources reach SIP and the console by the rows of `[firewall]`.
    pub reaches: Reaches,
    /// Seconds after which the server ends it by itself.
    pub lease_s: u64,
}

/// What the sources reach.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Reaches {
    /// SIP.
    pub sip: bool,
    /// The console.
    pub console: bool,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Removed {
    /// Accounts.
    pub accounts: usize,
    /// Their registrations.
    pub registrations: usize,
    /// Their calls, hung up.
    pub calls: usize,
    /// Blocks of its sources.
    pub blocks: usize,
    /// Blocks of its sources that stay, as an administrator's own block covers them.
    pub kept: usize,
}

pub(crate) fn resources<O: Office>() -> Router<Arc<O>> {
    Router::new().route("/drill", post(begin::<O>).delete(end::<O>))
}

async fn begin<O: Office>(State(office): State<Arc<O>>, caller: Caller) -> Result<Response, Problem> {
    let (sender, channel): (LogLines, _) = Channel::<Bytes>::new(PIECES);
    office.drill(caller.author, sender).await?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(channel)).into_response())
}

async fn end<O: Office>(State(office): State<Arc<O>>) -> Result<impl IntoResponse, Problem> {
    office.end_drill().await.map(Json)
}
