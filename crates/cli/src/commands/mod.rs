//! The commands, one file each.

mod dataset;
mod devices;
mod evaluate;
mod files;
mod reduce;
mod state;
mod train;

use crate::args::Command;
use crate::failure::Failure;

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Reduce(args) => reduce::run(args),
        Command::State(args) => state::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
    }
}
