//! Events: the one vocabulary of what happens. Logs, counters and explanations are views of this registry.
//!
//! A machine emits an [`Event`]; who writes it decides by its [`Kind`] into which log files it goes. Values are
//! kept as they came and escaped where they are shown.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::Wall;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For who looks for a fault.
    Debug,
    /// Things as they should be.
    Info,
    /// Something to look at.
    Warning,
    /// Something failed.
    Error,
}

/// Whom it concerns. `security`, `auth` and `config` have a log file each; the rest goes by level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Attacks and refusals.
    Security,
    /// Who signed in.
    Auth,
    /// Changes of the configuration.
    Config,
    /// Calls and phones.
    Call,
    /// The server itself.
    System,
}

/// A kind of event: a row of the registry.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable name, `class.what`.
    pub name: &'static str,
    /// How much it matters.
    pub level: Level,
    /// Whom it concerns.
    pub class: Class,
    /// First words of its log line, English.
    pub title: &'static str,
    /// One plain sentence: what it means and what to do.
    pub meaning: &'static str,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Which kind.
    pub kind: &'static Kind,
    /// When.
    pub at: Wall,
    /// What it was about, as `name=value`; values may be hostile text.
    pub fields: Vec<(&'static str, String)>,
}

impl Event {
    /// An event without fields.
    pub fn new(kind: &'static Kind, at: Wall) -> Event {
        Event { kind, at, fields: Vec::new() }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Event {
        self.fields.push((name, value.to_string()));
        self
    }

    /// The log line, without its end: time first, then level, name, title and fields. One line whatever the values
    /// hold: quotes, controls, and characters that could pass for a line end are escaped.
    pub fn line(&self) -> String {
        let level = match self.kind.level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let mut line = format!("{} {level} {} {}", self.at, self.kind.name, self.kind.title);
        for (name, value) in &self.fields {
            // Writing to a String cannot fail.
            let _ = write!(line, " {name}={}", escaped(value));
        }
        line
    }
}

/// Longest value shown; the rest is cut, with `...` in its place.
pub const MAX_VALUE: usize = 256;

fn escaped(value: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '=' | '\'' | '<' | '>' | '`');
    if !value.is_empty() && value.len() <= MAX_VALUE && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for (count, c) in value.chars().enumerate() {
        if count >= MAX_VALUE {
            text.push_str("...");
            break;
        }
        match c {
            '"' | '\\' => {
                text.push('\\');
                text.push(c);
            }
            ' '..='~' => text.push(c),
            c if c.is_alphanumeric() => text.push(c),
            c => text.extend(c.escape_unicode()),
        }
    }
    text.push('"');
    text
}

macro_rules! registry {
    ($($ident:ident = $name:literal, $level:ident, $class:ident, $title:literal, $meaning:literal;)*) => {
        $(#[doc = $meaning]
        pub static $ident: Kind = Kind {
            name: $name, level: Level::$level, class: Class::$class, title: $title, meaning: $meaning,
        };)*
        /// Every kind of event there is.
        pub static REGISTRY: &[&Kind] = &[$(&$ident),*];
    };
}

