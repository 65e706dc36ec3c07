//! `setup`: the one door that is open while there is no administrator (SPEC R3.2).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Json, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::{Given, Shared, opened};
use super::{CodeProposals, Console, Hidden, Phone, SetUpWish};
use crate::{Problem, Visitor};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUpCode {
    code: Hidden,
}

/// The answer to the right code.
#[derive(Serialize, ToSchema)]
pub(crate) struct Proposed {
    proposals: CodeProposals,
}

pub(crate) async fn code<C: Console>(
    State(console): Shared<C>,
    visitor: Visitor,
    Given(SetUpCode { code }): Given<SetUpCode>,
) -> Result<Response, Problem> {
    let (new, proposals) = console.setup_code(&visitor, code.0).await?;
    Ok(opened(&new, &visitor, Json(Proposed { proposals })))
}

/// The answer to a set-up that was carried out: what the first phones are set to, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Phones {
    phones: Vec<Phone>,
}

pub(crate) async fn set_up<C: Console>(
    State(console): Shared<C>,
    visitor: Visitor,
    Given(wish): Given<SetUpWish>,
) -> Result<Response, Problem> {
    let (new, phones) = console.set_up(&visitor, wish).await?;
    Ok(opened(&new, &visitor, (StatusCode::CREATED, Json(Phones { phones }))))
}
