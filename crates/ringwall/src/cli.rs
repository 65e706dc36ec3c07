//! The command line's words. Names and meanings are a contract with scripts; each command shows an example.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Wall;
use model::config::{PortRange, Span};

/// A telephone exchange that defends itself.
#[derive(Debug, Parser)]
#[command(
    name = "ringwall",
    version,
    about,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// The data folder [default: /var/lib/ringwall as root, else ~/.local/share/ringwall].
    #[arg(long, global = true, env = "RINGWALL_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do for an administrator.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Set a new random password, remove the second factor, and end the sessions.
    #[command(after_help = "Example:\n  ringwall admin reset-password alice\n\nstdout: the new password.")]
    ResetPassword {
        /// Whose; may be left out where there is a single administrator.
        login: Option<String>,
    },
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server until SIGTERM.
    #[command(after_help = "Example:\n  ringwall serve --data /srv/pbx --bind 192.168.10.2\n\n\
        stdout: `ready` when every listener answers; stderr: warnings and errors.\n\
        RINGWALL_ADMIN_PASSWORD: password of the first administrator, `admin`, when the folder is new.")]
    Serve(Serve),
    /// Make the configuration what FILE says, section by section; prints the difference.
    #[command(after_help = "Example:\n  ringwall apply office.toml --dry-run")]
    Apply(Apply),
    /// Print the configuration as the file that `apply` takes.
    #[command(after_help = "Example:\n  ringwall export > office.toml")]
    Export {
        /// With the SIP passwords in clear; this is logged.
        #[arg(long)]
        with_secrets: bool,
    },
    /// What was configured when and by whom; what a revision changed; back to one.
    #[command(
        after_help = "Example:\n  ringwall revisions rollback 12",
        args_conflicts_with_subcommands = true
    )]
    Revisions {
        /// What to do with one.
        #[command(subcommand)]
        action: Option<Revisions>,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// How the server is.
    #[command(after_help = "Example:\n  ringwall status --json")]
    Status(Format),
    /// Which phones are registered.
    #[command(after_help = "Example:\n  ringwall registrations")]
    Registrations(Format),
    /// Which calls run.
    #[command(after_help = "Example:\n  ringwall calls")]
    Calls(Format),
    /// Print the certificate of the local authority, which phones must trust to use TLS.
    #[command(
        after_help = "Example:\n  ringwall ca > ringwall-ca.pem\n  ringwall ca --der > ringwall-ca.crt\n\n\
        stdout: the certificate; stderr: its fingerprint, until when it is good, and what phones are shown."
    )]
    Ca {
        /// DER, as some phones want it, instead of PEM.
        #[arg(long)]
        der: bool,
        /// JSON with all certificates in force.
        #[arg(long, conflicts_with = "der")]
        json: bool,
    },
    /// End a call.
    #[command(after_help = "Example:\n  ringwall hangup 01hq3v5k7m9p2r4t6w8y0z1234")]
    Hangup {
        /// The call's id, as `ringwall calls` shows it.
        #[arg(value_name = "CALL-ID")]
        call: String,
    },
    /// Lock outgoing calls: internal, incoming and emergency calls pass.
    #[command(after_help = "Example:\n  ringwall lock --why \"strange calls to Cuba at night\"\n\n\
        A lock that is set stays as it is. It holds over a restart; `ringwall status` shows it.")]
    Lock {
        /// Why, for those who find it locked.
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
    /// The way back in for an administrator who lost a password or a second factor.
    #[command(subcommand, after_help = "Example:\n  ringwall admin reset-password alice")]
    Admin(Admin),
    /// Let outgoing calls out again.
    #[command(after_help = "Example:\n  ringwall unlock")]
    Unlock,
    /// Which calls there were, oldest first.
    #[command(after_help = "Example:\n  ringwall history --number 101 --result no-answer --limit 20")]
    History(History),
    /// Who is refused, and why.
    #[command(after_help = "Example:\n  ringwall blocks\n\n\
        --json shows all that is known of each; the table, what is refused until when, and one plain sentence.")]
    Blocks(Format),
    /// Refuse an address or a network everything, from now on.
    #[command(after_help = "Example:\n  ringwall block 198.51.100.7 --for 1h --why 'calls at night'\n\n\
        Running calls from there can be finished. Without --for the block stays until it is lifted.")]
    Block {
        /// An address or a prefix.
        address: String,
        /// For how long: 90s, 5m, 1h, 7d.
        #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse)]
        period: Option<Span>,
        /// Why, for who reads the list.
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
        /// Also a network wider than /8 (IPv6: /32).
        #[arg(long)]
        yes: bool,
    },
    /// Lift the blocks of an address or a network, and set its counters to zero.
    #[command(after_help = "Example:\n  ringwall unblock 198.51.100.7\n\n\
        Lifts blocks of everything within a prefix, and those of a network around an address.")]
    Unblock {
        /// An address or a prefix.
        address: String,
        /// Also more than 20 blocks at once.
        #[arg(long)]
        yes: bool,
    },
    /// Set a new generated SIP password; the line's registrations are dropped.
    #[command(after_help = "Example:\n  ringwall password 101 --line 101-mobile --show")]
    Password {
        /// The extension's number.
        extension: String,
        /// Which line, where it has several.
        #[arg(long)]
        line: Option<String>,
        /// Print the password; this is logged.
        #[arg(long)]
        show: bool,
        /// JSON instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Read a log.
    #[command(after_help = "Example:\n  ringwall log security --follow")]
    Log(Log),
    /// Where a host or SIP URI leads: the addresses that requests to it would be sent to, and the lookups behind them.
    #[command(after_help = "Example:\n  ringwall resolve sip.provider.example\n  \
        ringwall resolve 'sip:provider.example;transport=tcp'\n\n\
        The server asks its own name servers (RFC 3263). Exit code 1 if the name leads nowhere.")]
    Resolve {
        /// A host, with or without port, or a SIP URI.
        destination: String,
        /// JSON instead of tables.
        #[arg(long)]
        json: bool,
    },
    /// What weakens this installation, and what to do about it.
    #[command(
        after_help = "Example:\n  ringwall check --json | jq '.findings[] | select(.weight == \"high\")'"
    )]
    Check(Format),
    /// Rehearse an attack against the running server: what was tried, what got through.
    #[command(
        after_help = "Example:\n  ringwall drill\n  ringwall drill --yes --json | jq '.findings[] | select(.verdict == \"got-through\")'\n\n\
        Shows what it will do, and asks. Sends from loopback addresses of its own, with accounts of its own that are in\n\
        memory only; nothing leaves the machine, no phone rings, nobody is mailed, and everything is removed at the end.\n\
        Exit code 1 if anything got through, or it was stopped."
    )]
    Drill(Drill),
    /// Which ports are used, why, and what an outer firewall should do with them.
    #[command(after_help = "Example:\n  ringwall ports --nftables | nft -c -f -")]
    Ports(Ports),
}