registry! {
    STARTED = "system.started", Info, System, "Server started", "The server is ready; nothing to do.";
    STOPPING = "system.stopping", Info, System, "Server stopping", "The server was told to stop and lets running calls end.";
    RELOADED = "system.reloaded", Info, System, "Certificates reloaded", "The server was told to read its certificates again (SIGHUP); nothing to do.";
    RECOVERED = "system.recovered", Warning, System, "Calls were cut by a crash", "The server ended without a stop; calls that ran then are closed in history as failed.";
    PORTS_EXHAUSTED = "media.ports-exhausted", Error, System, "No media port is free", "A call was refused because every media port is in use: widen listen.media_ports.";
    OVERLOADED = "system.overloaded", Warning, System, "Overloaded", "More came in than can be served; new requests are refused from now on so that running calls go on; `ringwall status` counts by cause what was.";
    OVERLOAD_OVER = "system.overload-over", Info, System, "Overload is over", "For ten seconds nothing had to be refused; if it comes back without an attack, the machine is too small.";
    STORE_FAILED = "store.failed", Error, System, "Writing to disk failed", "The disk is full, gone or read-only; records wait in memory: free space or mend the disk.";
    STORE_MENDED = "store.mended", Info, System, "Writing to disk works again", "What waited in memory is on disk; nothing to do.";
    CLOCK_JUMPED = "system.clock-jumped", Warning, System, "Clock was set", "The machine's clock jumped by the seconds named; calls and registrations go on, blocks end and records are dated by the new time: look at the machine's time server.";
    LOG_LINES_LOST = "system.log-lines-lost", Warning, System, "Log lines were lost", "More happened than could be written, or the disk refused; look at the load and the disk.";
    CONNECTION_REFUSED = "net.connection-refused", Warning, Security, "Connection refused", "An address opened more connections than its limit allows; look whether it is an attack or an office behind one address.";
    CONNECTION_ENDED = "net.connection-ended", Debug, System, "Connection ended", "A connection was closed because it was idle, slow or broke the framing.";
    TLS_REFUSED = "net.tls-refused", Warning, System, "TLS connection refused", "A phone offered nothing in TLS that is taken here (1.2 or 1.3 with AEAD cipher suites), or does not trust the certificate: update it, or load into it what `ringwall ca` prints.";
    WRONG_PORT = "net.wrong-port", Warning, System, "Wrong port", "Plain SIP came to a port for TLS, or TLS to one for plain SIP: set port or transport in the phone.";
    CERTIFICATE_MADE = "tls.certificate-made", Info, System, "Certificates made", "The local authority issued new certificates, at first start, for a new name, or since the old ones end soon; phones that trust the authority need nothing.";
    CERTIFICATE_KEPT = "tls.certificate-kept", Error, System, "Certificate not taken", "The certificate of the section tls can't be used, so the one from before stays in force: mend the file and send SIGHUP, or apply other settings.";
    CERTIFICATE_DOUBTFUL = "tls.certificate-doubtful", Warning, System, "Certificate will not be trusted", "The certificate of the section tls does not cover a name that phones use, or ends soon: get one that does.";
    MALFORMED = "sip.malformed", Debug, Security, "Malformed message", "A message that is no SIP was answered 400 or dropped; a scanner or a broken device.";
    REGISTERED = "registration.added", Info, Auth, "Phone registered", "A phone registered at a line; nothing to do.";
    UNREGISTERED = "registration.removed", Info, Auth, "Phone unregistered", "A phone signed off, or its registration ran out.";
    SIGNED_IN = "auth.signed-in", Info, Auth, "Signed in without a registration", "A phone or gateway that is not registered from this address gave the right password for a call or a subscription; said once an hour for each line and address.";
    NOT_ENCRYPTED = "auth.not-encrypted", Warning, Auth, "Phone does not encrypt", "A phone with the right password came over UDP or TCP, and its extension has encryption = required: set its transport to TLS, or the extension to optional.";
    AUTHENTICATION_FAILED = "auth.failed", Warning, Security, "Authentication failed", "Somebody answered a challenge wrongly: a phone with an old password, or a guesser.";
    ADDRESS_BLOCKED = "guard.blocked", Warning, Security, "Address blocked", "An address gave too many wrong passwords and is refused for a time; `ringwall blocks` says more, `ringwall unblock` lifts it.";
    ACCOUNT_REFUSED = "guard.account-refused", Warning, Security, "Account refused at an address", "A device at a known address keeps giving a wrong password; it alone is refused there: mend its password.";
    UNBLOCKED = "guard.unblocked", Info, Security, "Block ended", "A block is over, or was lifted by an administrator.";
    BLOCKED_BY_HAND = "guard.blocked-by-hand", Info, Security, "Address blocked by an administrator", "An administrator blocked an address; `ringwall unblock` lifts it.";
    ACCOUNT_UNDER_ATTACK = "guard.distributed", Warning, Security, "Account tried from many addresses", "Wrong passwords for one account come from many addresses, each below the limit: change its password if it is weak, and narrow who may reach SIP.";
    ACCOUNTS_SPRAYED = "guard.sprayed", Warning, Security, "Many accounts tried from one address", "One address tries account after account: a scanner, or a mass of phones with old passwords.";
    CHALLENGES_LIMITED = "auth.limited", Warning, Security, "Requests without credentials limited", "An address sends more requests without credentials than a whole office does; the surplus is dropped.";
    STRAYS_LIMITED = "sip.strays-limited", Warning, Security, "Requests for calls that do not exist limited", "An address sends many requests for calls that do not exist: a scanner, a forger, or a device that has lost its way; the surplus is dropped.";
    FOREIGN_DIALOG = "sip.foreign-dialog", Warning, Security, "Request in somebody else's dialog", "A request named a call's dialog but came from elsewhere; it was challenged or answered 481.";
    FOREIGN_RESPONSE = "sip.foreign-response", Warning, Security, "Answer from a stranger", "An answer to a request of ours came from another address than the request went to; it was dropped.";
    CALL_STARTED = "call.started", Info, Call, "Call started", "Somebody calls.";
    CALL_ENDED = "call.ended", Info, Call, "Call ended", "A call ended; its record is in history.";
    CALL_LOOP = "call.loop", Warning, Call, "Call loops", "A call came back to where it had been and was ended: look at the forwardings.";
    CALL_TRANSFERRED = "call.transferred", Info, Call, "Call transferred", "Somebody connected the other side of his call with somebody else; both calls are in history.";
    TRANSFER_FAILED = "call.transfer-failed", Info, Call, "Transfer failed", "A call could not be transferred, for the reason named; if who transferred it had hung up already, it ended.";
    TRANSFER_REFUSED = "call.transfer-refused", Warning, Security, "Transfer refused", "A REFER came outside a call, or named a call that is not its sender's: a phone that has forgotten its call, or somebody who tries to take over calls.";
    DEAD_MEDIA = "call.dead-media", Warning, Call, "Media went silent", "A phone sent neither media nor reports for too long and its call was ended.";
    MEDIA_INJECTED = "media.foreign-source", Warning, Security, "Media from a stranger", "Packets for a call came from an address that the call never agreed to; they were dropped.";
    HOST_MOVED = "net.host-moved", Info, System, "Host name leads elsewhere", "A host name of an address group has other addresses than before; rows that use the group follow.";
    HOST_UNRESOLVED = "net.host-unresolved", Warning, System, "Host name can't be resolved", "No name server says where a host name of an address group leads; its last good addresses stay in force for a day: mend the name server or the name.";
    HOST_FORGOTTEN = "net.host-forgotten", Error, System, "Host name has no address any more", "A host name of an address group could not be resolved for a day; nobody is let in for its sake any more: mend the name server, or write addresses into the group.";
    CONFIG_CHANGED = "config.changed", Info, Config, "Configuration changed", "A new revision took effect.";
    CONFIG_REFUSED = "config.refused", Warning, Config, "Configuration refused", "A change was refused whole; nothing was changed.";
    FIREWALL_PENDING = "firewall.pending", Warning, Security, "Firewall change waits", "A change of the firewall shuts out the address of who made it; it goes back by itself unless it is confirmed from an address that still gets in.";
    FIREWALL_CONFIRMED = "firewall.confirmed", Info, Security, "Firewall change confirmed", "A change of the firewall that had shut out who made it was confirmed and stays.";
    FIREWALL_REVERTED = "firewall.reverted", Warning, Security, "Firewall change taken back", "A change of the firewall that had shut out who made it was not confirmed and went back.";
    PASSWORD_CHANGED = "config.password-changed", Info, Security, "SIP password changed", "A line got a new SIP password; registrations made with the old one were dropped.";
    PASSWORD_SHOWN = "config.password-shown", Info, Security, "SIP password shown", "Somebody asked to see a SIP password.";
    SECRETS_EXPORTED = "config.secrets-exported", Info, Security, "Secrets exported", "Somebody exported the configuration with its secrets.";
    CALL_HUNG_UP = "call.hung-up", Info, Call, "Call hung up by an administrator", "An administrator ended the call.";
    MAIL_SENT = "mail.sent", Info, System, "Warning mailed", "The mail server took a letter; nothing to do.";
    USER_TOLD = "mail.user-told", Info, Security, "User told of an attack", "Somebody had the user of a guessed extension told by mail what happened; nothing to do.";
    MAIL_DELAYED = "mail.delayed", Warning, System, "Mail waits", "The mail server can't be reached, does not let the PBX in, or puts letters off; they wait on disk and are tried again: look at the section mail.";
    MAIL_REFUSED = "mail.refused", Error, System, "Mail given up", "The mail server refused a letter for good, or did not take it for days: look at the sender and the recipient.";
    MAIL_LOST = "mail.lost", Error, System, "Mail not written", "Too many letters wait for the mail server, so a warning was not written: bring the mail server back.";
    LOCKED = "calls.locked", Warning, Security, "Outgoing calls locked", "Nobody can call outside until `ringwall unlock`; internal, incoming and emergency calls pass.";
    UNLOCKED = "calls.unlocked", Info, Security, "Outgoing calls unlocked", "An administrator let calls outside again.";
    SESSION_OPENED = "auth.console-signed-in", Info, Auth, "Signed in on the console", "Somebody gave the right password on the console; nothing to do if the address is his.";
    SESSION_ENDED = "auth.session-ended", Info, Auth, "Session ended", "Somebody signed out of the console, or the session was idle, old, or ended by somebody.";
    SECOND_FACTOR_CHANGED = "auth.second-factor", Info, Security, "Second factor changed", "A person's second factor was set or removed.";
    TOKEN_MADE = "auth.token-made", Info, Security, "API token made", "A script was given a token for the API.";
    TOKEN_ENDED = "auth.token-ended", Info, Security, "API token ended", "A script's token lets nobody in any more.";
    SET_UP = "system.set-up", Info, Config, "Office set up", "Somebody with the set-up code made the first administrator and the first phones.";
    KERNEL_ON = "kernel.on", Info, System, "Kernel refuses too", "What the guard and the firewall refuse is dropped by the kernel (nftables, table inet ringwall); nothing to do.";
    KERNEL_NOT_PERMITTED = "kernel.not-permitted", Info, System, "Kernel offload not permitted", "The process may not administer nftables, so it refuses alone: give it CAP_NET_ADMIN, or set network.kernel_offload to off.";
    KERNEL_FAILED = "kernel.failed", Warning, System, "Kernel offload failed", "The kernel could not be told what to refuse, so the process refuses alone and tries again: look at the reason named.";
    KERNEL_REPAIRED = "kernel.repaired", Warning, Security, "Kernel table made anew", "Somebody deleted or changed the table inet ringwall in nftables and it was made anew: look who empties the ruleset.";
    DRILL_BEGAN = "drill.began", Info, Security, "Drill began", "An administrator rehearses an attack; what it causes is marked with drill=true and mailed to nobody.";
    DRILL_ENDED = "drill.ended", Info, Security, "Drill ended", "The rehearsal of an attack is over, and its accounts, registrations and blocks are removed.";
    INTERNAL = "system.internal", Error, System, "Internal contradiction", "The server met a state it believes impossible and went on; please report this line.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_meanings_are_sentences() {
        let mut names: Vec<_> = REGISTRY.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REGISTRY.len());
        assert!(REGISTRY.iter().all(|kind| kind.meaning.ends_with('.')));
    }

    #[test]
    fn a_hostile_value_stays_on_its_line_and_in_its_quotes() {
        let event = Event::new(&MALFORMED, Wall::from_millis(0))
            .with("agent", "x\r\n1970 info forged=\"1\"\u{2028}\u{1b}[2J")
            .with("empty", "");
        let line = event.line();
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{2028}'), "{line}");
        assert!(line.contains(r#"forged=\"1\""#), "{line}");
        assert!(line.ends_with(r#"empty="""#), "{line}");
    }
}
