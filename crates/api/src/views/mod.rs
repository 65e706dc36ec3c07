//! What the console looks at beside the objects: history in pages, as CSV and as one call's story; the dial plan.
//!
//! [`Views`] is what stands behind them, beside [`Office`].

pub mod body;
mod csv;
mod history;
mod story;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use axum::routing::{get, post};
use model::CallId;
use model::record::CallRecord;

use self::body::{DialPlanRow, Firewall};
use crate::routes::Peer;
use crate::{Author, Office, Problem};

/// What there is to look at.
pub trait Views: Send + Sync + 'static {
    /// One call of history.
    fn call(&self, call: CallId) -> impl Future<Output = Result<CallRecord, Problem>> + Send;
    /// What can be dialled.
    fn dial_plan(&self) -> impl Future<Output = Result<Vec<DialPlanRow>, Problem>> + Send;
    /// The firewall's rows, and the change that waits for its confirmation.
    fn firewall(&self) -> impl Future<Output = Result<Firewall, Problem>> + Send;
    /// Lets the change that waits stand.
    fn confirm(&self, author: Author) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Takes it back now.
    fn revert(&self, author: Author) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// The resources of the views.
pub(crate) fn resources<O: Office + Views>() -> Router<Arc<O>> {
    Router::new()
        .route("/history", get(history::history::<O>))
        .route("/history.csv", get(csv::download::<O>))
        .route("/history/{id}", get(history::call::<O>))
        .route("/dial-plan", get(dial_plan::<O>))
        .route("/firewall", get(firewall::<O>))
        .route("/firewall/confirm", post(confirm::<O>))
        .route("/firewall/revert", post(revert::<O>))
}

async fn dial_plan<O: Views>(State(office): State<Arc<O>>) -> Result<impl IntoResponse, Problem> {
    office.dial_plan().await.map(Json)
}

async fn firewall<O: Views>(State(office): State<Arc<O>>) -> Result<impl IntoResponse, Problem> {
    office.firewall().await.map(Json)
}

async fn confirm<O: Views>(
    State(office): State<Arc<O>>,
    ConnectInfo(author): Peer,
) -> Result<StatusCode, Problem> {
    office.confirm(author).await.map(|()| StatusCode::NO_CONTENT)
}

async fn revert<O: Views>(
    State(office): State<Arc<O>>,
    ConnectInfo(author): Peer,
) -> Result<StatusCode, Problem> {
    office.revert(author).await.map(|()| StatusCode::NO_CONTENT)
}
