//! `ringwall lock` and `ringwall unlock`.

use hyper::Method;
use hyper::body::Bytes;
use model::lock::Lock;

use super::say;
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::visible;

pub(super) async fn lock(client: &Client<'_>, why: Option<String>) -> Result<(), Failure> {
    let resource = Resource::new(&["lock"]).with_some("why", why);
    let body = client.ask(Method::PUT, resource, Bytes::new(), "*/*").await?;
    let lock: Lock = read(&body)?;
    say(&format!(
        "outgoing calls are locked since {} by {}: {}\n",
        lock.since,
        visible(&lock.by),
        visible(&lock.cause)
    ))
}

pub(super) async fn unlock(client: &Client<'_>) -> Result<(), Failure> {
    client.ask(Method::DELETE, Resource::new(&["lock"]), Bytes::new(), "*/*").await?;
    say("outgoing calls are not locked\n")
}