/// `--json`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Format {
    /// JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `ringwall drill`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Drill {
    /// JSON instead of words; the plan goes to standard error.
    #[arg(long)]
    pub json: bool,
    /// Begin without asking.
    #[arg(long)]
    pub yes: bool,
}

/// `ringwall serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct Serve {
    /// Bootstrap file (TOML): `data`, the data folder, and `log_level`, what goes to stderr. Everything else is applied.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Listen on this address instead of the configured ones; their ports stay. May be repeated.
    #[arg(long, value_name = "ADDR")]
    pub bind: Vec<IpAddr>,
    /// Add this to every listening service port; media then takes 1,000 free ports.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port_offset: u16,
    /// Ports for media, instead of the configured ones.
    #[arg(long, value_name = "A-B", value_parser = PortRange::parse)]
    pub media_ports: Option<PortRange>,
    /// Apply FILE before the first listener opens; if it is refused, the server does not start.
    #[arg(long, value_name = "FILE")]
    pub apply: Option<PathBuf>,
}

/// `ringwall apply`.
#[derive(Clone, Debug, Args)]
pub struct Apply {
    /// The file; `-` reads standard input.
    pub file: PathBuf,
    /// Add and change only; what the file does not name stays.
    #[arg(long)]
    pub merge: bool,
    /// Print the difference and what would be lost; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Delete more than 20 objects, if the file says so.
    #[arg(long)]
    pub yes: bool,
    /// Refuse unless this is the current revision.
    #[arg(long, value_name = "N")]
    pub if_revision: Option<u64>,
    /// JSON instead of the difference.
    #[arg(long)]
    pub json: bool,
}

