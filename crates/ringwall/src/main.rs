//! The binary.

fn main() -> std::process::ExitCode {
    ringwall::main()
}
