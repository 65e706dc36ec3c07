//! `me`: one's own password and second factor.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};

use super::session::{Code, Given, Shared};
use super::{Console, Hidden, NewFactor};
use crate::{Caller, Problem, Visitor};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    current: Hidden,
    new: Hidden,
}

pub(crate) async fn set_password<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    visitor: Visitor,
    Given(PasswordChange { current, new }): Given<PasswordChange>,
) -> Result<StatusCode, Problem> {
    console.set_password(&caller, &visitor, current.0, new.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Password {
    password: Hidden,
}

pub(crate) async fn propose<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    visitor: Visitor,
    Given(Password { password }): Given<Password>,
) -> Result<Json<NewFactor>, Problem> {
    console.propose_factor(&caller, &visitor, password.0).await.map(Json)
}

#[derive(Serialize)]
struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

pub(crate) async fn confirm<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    Given(Code { code }): Given<Code>,
) -> Result<Response, Problem> {
    let recovery_codes = console.confirm_factor(&caller, code).await?;
    Ok(Json(RecoveryCodes { recovery_codes }).into_response())
}

pub(crate) async fn remove<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    visitor: Visitor,
    Given(Password { password }): Given<Password>,
) -> Result<StatusCode, Problem> {
    console.remove_factor(&caller, &visitor, password.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
