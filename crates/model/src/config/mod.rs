//! The configuration: one schema, of which the TOML file, the JSON of the API and the export are views; and every
//! change as a plan that is judged before it is carried out (SPEC R3.3, R3.4).
//!
//! A file is parsed into values that know their place (`value`), read by the sections' schema (`read`, `schema`,
//! `check`) into a draft (`file`, `draft`), settled against the present office (`settle`), checked as a whole
//! (`agree`) and described (`describe`): a [`Plan`]. Pure: storing it is `store`'s, random bytes, ids and the time
//! come in by [`Supply`].

mod address;
mod agree;
mod check;
mod country;
mod describe;
mod draft;
mod export;
mod file;
mod groups;
mod import;
mod mail;
mod object;
mod office;
mod password;
mod plan;
mod problem;
mod read;
mod rollback;
mod scalar;
mod schema;
mod settle;
mod snapshot;
mod value;

#[cfg(test)]
mod tests;

pub use address::Member;
pub use check::{
    MAX_ALIASES, MAX_LINES, MAX_LISTEN, MAX_MEMBERS, MAX_NUMBER, MAX_USER_EXTENSIONS, MAX_USERNAME,
    time_zones,
};
pub use country::calling_code;
pub use draft::{Mode, NewPassword};
pub use export::{Secrets, export};
pub use file::{MAX_EXTENSIONS, MAX_GROUPS, MAX_USERS};
pub use groups::{hosts, prefixes};
pub use import::{COLUMNS, Import, import};
pub use mail::{Mail, MailSecurity, is_email};
pub use object::{
    Edit, Edited, MAX_OBJECT, SETTINGS, below_section, content, edit, edit_section, section_content,
    set_password, used_by,
};
pub use office::{Kind, Object, Office, Row, SipPasswords, Unreadable};
pub use password::{GENERATED_LENGTH, generate, hand_set_lines, weak_lines};
pub use plan::{
    Change, Deletions, Effects, MAX_FILE, MAX_UNCONFIRMED, Misfit, Options, Plan, Refusal, Source, Supply,
    misfits, plan,
};
pub use problem::{MAX_PROBLEMS, Problem, Problems};
pub use rollback::{first_administrator, new_password, restore_rows, rollback};
pub use scalar::{Digest, KernelOffload, Known, PortRange, Role, Size, Span};
pub use schema::{
    AddressGroup, Console, Extension, Firewall, Forwarding, Guessing, Line, Listen, Logs, Network, NoAnswer,
    Personal, Security, Sip, Slow, System, Tls, User,
};
pub use snapshot::directory;
pub use value::Value;
