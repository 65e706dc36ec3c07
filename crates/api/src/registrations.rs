//! Who is registered, as a list in pages. Not here: what a registration is (`model::live`).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use model::Transport;
use serde::Deserialize;

use crate::objects::{ListWish, Order, answer, word};
use crate::routes::Wish;
use crate::{Office, Problem, RegistrationQuery, RegistrationSort};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistrationWish {
    #[serde(default)]
    search: String,
    transport: Option<Transport>,
    sort: Option<RegistrationSort>,
    #[serde(default)]
    order: Order,
    limit: Option<usize>,
    after: Option<String>,
}

/// Without a limit all of them, as scripts ask.
pub(crate) async fn list<O: Office>(
    State(office): State<Arc<O>>,
    Wish(wish): Wish<RegistrationWish>,
) -> Result<Response, Problem> {
    let RegistrationWish { search, transport, sort, order, limit, after } = wish;
    let mut list = ListWish::of(search, (sort, order), limit.or(Some(1)), after).read(1)?;
    list.limit = limit.unwrap_or(usize::MAX);
    let parameters = [
        ("search", list.search.clone()),
        ("transport", transport.map(word).unwrap_or_default()),
        ("sort", word(list.sort)),
        ("order", word(list.order)),
        ("limit", list.limit.to_string()),
    ];
    let page = office.registrations(RegistrationQuery { list, transport }).await?;
    Ok(answer(&page, "/registrations", &parameters))
}
