//! The commands, one file each.

mod dataset;
mod describe;
mod devices;
mod evaluate;
mod export;
mod files;
mod find_rate;
mod predict;
mod reduce;
mod report;
mod settings;
mod state;
mod train;
mod tune;

use crate::args::Command;
use crate::failure::Failure;

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Reduce(args) => reduce::run(args),
        Command::Describe(args) => describe::run(&args),
        Command::State(args) => state::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Train(args) => train::run(&args),
        Command::FindRate(args) => find_rate::run(&args),
        Command::Tune(args) => tune::run(*args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Report(args) => report::run(&args),
    }
}
