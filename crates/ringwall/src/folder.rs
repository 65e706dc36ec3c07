//! Where the data folder is when nobody says.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The name of the control socket in it.
const SOCKET: &str = "control.sock";

/// `named`, or the default of this user.
///
/// # Errors
/// There is no home folder to have it in.
pub fn data_folder(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    choose(named, rustix::process::geteuid().is_root(), home)
}

fn choose(named: Option<PathBuf>, is_root: bool, home: Option<PathBuf>) -> Result<PathBuf, Failure> {
    match (named.filter(|path| !path.as_os_str().is_empty()), home) {
        (Some(path), _) => Ok(path),
        (None, _) if is_root => Ok(PathBuf::from("/var/lib/ringwall")),
        (None, Some(home)) => Ok(home.join(".local/share/ringwall")),
        (None, None) => Err(Failure::usage("no data folder: HOME is not set; name one with --data DIR")),
    }
}

/// The control socket of a data folder.
pub fn control_socket(data: &Path) -> PathBuf {
    data.join(SOCKET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_depends_on_who_asks() {
        let home = || Some(PathBuf::from("/home/alice"));
        assert_eq!(choose(Some("/srv".into()), true, home()).unwrap(), Path::new("/srv"));
        assert_eq!(choose(None, true, home()).unwrap(), Path::new("/var/lib/ringwall"));
        assert_eq!(
            choose(Some("".into()), false, home()).unwrap(),
            Path::new("/home/alice/.local/share/ringwall")
        );
        assert_eq!(choose(None, false, None).unwrap_err().code, 2);
    }
}
