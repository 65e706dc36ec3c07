//! History as CSV (RFC 4180), page by page, so that a million rows are never in memory at once.
//!
//! Numbers and names come from outside and are opened in spreadsheets: a cell that would be read as a formula gets a leading
//! apostrophe.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use model::Wall;
use model::record::{CallRecord, CallResult};

use super::history::{HistoryWish, MAX_PAGE};
use crate::Problem;
use crate::objects::word;
use crate::office::Office;
use crate::routes::Wish;
use model::history::{HistoryOrder, HistoryQuery};

/// Rows given out at most: more than a spreadsheet opens.
const MAX_ROWS: usize = 1_000_000;
/// Pages that wait for a slow reader before the next one is read.
const WAITING_PAGES: usize = 2;
const HEAD: &str = "id,started,answered,ended,from,to,direction,duration_s,result,reason,route\r\n";

pub(super) async fn download<O: Office>(
    State(office): State<Arc<O>>,
    Wish(wish): Wish<HistoryWish>,
) -> Result<Response, Problem> {
    let mut query = wish.read()?;
    if query.order == HistoryOrder::Latest {
        query.order = HistoryOrder::Newest;
    }
    let most = query.limit.unwrap_or(MAX_ROWS).min(MAX_ROWS);
    query.limit = Some(MAX_PAGE.min(most));
    // What is wrong is said before the first byte.
    let first = office.history(query.clone()).await?;
    let (sender, channel) = Channel::<Bytes, std::io::Error>::new(WAITING_PAGES);
    tokio::spawn(give(office, query, first, most, sender));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"history.csv\""),
    ];
    Ok((headers, Body::new(channel)).into_response())
}

async fn give<O: Office>(
    office: Arc<O>,
    mut query: HistoryQuery,
    mut page: Vec<CallRecord>,
    mut left: usize,
    mut sender: Sender<Bytes, std::io::Error>,
) {
    let mut text = HEAD.to_owned();
    loop {
        page.truncate(left);
        left = left.saturating_sub(page.len());
        for record in &page {
            row(&mut text, record);
        }
        if sender.send_data(Bytes::from(std::mem::take(&mut text))).await.is_err() {
            return;
        }
        let Some(last) = page.last().filter(|_| page.len() >= query.limit.unwrap_or(0) && left > 0) else {
            return;
        };
        query.after = Some((last.started, last.id));
        match office.history(query.clone()).await {
            Ok(next) => page = next,
            // A table cut short must not look whole.
            Err(_) => return sender.abort(std::io::Error::other("history can't be read")),
        }
    }
}

fn row(text: &mut String, record: &CallRecord) {
    let time = |time: Option<Wall>| time.map(word).unwrap_or_default();
    let cells = [
        record.id.to_string(),
        time(Some(record.started)),
        time(record.answered),
        time(record.ended),
        record.from.clone(),
        record.to.clone(),
        word(record.direction),
        format!("{:.3}", record.duration_s),
        record.result.map(CallResult::text).unwrap_or_default().to_owned(),
        record.reason.clone(),
        record.route.clone(),
    ];
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_cell(text, cell);
    }
    text.push_str("\r\n");
}

/// A cell that nothing reads as a formula or as the end of the cell.
fn push_cell(text: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = cell.contains([',', '"', '\r', '\n']);
    if quoted {
        text.push('"');
    }
    if formula {
        text.push('\'');
    }
    if quoted {
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_ends_early() {
        for (cell, written) in [
            ("101", "101"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+420123", "'+420123"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("a,b", "\"a,b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("a=b", "a=b"),
        ] {
            let mut text = String::new();
            push_cell(&mut text, cell);
            assert_eq!(text, written, "{cell:?}");
        }
    }
}
