//! `strix export`: a run's model for other programs.

use std::io::Write;

use strix_train::export;
use strix_train::run::Run;

use crate::args::Export;
use crate::failure::Failure;

pub(crate) fn run(args: &Export) -> Result<(), Failure> {
    let run = Run::open(&args.run)?;
    match args.file.extension().and_then(|kind| kind.to_str()) {
        Some("onnx") => export::onnx(&run, &args.file)?,
        Some("safetensors") => export::safetensors(&run, &args.file)?,
        _ => {
            let file = args.file.display();
            return Err(Failure::Usage(format!("{file}: the name must end in .onnx or .safetensors")));
        }
    }
    Ok(writeln!(std::io::stdout(), "wrote {}", args.file.display())?)
}
