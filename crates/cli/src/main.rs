//! The `strix` command: arguments in, one answer out, an exit code that tells why not.

mod args;
mod commands;
mod failure;
mod interrupt;
mod output;
mod present;
mod reduction;
mod statistic;
mod table;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Cli::parse();
    match commands::run(args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