/// What to do with a revision.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Revisions {
    /// What it changed.
    Show {
        /// Its number.
        number: u64,
        /// JSON instead of the difference.
        #[arg(long)]
        json: bool,
    },
    /// Go back to it; secrets, administrators and what users set themselves stay as they are.
    Rollback {
        /// Its number.
        number: u64,
        /// Print the difference; change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Delete more than 20 objects, if need be.
        #[arg(long)]
        yes: bool,
        /// JSON instead of the difference.
        #[arg(long)]
        json: bool,
    },
}

/// `ringwall history`.
#[derive(Clone, Debug, Args)]
pub struct History {
    /// JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Calls that began then or later (RFC 3339, UTC).
    #[arg(long, value_name = "T", value_parser = Wall::parse)]
    pub since: Option<Wall>,
    /// Calls that began before then.
    #[arg(long, value_name = "T", value_parser = Wall::parse)]
    pub until: Option<Wall>,
    /// Calls from or to this number.
    #[arg(long, value_name = "N")]
    pub number: Option<String>,
    /// Calls with this result.
    #[arg(long, value_name = "R")]
    pub result: Option<CallEnd>,
    /// The last so many [default: 100].
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the words of the contract; `model` explains them")]
pub enum CallEnd {
    Answered,
    Busy,
    NoAnswer,
    Cancelled,
    Refused,
    Failed,
    Blacklisted,
    Locked,
}

/// `ringwall log`.
#[derive(Clone, Debug, Args)]
pub struct Log {
    /// Which log.
    pub name: LogName,
    /// Go on with lines as they are written, until interrupted.
    #[arg(long)]
    pub follow: bool,
    /// Lines of then or later (RFC 3339, UTC).
    #[arg(long, value_name = "T", value_parser = Wall::parse)]
    pub since: Option<Wall>,
    /// JSON instead of lines.
    #[arg(long, conflicts_with = "follow")]
    pub json: bool,
}

/// A log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the words of the contract; `model::event` explains them")]
pub enum LogName {
    Security,
    Auth,
    Config,
    Warning,
    Error,
    Debug,
}

/// `ringwall ports`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Ports {
    /// JSON instead of a table.
    #[arg(long, conflicts_with = "nftables")]
    pub json: bool,
    /// Rules for nftables instead of a table.
    #[arg(long)]
    pub nftables: bool,
}

/// The word of the contract for a value.
pub fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent_and_every_command_shows_an_example() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("ringwall {}", sub.get_name())), "{}", sub.get_name());
        }
    }

    #[test]
    fn the_contract_reads() {
        for line in [
            "serve --data /d --config f --bind 127.0.0.1 --bind ::1 --port-offset 1000 --media-ports 20000-20099 --apply x.toml",
            "apply - --merge --dry-run --yes --if-revision 7",
            "export --with-secrets",
            "revisions",
            "revisions show 3",
            "revisions rollback 3",
            "status --json --data /d",
            "history --json --since 2026-11-22T17:44:18Z --until 2026-11-23T00:00:00Z --number 101 --result no-answer --limit 5",
            "password 101 --line 101-mobile --show",
            "log security --follow",
            "log error --since 2026-11-22T17:44:18Z --json",
            "ports --nftables",
            "ca",
            "ca --der",
            "resolve sip:provider.test;transport=tcp --json",
            "blocks --json",
            "block 198.51.100.0/24 --for 1h --why spam",
            "block 2001:db8::1",
            "unblock 198.51.100.7",
            "unblock 0.0.0.0/0 --yes",
            "block 10.0.0.0/7 --yes",
            "hangup 01hq3v5k7m9p2r4t6w8y0z1234",
        ] {
            let words = std::iter::once("ringwall").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "",
            "serve --media-ports 20-10",
            "history --since yesterday",
            "log secrets",
            "revisions show",
            "status now",
            "block",
            "block 198.51.100.7 --for ever",
        ] {
            let words = std::iter::once("ringwall").chain(line.split(' ').filter(|word| !word.is_empty()));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
