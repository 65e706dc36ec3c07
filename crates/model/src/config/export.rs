//! The office as the file that `apply` takes. Applying it again changes nothing.
//!
//! SIP passwords are in it only on request; hashes of people's passwords always, as the contract of the file says.

use std::fmt::Write as _;

use super::office::{Office, Record};
use super::read::Schema;
use super::schema::{Forwarding, Line};
use super::value::{Data, Value};

/// Whether SIP passwords are written, in clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Left out.
    #[default]
    Omit,
    /// Written.
    Include,
}

/// The office as TOML, in a stable order.
pub fn export(office: &Office, secrets: Secrets) -> String {
    let mut out = String::new();
    section(&mut out, "system", &office.system.write());
    section(&mut out, "network", &office.network.write());
    section(&mut out, "listen", &office.listen.write());
    section(&mut out, "sip", &office.sip.write());
    section(&mut out, "tls", &office.tls.write());
    section(&mut out, "console", &office.console.write());
    section(&mut out, "logs", &office.logs.write());
    section(&mut out, "mail", &office.mail.write());
    if let Some(password) = office.mail_password.as_ref().filter(|_| secrets == Secrets::Include) {
        let _ = writeln!(out, "password = {}", quoted(password.expose()));
    }
    for group in office.address_groups.values() {
        entry(&mut out, &*group.value);
    }
    section(&mut out, "firewall", &office.firewall.write());
    section(&mut out, "security", &office.security.write());
    for (login, user) in &office.users {
        entry(&mut out, &*user.value);
        if let Some(hash) = office.password_hashes.get(login) {
            let _ = writeln!(out, "password_hash = {}", quoted(hash.expose()));
        }
    }
    for (number, extension) in &office.extensions {
        entry(&mut out, &*extension.value);
        if let Some(own) = office.personal.get(number) {
            personal(&mut out, &own.forwarding, own.do_not_disturb);
        }
        lines(&mut out, office, &extension.value.lines, secrets);
    }
    out
}

fn section(out: &mut String, name: &str, record: &Value) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "[{name}]");
    for entry in record.table().into_iter().flat_map(|table| &table.0) {
        if entry.value.data != Data::Nothing {
            let _ = writeln!(out, "{} = {}", entry.key, inline(&entry.value));
        }
    }
}

/// An entry of a list section, without keys at their default and without `lines`, which come last.
fn entry<T: Record>(out: &mut String, record: &T) {
    let _ = writeln!(out, "\n[[{}]]", T::KIND.section());
    let default = T::default().write();
    for entry in record.write().table().into_iter().flat_map(|table| &table.0) {
        let is_default = default.find(&entry.key) == Some(&entry.value) && entry.key != T::KEY;
        if !is_default && entry.key != "lines" {
            let _ = writeln!(out, "{} = {}", entry.key, inline(&entry.value));
        }
    }
}

fn personal(out: &mut String, forwarding: &Forwarding, do_not_disturb: bool) {
    if *forwarding != Forwarding::default() {
        let _ = writeln!(out, "forwarding = {}", inline(&forwarding.write()));
    }
    if do_not_disturb {
        let _ = writeln!(out, "do_not_disturb = true");
    }
}

fn lines(out: &mut String, office: &Office, lines: &[Line], secrets: Secrets) {
    if lines.is_empty() {
        return;
    }
    out.push_str("lines = [\n");
    for line in lines {
        let _ = write!(out, "  {{ username = {}", quoted(&line.username));
        let password = office.sip_passwords.get(&line.username).filter(|_| secrets == Secrets::Include);
        if let Some(password) = password {
            let _ = write!(out, ", password = {}", quoted(password.expose()));
        }
        if line.digest != Line::default().digest {
            let _ = write!(out, ", digest = \"{}\"", line.digest);
        }
        out.push_str(" },\n");
    }
    out.push_str("]\n");
}

/// A value as TOML in one line. Keys that say nothing are left out.
pub(crate) fn inline(value: &Value) -> String {
    match &value.data {
        Data::Text(text) => quoted(text),
        Data::Integer(number) => number.to_string(),
        Data::Float(number) => number.to_string(),
        Data::Boolean(truth) => truth.to_string(),
        Data::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Table(table) => {
            let said = table.0.iter().filter(|entry| entry.value.data != Data::Nothing);
            let entries: Vec<String> =
                said.map(|entry| format!("{} = {}", entry.key, inline(&entry.value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        Data::Nothing | Data::Date => "\"\"".to_owned(),
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
