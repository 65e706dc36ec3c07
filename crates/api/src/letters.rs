//! Letters that somebody asks for on the console: one to try the mail server with, and one that tells the user of a guessed
//! extension what happened (SPEC R4.9).
//!
//! [`Letters`] is what stands behind them. Not here: warnings, which are written by themselves.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Json};
use axum::routing::post;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::console::session::Given;
use crate::routes::{Peer, Place};
use crate::{Author, Problem};

/// The body of `POST mail/test`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailTrial {
    /// Whom the letter goes to; else who is warned of guessing.
    pub to: Option<String>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailTried {
    /// Whom it went to.
    pub to: String,
    /// The mail server that took it: `mail.example.test:587`.
    pub server: String,
    /// What that server said.
    pub said: String,
}

/// What was written to the user of a guessed extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserTold {
    /// The extension.
    pub extension: String,
    /// Whom the letters go to. They wait for the mail server on disk.
    pub to: Vec<String>,
    /// From when on the next letter about this extension can be written.
    pub next: model::Wall,
}

/// Who writes letters.
pub trait Letters: Send + Sync + 'static {
    /// Sends a letter at once, past the queue.
    fn try_mail(
        &self,
        author: Author,
        trial: MailTrial,
    ) -> impl Future<Output = Result<MailTried, Problem>> + Send;
    /// Writes to the users of an extension what happened to it, through the queue.
    fn tell_user(
        &self,
        author: Author,
        extension: String,
    ) -> impl Future<Output = Result<UserTold, Problem>> + Send;
}

/// The resources of letters.
pub(crate) fn resources<O: Letters>() -> Router<Arc<O>> {
    Router::new()
        .route("/mail/test", post(try_mail::<O>))
        .route("/attacks/{extension}/mail", post(tell_user::<O>))
}

async fn try_mail<O: Letters>(
    State(office): State<Arc<O>>,
    ConnectInfo(author): Peer,
    Given(trial): Given<MailTrial>,
) -> Result<impl IntoResponse, Problem> {
    office.try_mail(author, trial).await.map(Json)
}

async fn tell_user<O: Letters>(
    State(office): State<Arc<O>>,
    ConnectInfo(author): Peer,
    Place(extension): Place<String>,
) -> Result<impl IntoResponse, Problem> {
    office.tell_user(author, extension).await.map(Json)
}
