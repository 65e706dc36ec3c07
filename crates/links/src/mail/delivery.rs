//! One letter handed over: connect, encrypt, sign in, send (RFC 5321, RFC 3207, RFC 4954). One conversation for each letter: ten
//! an hour are not worth a connection kept.

use std::error::Error as _;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;

use super::letter::shown;
use super::stream::Plain;
use super::{Account, Letter, Security};

/// Why a letter is still here. Texts are fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The server can't be reached, does not encrypt, does not let us in, or hangs.
    Server(String),
    /// It does not take this letter now.
    Later(String),
    /// It does not take this letter.
    Never(String),
}

/// Hands `letter` over. `Ok`: the server has taken it, and said so in these words.
pub(super) async fn deliver(account: &Account, letter: &Letter) -> Result<String, Trouble> {
    let message = letter.message(account).map_err(Trouble::Never)?;
    let (envelope, bytes) = (message.envelope().clone(), message.formatted());
    let conversation = async {
        let mut server = connect(account).await?;
        let sent = server.send(&envelope, &bytes).await;
        if sent.is_ok() {
            // It has the letter; how it takes our leave does not matter.
            let _ = server.quit().await;
        }
        sent.map(|answer| said(&answer)).map_err(|error| judged(&error))
    };
    match tokio::time::timeout(account.timeout, conversation).await {
        Ok(result) => result,
        Err(_) => Err(Trouble::Server(format!("no answer within {} s", account.timeout.as_secs()))),
    }
}

async fn connect(account: &Account) -> Result<AsyncSmtpConnection, Trouble> {
    let me = ClientId::Domain(account.domain().to_owned());
    let server = (account.host.as_str(), account.port);
    let trouble = |doing: &str, error: &Error| Trouble::Server(format!("{doing}: {}", words(error)));
    let mut connection = match account.security {
        Security::Tls => {
            let tls = tls(account).await?;
            AsyncSmtpConnection::connect_tokio1(server, Some(account.timeout), &me, Some(tls), None).await
        }
        Security::None | Security::StartTls => {
            let stream = TcpStream::connect(server).await;
            let stream = stream
                .map_err(|error| Trouble::Server(format!("no connection: {}", shown(&error.to_string()))))?;
            AsyncSmtpConnection::connect_with_transport(Box::new(Plain::new(stream)), &me).await
        }
    }
    .map_err(|error| trouble("no connection", &error))?;
    if account.security == Security::StartTls {
        if !connection.can_starttls() {
            return Err(Trouble::Server("it does not offer STARTTLS; nothing was said in clear".to_owned()));
        }
        let tls = tls(account).await?;
        connection.starttls(tls, &me).await.map_err(|error| trouble("encryption failed", &error))?;
    }
    if let Some((name, password)) = &account.login {
        let credentials = Credentials::new(name.clone(), password.expose().to_owned());
        let signed_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
        signed_in.map_err(|error| trouble("it does not let us in", &error))?;
    }
    Ok(connection)
}

/// TLS that believes the authorities that this machine believes, for the account's host only.
async fn tls(account: &Account) -> Result<TlsParameters, Trouble> {
    let host = account.host.clone();
    // Reads the system's certificates, some 200 kB, from the disk.
    let made = tokio::task::spawn_blocking(move || TlsParameters::new(host)).await;
    let made = made.map_err(|_| Trouble::Server("the server is stopping".to_owned()))?;
    made.map_err(|error| Trouble::Server(format!("TLS can't be set up: {}", words(&error))))
}

/// What the answer to a letter means. One that got lost on its way may have been a yes: the letter goes again, under the same
/// Message-ID.
fn judged(error: &Error) -> Trouble {
    let why = words(error);
    if error.is_permanent() {
        Trouble::Never(why)
    } else if error.is_transient() {
        Trouble::Later(why)
    } else if error.is_client() {
        // It lacks what the letter needs.
        Trouble::Never(why)
    } else {
        Trouble::Server(why)
    }
}

/// The error with its causes; what the server said is in it, so it is cut and escaped.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    short(&text)
}

/// What the server says to a letter that it takes.
fn said(answer: &Response) -> String {
    short(&format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" ")))
}

fn short(text: &str) -> String {
    text.chars().take(MAX_WORDS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Characters kept of an error; logs escape what is in them.
const MAX_WORDS: usize = 240;
