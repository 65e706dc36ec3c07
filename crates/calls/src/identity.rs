//! Who is shown to whom: the caller to phones, the phone that rings or answered to the caller, and the call's way.
//!
//! Names and numbers come from the directory and from what was proven, never from what a phone says of itself; history
//! keeps the true caller also where phones are not shown him. Not here: the headers (`sip`).

use std::sync::Arc;

use model::directory::Directory;
use sip::{Identity, Party, SessionId};

use crate::call::Call;
use crate::step::Step;

/// An extension as phones show it.
pub(crate) fn party(directory: &Directory, extension: &Arc<str>) -> Party {
    let known = directory.extensions.get(extension);
    Party {
        user: extension.to_string(),
        display: known.map(|known| known.description.clone()).unwrap_or_default(),
    }
}

impl Call {
    /// What the INVITE to the phone that is next on the call's way says.
    pub fn identity(&self) -> Identity {
        Identity {
            presentation: self.presentation,
            diversions: self.way.diversions().to_vec(),
            target: self.way.here().cloned(),
        }
    }
}

/// The peer of this session shall be shown that `extension` is at the other side.
pub(crate) fn show(step: &mut Step<'_>, session: SessionId, extension: &Arc<str>) {
    let party = party(&step.desk.directory, extension);
    step.desk.stack.assert_identity(session, &party);
}
