//! A real mail server of a test's own (aiosmtpd), which says what it takes.

use crate::place::{Place, free_port};
use crate::process::{Process, bound_to_us};
use crate::{pbx, wait};
use serde_json::Value;

/// A mail server at 127.0.0.1, running or not.
pub struct MailServer {
    /// Its port.
    pub port: u16,
    place: Place,
    process: Option<Process>,
    arguments: Vec<String>,
    /// What it said before it was stopped.
    before: String,
}

/// What a server that asks for one knows.
pub const PASSWORD: &str = "mail-secret";

impl MailServer {
    /// One that takes whatever comes, in clear.
    pub fn open() -> Self {
        Self {
            port: free_port(),
            place: Place::new("mail"),
            process: None,
            arguments: Vec::new(),
            before: String::new(),
        }
    }

    /// One that wants STARTTLS and the password of `pbx`. Its certificate is for `localhost`.
    pub fn guarded() -> Self {
        let mut server = Self::open();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let certificate = server.place.write("mail.crt", &made.cert.pem());
        let key = server.place.write("mail.key", &made.signing_key.serialize_pem());
        let words = [&certificate.display().to_string(), &key.display().to_string(), "pbx", PASSWORD];
        server.arguments = words.map(String::from).to_vec();
        server
    }

    /// The words before a command that make it trust the certificate.
    pub fn trusted_by(&self) -> [String; 2] {
        ["env".into(), format!("SSL_CERT_FILE={}", self.place.join("mail.crt").display())]
    }

    /// Starts it and waits until it listens.
    pub fn start(&mut self) {
        let script = pbx::root().join("tests/src/smtp.py");
        let mut command = bound_to_us("/usr/bin/python3");
        command.arg(script).arg(self.port.to_string()).arg(self.place.path()).args(&self.arguments);
        let mut process = Process::spawn("mail server", command);
        process.expect_output("{}\n");
        self.process = Some(process);
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            self.before.push_str(&process.stdout());
            process.kill();
        }
    }

    /// What it says to every RCPT TO from now on; `hang`: nothing.
    pub fn answers(&self, answer: &str) {
        self.place.write("answer", answer);
    }

    /// It takes letters again.
    pub fn takes(&self) {
        std::fs::remove_file(self.place.join("answer")).expect("an answer that was set");
    }

    /// What it said so far.
    pub fn said(&self) -> Vec<Value> {
        let now = self.process.as_ref().map(Process::stdout).unwrap_or_default();
        let lines = format!("{}{now}", self.before);
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The letters that it took so far.
    pub fn letters(&self) -> Vec<Value> {
        self.said().into_iter().filter(|said| said["subject"].is_string()).collect()
    }

    /// Waits until it took so many.
    pub fn expect_letters(&self, count: usize) -> Vec<Value> {
        wait::until("letters", || Some(self.letters()).filter(|letters| letters.len() >= count))
    }
}
