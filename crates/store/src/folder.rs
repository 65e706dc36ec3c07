//! The data folder: made when missing, held by one server at a time, its key and its set-up code.
//!
//! Folders are 0700 and files 0600, whatever the umask, and whatever they were before: a folder made by a package or
//! service manager, and files of a restored backup, are often readable by all.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use model::{Entropy, Secret};
use vault::{KEY_LENGTH, Sealer};

use crate::error::{OpenError, words};

/// Exposed files that are named: one is enough to act.
const MAX_EXPOSED: usize = 100;
const LOCK_FILE: &str = "lock";
const KEY_FILE: &str = "secret.key";
const SETUP_FILE: &str = "setup-code";
/// Characters of a set-up code: 12 of 5.8 bits are beyond guessing through any bucket, and can be typed.
const SETUP_LENGTH: usize = 12;

/// A data folder held by this process.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Held until dropped; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

/// The one-time code that the first-run wizard asks for.
#[derive(Clone, Debug)]
pub enum SetupCode {
    /// There is an administrator; none is needed.
    NotNeeded,
    /// It lies in `DIR/setup-code`, with this value.
    Waiting(Secret),
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Folder, OpenError> {
        let fault = |error: &io::Error| OpenError::folder(path, error);
        make_folder(path).map_err(|error| fault(&error))?;
        let lock_path = path.join(LOCK_FILE);
        let mut lock = private(&lock_path).map_err(|error| OpenError::folder(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = (&mut lock).take(16).read_to_string(&mut pid);
                let pid = pid.trim();
                let is_pid = !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit());
                let by = if is_pid { format!(" (process {pid})") } else { String::new() };
                return Err(OpenError::Locked { path: path.to_owned(), by });
            }
            Err(TryLockError::Error(error)) => return Err(OpenError::folder(&lock_path, &error)),
        }
        // Only for the message above; the lock itself is the kernel's.
        let written = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        written.map_err(|error| OpenError::folder(&lock_path, &error))?;
        Ok(Folder { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Files that others than their owner may open, the folder itself among them.
    pub(crate) fn exposed(&self) -> Vec<PathBuf> {
        let mut exposed = Vec::new();
        let mut waiting = vec![self.path.clone()];
        while let Some(path) = waiting.pop() {
            // What can't be looked at is not there, or not ours to judge.
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            let is_plain = found.is_file() || found.is_dir();
            if is_plain && found.permissions().mode() & 0o077 != 0 {
                exposed.push(path.clone());
            }
            if found.is_dir() && exposed.len() < MAX_EXPOSED {
                waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            }
        }
        exposed.sort();
        exposed
    }

    /// The sealer with the folder's key, which is made when there is none.
    pub(crate) fn sealer(&self, secrets: Secrets) -> Result<Sealer, OpenError> {
        let path = self.file(KEY_FILE);
        let wrong = |why: &str| OpenError::Key { path: path.clone(), why: why.to_owned() };
        let key = match fs::read(&path) {
            Ok(bytes) => {
                let bytes = zeroize_bytes(bytes);
                fs::set_permissions(&path, Permissions::from_mode(0o600))
                    .map_err(|error| OpenError::folder(&path, &error))?;
                Key::try_from(bytes.as_slice()).map_err(|_| wrong("not a key of 32 bytes"))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && secrets == Secrets::None => {
                let key = *vault::random_key().map_err(|error| wrong(&error.to_string()))?;
                write_whole(&path, &key).map_err(|error| OpenError::folder(&path, &error))?;
                key
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(wrong("missing, and the database holds secrets sealed with it"));
            }
            Err(error) => return Err(OpenError::folder(&path, &error)),
        };
        Sealer::new(&key).map_err(|error| wrong(&error.to_string()))
    }

    /// The waiting set-up code, made now if there is none.
    pub(crate) fn setup_code(&self) -> Result<Secret, OpenError> {
        let path = self.file(SETUP_FILE);
        if let Ok(text) = fs::read_to_string(&path)
            && text.trim().len() == SETUP_LENGTH
        {
            return Ok(Secret::new(text.trim().to_owned()));
        }
        let seed = vault::random_key()
            .map_err(|error| OpenError::Key { path: path.clone(), why: error.to_string() })?;
        let code = Secret::new(Entropy::from_seed(*seed).readable(SETUP_LENGTH));
        let line = format!("{}\n", code.expose());
        write_whole(&path, line.as_bytes()).map_err(|error| OpenError::folder(&path, &error))?;
        Ok(code)
    }

    /// Removes the set-up code, once it was used or an administrator exists.
    pub(crate) fn remove_setup_code(&self) -> Result<(), String> {
        match fs::remove_file(self.file(SETUP_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(words(&error)),
            _ => Ok(()),
        }
    }
}

type Key = [u8; KEY_LENGTH];

/// Whether the database holds sealed values already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    None,
    Some,
}

fn zeroize_bytes(bytes: Vec<u8>) -> zeroize::Zeroizing<Vec<u8>> {
    zeroize::Zeroizing::new(bytes)
}

/// Makes a folder that is missing; one that is there is closed to others.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return close_to_others(path, 0o700);
    }
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        // The name is in the folder above, which must be on the disk before anything in this one is acknowledged.
        Ok(()) => match path.parent().filter(|above| !above.as_os_str().is_empty()) {
            Some(above) => File::open(above)?.sync_all(),
            None => Ok(()),
        },
        Err(_) if path.exists() && !path.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        Err(error) => Err(error),
    }
}

/// Opens `path` for reading and writing, made 0600 if it is missing or was anything else.
pub(crate) fn private(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    close_to_others(path, 0o600)?;
    Ok(file)
}

/// Sets the mode, unless nobody but the owner has a right already. Only the owner may set it: a server that runs as
/// somebody else is refused, since it could not keep the secrets of the folder.
fn close_to_others(path: &Path, mode: u32) -> io::Result<()> {
    const OTHERS: u32 = 0o077;
    /// Of folders such as `/tmp`, which are everybody's: closing one to others would break the system.
    const STICKY: u32 = 0o1000;
    let before = fs::metadata(path)?.permissions().mode();
    if before & OTHERS == 0 {
        return Ok(());
    }
    if before & STICKY != 0 {
        return Err(io::Error::other("this folder is shared by all users"));
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Writes a small file so that it is there whole or not at all, also after a power cut.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let waiting = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&waiting)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&waiting, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
