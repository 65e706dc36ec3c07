//! The binary with a weakness planted, to see that a drill finds it (docs/decisions/0025). Built by tests alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(weakness) = model::weakness::chosen() else {
        let names: Vec<_> = model::weakness::WEAKNESSES.iter().map(|(name, _)| *name).collect();
        eprintln!("this build is for tests: set RINGWALL_WEAKNESS to one of {}", names.join(", "));
        return ExitCode::from(2);
    };
    eprintln!("this build is weak on purpose: {weakness:?}");
    ringwall::main()
}
