//! The console: its sign-in guessed, and the API without a key. No login of the office is tried, so nobody is shut out.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use super::field::{Field, Halt, MOST_GUESSES};
use super::report::{Finding, Trial, Verdict};

/// Who guesses.
const GUESSER: u8 = 60;
/// Who has no key.
const KEYLESS: u8 = 61;
/// How long an answer may take: a password is hashed slowly by intention.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer read.
const MAX_ANSWER: u64 = 64 << 10;

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let server = field.console()?;
    keyless(field, server, findings)?;
    guess(field, server, findings)
}

fn guess(field: &Field, server: SocketAddr, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let most = field.ground().attempts.min(MOST_GUESSES);
    let body = format!("{{\"login\":\"{}\",\"password\":\"guessed-by-the-drill\"}}", field.nobody(6));
    let trial = Trial {
        step: "console",
        tried: format!("up to {most} wrong passwords at the console's sign-in from one address"),
        expected: "the address is blocked, and gets nothing more",
        cure: "lower security.guessing.attempts, and take this machine's loopback out of the group of security.guessing.trusted",
    };
    for guess in 1..=most {
        let answer = request(field, server, GUESSER, "POST", "/api/v1/session", "", &body)?;
        if answer.as_ref().is_some_and(|answer| answer.contains("setup-first")) {
            findings.push(trial.found(
                Verdict::NotTested,
                "there is no administrator yet, so nobody can sign in; set the office up, and repeat the drill",
            ));
            return Ok(());
        }
        match answer.as_deref().map_or(0, status) {
            // Wrong, slow down, or the connection of the guess that blocks, which is cut.
            401 | 429 | 503 | 0 => {}
            status @ ..=399 => {
                findings.push(trial.judged(Err(format!("guess {guess} was answered {status}"))));
                return Ok(());
            }
            status => {
                let happened = format!("the sign-in answered {status}, so no password was looked at");
                findings.push(trial.found(Verdict::NotTested, happened));
                return Ok(());
            }
        }
        if field.is_blocked(field.source(GUESSER))?.is_some() {
            let after = request(field, server, GUESSER, "GET", "/", "", "")?;
            findings.push(trial.judged(match after {
                None => Ok(format!("blocked after {guess} wrong passwords; nothing was answered then")),
                Some(answer) => Err(format!("blocked, and still answered {}", status(&answer))),
            }));
            return Ok(());
        }
    }
    findings.push(trial.judged(Err(format!("not blocked after {most} wrong passwords"))));
    Ok(())
}

fn keyless(field: &Field, server: SocketAddr, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let made_up = "Authorization: Bearer drill-drill-drill-drill-drill\r\n";
    for (what, method, path, more) in [
        ("the list of extensions", "GET", "/api/v1/extensions", ""),
        ("the configuration with its secrets", "GET", "/api/v1/configuration?secrets=true", ""),
        ("another configuration", "PUT", "/api/v1/configuration?dry_run=true", ""),
        ("a drill", "POST", "/api/v1/drill", ""),
        ("the list of extensions, with a token made up", "GET", "/api/v1/extensions", made_up),
    ] {
        let answer = request(field, server, KEYLESS, method, path, more, "")?;
        let trial = Trial {
            step: "console",
            tried: format!("{what}, over the console's API without signing in"),
            expected: "it is refused",
            cure: "please report this: nothing is told without signing in",
        };
        findings.push(match answer {
            None => trial.found(Verdict::NotTested, "the console did not answer"),
            Some(answer) => trial.judged(match status(&answer) {
                status @ (401 | 403) => Ok(format!("refused with {status}")),
                status => Err(format!("answered {status}")),
            }),
        });
    }
    Ok(())
}

/// One request over a connection of its own: the whole answer; `None`: there was none.
fn request(
    field: &Field,
    server: SocketAddr,
    source: u8,
    method: &str,
    path: &str,
    more: &str,
    body: &str,
) -> Result<Option<String>, Halt> {
    field.spend()?;
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {server}\r\nOrigin: https://{server}\r\nContent-Type: application/json\r\n\
         User-Agent: Ringwall drill\r\nX-Ringwall: 1\r\nConnection: close\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let asked = net::drill::tcp(field.source(source), server, PATIENCE).and_then(net::drill::tls);
    let said = asked.and_then(|mut stream| {
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        // However it ended, what came is the answer.
        let _ = stream.take(MAX_ANSWER).read_to_end(&mut answer);
        Ok(answer)
    });
    let answer = said.map(|answer| String::from_utf8_lossy(&answer).into_owned());
    Ok(answer.ok().filter(|answer| !answer.is_empty()))
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}
