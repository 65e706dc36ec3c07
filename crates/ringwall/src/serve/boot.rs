//! The bootstrap file: what must be known before the database is open. Everything else is configuration.

use std::path::{Path, PathBuf};

use model::Secret;
use model::event::Level;
use serde::Deserialize;
use store::Echo;

use crate::failure::{Failure, words};

/// Largest bootstrap file: it has two keys.
const MAX_BYTES: u64 = 65_536;

/// What it says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// The data folder; `--data` goes first.
    pub data: Option<PathBuf>,
    /// From which level on lines go to stderr.
    pub log_level: Option<Level>,
}

/// The first administrator's password: `RINGWALL_ADMIN_PASSWORD`, or the systemd credential `ringwall.admin-password`
/// (systemd.exec(5), LoadCredential=).
///
/// # Errors
/// The credential is there and can't be read.
pub fn administrator_password() -> Result<Option<Secret>, Failure> {
    if let Ok(password) = std::env::var("RINGWALL_ADMIN_PASSWORD") {
        return Ok(Some(Secret::new(password)));
    }
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    let path = Path::new(&folder).join("ringwall.admin-password");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Failure::failed(format!("{}: {}; mend the credential", path.display(), words(&error))))
        }
    }
}

impl Boot {
    /// Reads the file, if one is named.
    ///
    /// # Errors
    /// It can't be read, or says something unknown.
    pub fn read(path: Option<&Path>) -> Result<Boot, Failure> {
        let Some(path) = path else { return Ok(Boot::default()) };
        let text = std::fs::metadata(path).and_then(|found| {
            if found.len() > MAX_BYTES {
                return Err(std::io::Error::other("larger than a bootstrap file can be"));
            }
            std::fs::read_to_string(path)
        });
        let text = text.map_err(|error| {
            Failure::failed(format!("{}: {}; name a readable file", path.display(), words(&error)))
        })?;
        Boot::parse(&text).map_err(|why| Failure::failed(format!("{}:{why}", path.display())))
    }

    fn parse(text: &str) -> Result<Boot, String> {
        toml::from_str(text).map_err(|error| {
            let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or("");
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            let cure = "a bootstrap file has `data` and `log_level` only; apply the rest";
            format!("{line}:{column}: {}; {cure}", error.message().replace('\n', " "))
        })
    }

    /// What goes to stderr: warnings and errors, where nobody says otherwise.
    pub fn echo(&self) -> Echo {
        Echo::Stderr(self.log_level.unwrap_or(Level::Warning))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_two_keys_and_says_where_another_stands() {
        let boot = Boot::parse("data = \"/srv/pbx\"\nlog_level = \"debug\"\n").unwrap();
        assert_eq!(boot.data.as_deref(), Some(Path::new("/srv/pbx")));
        assert_eq!(boot.echo(), Echo::Stderr(Level::Debug));
        let why = Boot::parse("data = \"/srv\"\n  [listen]\nsip_udp = []\n").unwrap_err();
        assert!(why.starts_with("2:") && why.contains("listen"), "{why}");
    }
}
