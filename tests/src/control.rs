//! The wire by which a test presses baresip's buttons: JSON in netstrings over TCP (its module `ctrl_tcp`), events and
//! answers mixed on one connection.

use crate::wait;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

/// An open control connection.
pub struct Control {
    stream: TcpStream,
    heard: Arc<Mutex<Vec<Value>>>,
    commands: u32,
}

impl Control {
    /// Takes over a connection to a phone's control port.
    pub fn over(stream: TcpStream) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (stream.try_clone().expect("a socket can be cloned"), heard.clone());
        std::thread::spawn(move || {
            let mut buffer = Vec::new();
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut chunk) {
                buffer.extend_from_slice(&chunk[..read]);
                while let Some((message, used)) = netstring(&buffer) {
                    to.lock().expect("listener lives").push(message);
                    buffer.drain(..used);
                }
            }
        });
        Self { stream, heard, commands: 0 }
    }

    /// Connects, waiting for the phone to listen; `None` when it never does.
    pub fn connect(address: SocketAddr) -> Option<Self> {
        wait::within(wait::PATIENCE, || TcpStream::connect(address).ok()).map(Self::over)
    }

    /// Sends a command and waits for its answer; panics when it is refused.
    pub fn command(&mut self, name: &str, parameters: &str) {
        self.commands += 1;
        let token = self.commands.to_string();
        let text = json!({ "command": name, "params": parameters, "token": token }).to_string();
        write!(self.stream, "{}:{text},", text.len()).expect("the phone listens");
        let answer = wait::until(&format!("an answer to {name}"), || {
            let heard = self.heard.lock().expect("listener lives");
            heard.iter().find(|m| m["token"] == token.as_str()).cloned()
        });
        assert_eq!(answer["ok"], true, "{name} {parameters}: {answer}");
    }

    /// The events of this type so far.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        let heard = self.heard.lock().expect("listener lives");
        heard.iter().filter(|m| m["type"] == kind).cloned().collect()
    }

    /// The types of all events so far, for a failure's message.
    pub fn story(&self) -> String {
        let heard = self.heard.lock().expect("listener lives");
        heard.iter().filter_map(|m| m["type"].as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The first whole netstring and the bytes it took.
fn netstring(buffer: &[u8]) -> Option<(Value, usize)> {
    let colon = buffer.iter().position(|b| *b == b':')?;
    let length: usize = std::str::from_utf8(&buffer[..colon]).ok()?.parse().ok()?;
    let body = buffer.get(colon + 1..colon + 1 + length)?;
    buffer.get(colon + 1 + length)?;
    Some((serde_json::from_slice(body).unwrap_or(Value::Null), colon + length + 2))
}
