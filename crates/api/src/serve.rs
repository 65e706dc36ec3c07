//! Serving the resources: on a Unix socket that is open already, and on connections that were let in over HTTPS.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixListener;

use crate::console::front::{self, Ends};
use crate::console::pages;
use crate::console::unread::{Answers, Guarded};
use crate::{Author, Console, Letters, Office, Registry, Shares, Views, routes};

/// From a connection's start, or the last answer's end, to the last byte of the next request's head: also how long an idle
/// connection is kept.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// Bytes of a head: a browser sends one kilobyte.
const MAX_HEAD: usize = 16 << 10;
/// Fields of a head.
const MAX_FIELDS: usize = 64;
/// Logs and tables that are being read at once; each holds some megabytes while it is.
const LONG_ANSWERS: usize = 64;
/// Of these, by one person or token.
const LONG_OF_ONE: usize = 8;
/// An answer on its way when the peer's address is refused is given within this, and what came behind it thrown away.
const LAST_ANSWER: Duration = Duration::from_secs(1);
/// Bytes thrown away behind the last answer: what is left unread when a connection closes resets it, and the peer loses the
/// answer that says why. A form that is a few times too large is read to its end.
const MAX_LEFT_OVER: u64 = 4 << 20;
/// How long they are waited for.
const LEFT_OVER_WITHIN: Duration = Duration::from_secs(2);

/// Serves on the control socket until `stop` is done; requests that are being answered are answered first.
///
/// # Errors
/// The socket can't be used.
pub async fn serve<O: Office + Registry + Views + Letters, C: Console>(
    listener: std::os::unix::net::UnixListener,
    office: Arc<O>,
    console: Arc<C>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = UnixListener::from_std(listener)?;
    let routes = routes::router(office, console).layer(middleware::from_fn(front::socket));
    let service = routes.into_make_service_with_connect_info::<Author>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

/// The console's side: the same resources behind signing in, and the pages.
#[derive(Clone)]
pub struct Https {
    routes: Router,
    insists: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Https {
    /// Ready for visitors.
    pub fn new<O: Office + Registry + Views + Letters, C: Console>(office: Arc<O>, console: Arc<C>) -> Https {
        let routes = routes::router(office, console.clone()).fallback(pages::show);
        let door = (console.clone(), Shares::new(LONG_ANSWERS, LONG_OF_ONE));
        let routes = routes.layer(middleware::from_fn_with_state(door, front::https::<C>));
        Https { routes, insists: Arc::new(move || console.has_trusted_certificate()) }
    }

    /// Serves one connection to its end, or until `ended` is done, which lets an answer on its way out.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        stream: S,
        remote: SocketAddr,
        local: SocketAddr,
        ended: impl Future<Output = ()> + Send,
    ) {
        let (ends, answers) = (Ends { remote, local }, Answers::default());
        let stream = Guarded::new(stream, answers.clone(), (self.insists)());
        let routes = self.routes.layer(middleware::from_fn(move |mut request: Request, next: Next| {
            request.extensions_mut().insert(ends);
            let answering = answers.begin();
            async move { answering.with(next.run(request).await) }
        }));
        let mut connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_FIELDS)
            .half_close(false)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
        tokio::pin!(ended);
        let served = tokio::select! {
            // First the end: the answer that led to it is the last.
            biased;
            () = &mut ended => None,
            served = &mut connection => Some(served),
        };
        match served {
            None => {
                Pin::new(&mut connection).graceful_shutdown();
                let last = async {
                    let _ = (&mut connection).await;
                    throw_away(connection.into_parts().io.into_inner()).await
                };
                let _ = tokio::time::timeout(LAST_ANSWER, last).await;
            }
            Some(Err(error)) if !error.is_parse() => {}
            Some(_) => tokio::select! {
                // The peer has closed, or had its time.
                _ = tokio::time::timeout(LEFT_OVER_WITHIN, throw_away(connection.into_parts().io.into_inner())) => {}
                () = &mut ended => {}
            },
        }
    }
}

/// Reads what the peer sends although it has its last answer, so that it is left with that.
async fn throw_away(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<u64> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(MAX_LEFT_OVER), &mut tokio::io::sink()).await
}
