//! What somebody may do, and which role may what (SPEC R8.1). The one vocabulary below all doors.

use std::fmt;

use model::config::Role;
use serde::{Deserialize, Serialize};

/// A kind of thing to do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// See status, calls, history, logs, and the configuration without its secrets.
    View,
    /// Hang up, block, lock, set new SIP passwords, send a test mail, write to an attacked user.
    Operate,
    /// Change the configuration.
    Configure,
    /// Administrators, and the sessions and tokens of others.
    Administer,
    /// See stored SIP passwords, export with secrets.
    Reveal,
    /// Read the audit trail and all sessions and tokens.
    Audit,
}

impl Permission {
    /// All of them.
    pub const ALL: [Permission; 6] = [
        Permission::View,
        Permission::Operate,
        Permission::Configure,
        Permission::Administer,
        Permission::Reveal,
        Permission::Audit,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Its name, as it goes over the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Permission::View => "view",
            Permission::Operate => "operate",
            Permission::Configure => "configure",
            Permission::Administer => "administer",
            Permission::Reveal => "reveal",
            Permission::Audit => "audit",
        }
    }

    /// The permission of this name.
    pub fn parse(name: &str) -> Option<Permission> {
        Permission::ALL.into_iter().find(|permission| permission.name() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// Everything: the control socket, and the role `full`.
    pub const ALL: Permissions = Permissions(0b11_1111);
    /// Nothing.
    pub const NONE: Permissions = Permissions(0);

    /// What a role may.
    pub fn of(role: Role) -> Permissions {
        match role {
            Role::Full => Permissions::ALL,
            Role::Operator => [Permission::View, Permission::Operate].into_iter().collect(),
            Role::ReadOnly => [Permission::View].into_iter().collect(),
            Role::Auditor => [Permission::View, Permission::Audit].into_iter().collect(),
            Role::User => Permissions::NONE,
        }
    }

    /// Whether it is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Permissions) -> Permissions {
        Permissions(self.0 & other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn holds(self, other: Permissions) -> bool {
        self.0 & other.0 == other.0
    }

    /// None at all.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn list(self) -> Vec<Permission> {
        Permission::ALL.into_iter().filter(|permission| self.has(*permission)).collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(list: I) -> Permissions {
        Permissions(list.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(role: Role) -> String {
        let list = Permissions::of(role).list();
        list.iter().map(|permission| permission.name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_role_may_what_the_table_says() {
        assert_eq!(words(Role::Full), "view operate configure administer reveal audit");
        assert_eq!(words(Role::Operator), "view operate");
        assert_eq!(words(Role::ReadOnly), "view");
        assert_eq!(words(Role::Auditor), "view audit");
        assert_eq!(words(Role::User), "");
        assert!(Permission::ALL.into_iter().all(|one| Permission::parse(one.name()) == Some(one)));
    }
}
