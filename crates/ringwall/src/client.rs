//! The command line's side of the control socket: one HTTP request, its answer.

use std::io;
use std::path::Path;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::failure::{Failure, words};

/// Longest path of a Unix socket.
const MAX_SOCKET_PATH: usize = 107;

/// Where in `/api/v1`, with parameters.
pub struct Resource(String);

impl Resource {
    /// A path below `/api/v1`; each part is escaped.
    pub fn new(parts: &[&str]) -> Resource {
        let mut path = String::from("/api/v1");
        for part in parts {
            path.push('/');
            path.push_str(&escaped(part));
        }
        Resource(path)
    }

    /// Adds a parameter.
    pub fn with(mut self, name: &str, value: impl ToString) -> Resource {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&escaped(&value.to_string()));
        self
    }

    /// Adds a parameter if it has a value.
    pub fn with_some(self, name: &str, value: Option<impl ToString>) -> Resource {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds `name=true` if it is.
    pub fn with_switch(self, name: &str, on: bool) -> Resource {
        if on { self.with(name, "true") } else { self }
    }
}

/// RFC 3986 section 2.1, leaving only unreserved characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The server behind a control socket.
pub struct Client<'a> {
    socket: &'a Path,
}

impl Client<'_> {
    /// The server whose control socket this is.
    pub fn new(socket: &Path) -> Client<'_> {
        Client { socket }
    }

    /// Asks and reads the whole answer.
    ///
    /// # Errors
    /// No server, or it refuses.
    pub async fn ask(
        &self,
        method: Method,
        resource: Resource,
        body: Bytes,
        accept: &str,
    ) -> Result<Bytes, Failure> {
        let response = self.send(method, resource, body, accept).await?;
        let collected = response.into_body().collect().await.map_err(|error| self.broken(error))?;
        Ok(collected.to_bytes())
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// No server, or it refuses.
    pub async fn get(&self, resource: Resource) -> Result<Bytes, Failure> {
        self.ask(Method::GET, resource, Bytes::new(), "application/json").await
    }

    /// Asks and gives each piece of the answer to `piece` as it comes.
    ///
    /// # Errors
    /// No server, or it refuses, or `piece` does.
    pub async fn stream(
        &self,
        resource: Resource,
        mut piece: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut body = self.send(Method::GET, resource, Bytes::new(), "text/plain").await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(error))?;
            if let Some(data) = frame.data_ref() {
                piece(data)
                    .map_err(|error| Failure::failed(format!("standard output: {}", words(&error))))?;
            }
        }
        Ok(())
    }

    /// Asks and gives the answer's body, whose end is the connection's.
    ///
    /// # Errors
    /// No server, or it refuses.
    pub async fn open(&self, method: Method, resource: Resource) -> Result<Incoming, Failure> {
        self.send(method, resource, Bytes::new(), "*/*").await.map(Response::into_body)
    }

    async fn send(
        &self,
        method: Method,
        resource: Resource,
        body: Bytes,
        accept: &str,
    ) -> Result<Response<Incoming>, Failure> {
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(error))?;
        // Ends with the connection; what went wrong with it the request says.
        tokio::spawn(async move { drop(connection.await) });
        let request = Request::builder()
            .method(method)
            .uri(resource.0)
            .header("host", "ringwall")
            .header("accept", accept)
            .body(Full::new(body))
            .map_err(Failure::usage)?;
        let response = sender.send_request(request).await.map_err(|error| self.broken(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    async fn connect(&self) -> Result<UnixStream, Failure> {
        let shown = self.socket.display();
        let length = self.socket.as_os_str().len();
        if length > MAX_SOCKET_PATH {
            return Err(Failure::failed(format!(
                "{shown}: the path has {length} bytes and the system allows {MAX_SOCKET_PATH}; choose a shorter --data folder"
            )));
        }
        UnixStream::connect(self.socket).await.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Failure::failed(format!(
                "{shown}: permission denied; ask as the user that runs the server, or as root"
            )),
            _ => Failure::no_server(format!(
                "{shown}: no server answers here ({}); start it with `ringwall serve`, or name its folder with --data",
                words(&error)
            )),
        })
    }

    async fn refusal(&self, response: Response<Incoming>) -> Failure {
        let status = response.status();
        let body = match response.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return self.broken(error),
        };
        match serde_json::from_slice::<api::Problem>(&body) {
            Ok(problem) if status == StatusCode::BAD_REQUEST => Failure::refused(2, problem),
            Ok(problem) => Failure::refused(1, problem),
            Err(_) => Failure::failed(format!(
                "{}: the server answered {status}; look at its logs",
                self.socket.display()
            )),
        }
    }

    fn broken(&self, error: hyper::Error) -> Failure {
        Failure::failed(format!(
            "{}: the server broke off ({error}); look at its logs",
            self.socket.display()
        ))
    }
}

/// Reads an answer.
///
/// # Errors
/// It is not what this release expects.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::failed(format!(
            "the server's answer can't be read ({error}); is it another release than this command?"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_values_are_escaped() {
        let resource = Resource::new(&["extensions", "1/0 1", "password"])
            .with("file", "a&b=ž.toml")
            .with_switch("show", true);
        assert_eq!(resource.0, "/api/v1/extensions/1%2F0%201/password?file=a%26b%3D%C5%BE.toml&show=true");
    }
}
