//! The accounts of a drill (SPEC R4.20): lines of the directory that are in no configuration, so that they are in no
//! revision, no export and no file, and a server that is killed has forgotten them.

use std::sync::{Arc, MutexGuard, PoisonError};

use api::Problem;
use api::drill::Canary;
use model::config::{self, Office};
use model::directory::{DigestPolicy, Directory, Extension, Forwarding, Line, Nat};

use super::Desk;

impl Desk {
    /// Lets these accounts in, and no other canaries. They last until this is called again.
    ///
    /// # Errors
    /// The server stops.
    pub async fn set_canaries(&self, canaries: Vec<Canary>) -> Result<(), Problem> {
        // No change of the configuration meanwhile: it makes a directory too.
        let _work = self.work.lock().await;
        let before = std::mem::replace(&mut *self.canaries(), canaries);
        let gone: Vec<String> = before.into_iter().map(|canary| canary.number).collect();
        self.put_in_force(&self.store.office(), &gone).await
    }

    /// What calls are routed by: the office, and the canaries.
    pub(super) fn directory_of(&self, office: &Office, before: &Directory) -> Directory {
        let mut directory = config::directory(office, Some(before));
        for canary in &*self.canaries() {
            let name: Arc<str> = canary.number.as_str().into();
            let line = Line {
                username: name.clone(),
                extension: name.clone(),
                password: canary.password.clone(),
                digest: DigestPolicy::Both,
                nat: Nat::Off,
                encryption: canary.encryption,
            };
            let extension = Extension {
                number: name.clone(),
                description: "Drill".to_owned(),
                lines: vec![name.clone()],
                forwarding: Forwarding::default(),
                do_not_disturb: false,
            };
            // Nobody of the office is replaced, whatever was configured since the drill began.
            directory.lines.entry(name.clone()).or_insert_with(|| Arc::new(line));
            directory.extensions.entry(name).or_insert_with(|| Arc::new(extension));
        }
        directory
    }

    fn canaries(&self) -> MutexGuard<'_, Vec<Canary>> {
        self.canaries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
