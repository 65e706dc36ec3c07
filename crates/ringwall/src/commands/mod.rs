//! The commands that ask a running server, and how their answers are shown to people.

mod admin;
mod blocks;
mod ca;
mod check;
mod configuration;
mod drill;
mod lists;
mod lock;
mod names;
mod ports;
mod status;

use std::io::{self, Read, Write};
use std::path::Path;

use hyper::Method;
use hyper::body::Bytes;

use crate::cli::{Admin, Command, Log, word};
use crate::client::{Client, Resource};
use crate::failure::{Failure, words};
use crate::table::is_hidden;

/// Runs a command against the server at `socket`.
///
/// # Errors
/// No server, a refusal, wrong usage.
pub async fn run(command: Command, socket: &Path) -> Result<(), Failure> {
    let client = Client::new(socket);
    match command {
        Command::Serve(_) => Err(Failure::usage("serve runs a server; it does not ask one")),
        Command::Apply(options) => configuration::apply(&client, options).await,
        Command::Export { with_secrets } => configuration::export(&client, with_secrets).await,
        Command::Revisions { action, json } => configuration::revisions(&client, action, json).await,
        Command::Password { extension, line, show, json } => {
            configuration::password(&client, &extension, line, show, json).await
        }
        Command::Status(format) => status::status(&client, format.json).await,
        Command::Registrations(format) => lists::registrations(&client, format.json).await,
        Command::Calls(format) => lists::calls(&client, format.json).await,
        Command::History(query) => lists::history(&client, query).await,
        Command::Lock { why } => lock::lock(&client, why).await,
        Command::Admin(Admin::ResetPassword { login }) => admin::reset_password(&client, login).await,
        Command::Unlock => lock::unlock(&client).await,
        Command::Hangup { call } => {
            client.ask(Method::DELETE, Resource::new(&["calls", &call]), Bytes::new(), "*/*").await.map(drop)
        }
        Command::Blocks(format) => blocks::blocks(&client, format.json).await,
        Command::Block { address, period, why, yes } => {
            blocks::block(&client, &address, period, &why, yes).await
        }
        Command::Unblock { address, yes } => blocks::unblock(&client, &address, yes).await,
        Command::Log(query) => log(&client, query).await,
        Command::Ca { der, json } => ca::ca(&client, der, json).await,
        Command::Resolve { destination, json } => names::resolve(&client, &destination, json).await,
        Command::Check(format) => check::check(&client, format.json).await,
        Command::Drill(options) => drill::drill(socket, options).await,
        Command::Ports(format) => ports::ports(&client, format).await,
    }
}

async fn log(client: &Client<'_>, query: Log) -> Result<(), Failure> {
    let resource = Resource::new(&["logs", &word(query.name)])
        .with_some("since", query.since)
        .with_switch("follow", query.follow);
    if query.json {
        return say_json(&client.get(resource).await?);
    }
    client.stream(resource, print).await
}

/// Writes to standard output. A reader that has gone (`| head`) has what it wanted.
fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}

/// Prints text.
fn say(text: &str) -> Result<(), Failure> {
    print(text.as_bytes()).map_err(|error| Failure::failed(format!("standard output: {}", words(&error))))
}

/// Prints an answer: one JSON value. What a terminal would obey in it is written as JSON's escapes, which mean the same; outside
/// of texts JSON has none of it.
fn say_json(body: &[u8]) -> Result<(), Failure> {
    let mut text = String::with_capacity(body.len());
    for c in String::from_utf8_lossy(body).trim_end().chars() {
        if is_hidden(c) && !matches!(c, '\n' | '\r' | '\t') {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text.push('\n');
    say(&text)
}

/// Prints to standard error; when nobody can read it, there is nobody to tell.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Reads a file, or standard input for `-`.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(api::MAX_BODY).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| {
        Failure::failed(format!("{}: {}; name a file that can be read", path.display(), words(&error)))
    })?;
    if bytes.len() > api::MAX_BODY {
        let line = format!(
            "{}: more than {} bytes; split it and apply its parts with --merge",
            path.display(),
            api::MAX_BODY
        );
        return Err(Failure::failed(line));
    }
    Ok(bytes)
}
