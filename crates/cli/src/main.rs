//! The `strix` command: arguments in, one answer out, an exit code that tells why not.

mod args;
mod commands;
mod failure;
mod interrupt;
mod output;
mod present;
mod progress;

use std::process::ExitCode;

use clap::Parser;

/// Keeps what training frees for its next step. The system's allocator would hand every large tensor back to the kernel and
/// get it anew, zeroed page by page: a fifth of a training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What a parser of damaged files panics with becomes an error, and is no news for standard error.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !strix_data::panic_is_caught() {
            print(info);
        }
    }));
    let args = args::Cli::parse();
    match commands::run(args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
