//! A write's second look at who asks. The first is at its head; the body may come a minute later, and whoever was signed out,
//! thrown out or demoted in between must not have it carried out.
//!
//! Not here: answers that go on (`watched`).

use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use tokio_stream::StreamExt as _;

use super::Console;
use crate::Caller;

/// Whether somebody was found to be out when his body was complete; nothing was done then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Late(Arc<AtomicBool>);

impl Late {
    /// The same body, which breaks off before its end if `caller` is not let in any more by then. So no handler gets it whole.
    pub(crate) fn watch<C: Console>(&self, console: Arc<C>, caller: Caller, body: Body) -> Body {
        let late = self.0.clone();
        let look = iter::once(()).filter_map(move |()| {
            if console.stands(&caller) {
                return None;
            }
            late.store(true, Ordering::Release);
            Some(Err(axum::Error::new(io::Error::other("who asked was signed out meanwhile"))))
        });
        Body::from_stream(body.into_data_stream().chain(tokio_stream::iter(look)))
    }

    /// Whether he was.
    pub(crate) fn is_out(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
