//! The program: reads the command line, then serves, or asks the server over its control socket. Wiring only.
//!
//! A library, so that the tests' own binary (`weak.rs`, docs/decisions/0025) is made of the same.

mod cli;
mod client;
mod commands;
mod failure;
mod folder;
mod serve;
mod table;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::failure::{Failure, Reader};

/// Set by `.cargo/config.toml`: one arena, and what is free goes back to the system after half a second.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs the program with its command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let reader = if std::io::stderr().is_terminal() { Reader::Person } else { Reader::Script };
            commands::complain(&failure.shown(reader));
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(options) => serve::run(cli.data, options),
        command => {
            let data = folder::data_folder(cli.data)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Failure::failed(failure::words(&error)))?;
            runtime.block_on(commands::run(command, &folder::control_socket(&data)))
        }
    }
}
