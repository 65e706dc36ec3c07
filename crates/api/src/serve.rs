//! Serving the resources on a Unix socket that is open already.

use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::net::UnixListener;

use crate::{Author, Office, Registry, Views, routes};

/// Serves until `stop` is done; requests that are being answered are answered first.
///
/// # Errors
/// The socket can't be used.
pub async fn serve<O: Office + Registry + Views>(
    listener: std::os::unix::net::UnixListener,
    office: Arc<O>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = UnixListener::from_std(listener)?;
    let service = routes::router(office).into_make_service_with_connect_info::<Author>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}
