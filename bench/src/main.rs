//! Reproducible loads beside peers in the same run: what one operation costs the server in processor time, what it
//! holds in memory, what it does beyond its limits. `bench all` prints every figure as Markdown; the other commands
//! are its parts. The server has one core, the load the other.

mod alike;
mod blocked;
mod callee;
mod caller;
mod calls;
mod digest;
mod gate;
mod media;
mod pace;
mod peers;
mod phones;
mod register;
mod report;
mod runs;
mod secure;
mod sip;
mod suite;
mod usage;

use clap::{Args, Parser, Subcommand};
use peers::Peer;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::time::Duration;

/// The core of the load.
const LOAD_CORE: usize = 1;

#[derive(Parser)]
#[command(about = "Reproducible loads beside peers in the same run")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every figure, as Markdown.
    All(suite::Options),
    /// Authenticated registrations.
    Register(Load),
    /// Registrations with a wrong password from addresses that are never blocked, beside right ones.
    Guess(Load),
    /// Whether answers tell which extensions exist.
    Alike {
        /// Who is measured.
        #[arg(long, value_enum, default_value = "ringwall")]
        peer: Peer,
        /// Extensions of either kind asked for.
        #[arg(long, default_value_t = 5000)]
        each: usize,
    },
    /// Calls without speech; both ends are ours.
    Calls(Load),
    /// Calls with G.711 in both directions.
    Media {
        /// Who is measured.
        #[arg(long, value_enum, default_value = "ringwall")]
        peer: Peer,
        /// Calls at once.
        #[arg(long, default_value_t = 200)]
        calls: u32,
        /// For how long they speak.
        #[arg(long, default_value_t = 15)]
        seconds: u64,
    },
    /// The highest clean rate, and what is served when that, twice and five times as much is offered.
    Overload(Load),
    /// Memory per phone and per call, and after many of both.
    Memory(suite::Options),
    /// Phones over TLS: processor time of a sign-in, memory of an idle one, and how fast they are back after a restart.
    Secure(Secure),
    /// What a verdict of the gate costs.
    Gate {
        /// For how long each number of threads asks.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
        /// Ask so many times and print nothing: for callgrind.
        #[arg(long)]
        only: Option<u64>,
    },
    /// A flood from blocked addresses beside calls with speech.
    Blocked {
        /// Packets a second.
        #[arg(long, default_value_t = 50_000)]
        rate: u32,
        /// Calls beside it.
        #[arg(long, default_value_t = 10)]
        calls: u32,
        /// For how long.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Who refuses.
        #[arg(long, value_enum, default_value_t = blocked::By::Process)]
        by: blocked::By,
    },
    /// Many new blocks that the kernel is told of.
    Blocks {
        /// How many.
        #[arg(long, default_value_t = 20_000)]
        count: u32,
        /// Within this time.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// From start to the first registration.
    Start(suite::Options),
    /// The bare loop itself; started by `media --peer bare`.
    #[command(hide = true)]
    Relay {
        /// Calls at once.
        #[arg(long)]
        calls: u16,
    },
}

#[derive(Args)]
struct Load {
    /// Who is measured.
    #[arg(long, value_enum, default_value = "ringwall")]
    peer: Peer,
    /// Operations offered a second.
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Phones.
    #[arg(long, default_value_t = 1000)]
    users: usize,
    /// How long a call lasts, in milliseconds.
    #[arg(long, default_value_t = 500)]
    hold_ms: u64,
    /// Calls rather than registrations, for `overload`.
    #[arg(long)]
    of_calls: bool,
    /// The highest clean rate, for `overload`, where it is known.
    #[arg(long)]
    clean: Option<u32>,
}

#[derive(Args)]
struct Secure {
    /// Phones.
    #[arg(long, default_value_t = 2000)]
    users: usize,
    /// Sign-ins offered a second.
    #[arg(long, default_value_t = suite::SECURE_RATE)]
    rate: u32,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    if let Command::Relay { calls } = arguments.command {
        return peers::relay(calls);
    }
    if let Command::Gate { seconds, only } = arguments.command {
        gate::measure(seconds, only);
        return Ok(());
    }
    // A socket for each of thousands of phones; the hard limit is the administrator's word.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    let mut core = CpuSet::new();
    core.set(LOAD_CORE);
    // With one core only, both share it: the figures are the server's processor time and remain comparable.
    let _ = sched_setaffinity(None, &core);
    match arguments.command {
        Command::All(options) => suite::all(options),
        Command::Register(load) => {
            println!("{}", report::OPERATIONS);
            let measured = runs::Exchange::open(load.peer, load.users).register(load.rate, load.duration());
            report::operations("REGISTER", load.peer.name(), load.rate, &measured);
        }
        Command::Guess(load) => {
            println!("{}", report::OPERATIONS);
            suite::guess(load.peer, load.users, load.rate, load.duration());
        }
        Command::Alike { peer, each } => alike::measure(peer, each),
        Command::Calls(load) => {
            println!("{}", report::OPERATIONS);
            let hold = Duration::from_millis(load.hold_ms);
            let measured = runs::Exchange::open(load.peer, load.users).call(load.rate, load.duration(), hold);
            report::operations("call", load.peer.name(), load.rate, &measured);
        }
        Command::Media { peer, calls, seconds } => {
            println!("{}", report::MEDIA);
            let measured = runs::speak_through(peer, calls, Duration::from_secs(seconds));
            report::media(peer.name(), &measured);
        }
        Command::Overload(load) => {
            let what = if load.of_calls { suite::What::Calls } else { suite::What::Registrations };
            suite::overload(load.peer, what, load.duration(), load.clean);
        }
        Command::Memory(options) => suite::memory(options),
        Command::Secure(load) => suite::secure(load.users, load.rate),
        Command::Start(_) => suite::start(),
        Command::Blocked { rate, calls, seconds, by } => blocked::measure(rate, calls, seconds, by),
        Command::Blocks { count, seconds } => blocked::many(count, seconds),
        Command::Relay { .. } | Command::Gate { .. } => {}
    }
    Ok(())
}

impl Load {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
