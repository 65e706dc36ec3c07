//! Bodies that come too slowly: whoever sends one a byte at a time would hold a connection, and what was begun for it, for ever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// From a head to the end of its body: the largest configuration over a link of 2 Mbit/s.
const WITHIN: Duration = Duration::from_secs(60);

/// The same body, which fails when it is not whole in time.
pub(crate) fn bounded(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Bounded { body, patience: Box::pin(sleep(WITHIN)) })
}

struct Bounded {
    body: Body,
    patience: Pin<Box<Sleep>>,
}

impl hyper::body::Body for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        match self.patience.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Some(Err(axum::Error::new("the body did not come in time")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_fails_and_one_that_does_comes_whole() {
        let slow = tokio_stream::StreamExt::chain(
            tokio_stream::once(Ok::<_, std::convert::Infallible>("a")),
            tokio_stream::pending(),
        );
        assert!(axum::body::to_bytes(bounded(Body::from_stream(slow)), 100).await.is_err());
        let whole = axum::body::to_bytes(bounded(Body::from("whole")), 100).await.unwrap();
        assert_eq!(whole, "whole");
    }
}
