//! Letters that somebody asks for on the console: one to try the mail server with.
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
use crate::routes::Peer;
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

/// Who writes letters.
pub trait Letters: Send + Sync + 'static {
    /// Sends a letter at once, past the queue.
    fn try_mail(
        &self,
        author: Author,
        trial: MailTrial,
    ) -> impl Future<Output = Result<MailTried, Problem>> + Send;
}

/// The resources of letters.
pub(crate) fn resources<O: Letters>() -> Router<Arc<O>> {
    Router::new().route("/mail/test", post(try_mail::<O>))
}

async fn try_mail<O: Letters>(
    State(office): State<Arc<O>>,
    ConnectInfo(author): Peer,
    Given(trial): Given<MailTrial>,
) -> Result<impl IntoResponse, Problem> {
    office.try_mail(author, trial).await.map(Json)
}
