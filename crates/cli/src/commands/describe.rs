//! `strix describe`: every column of a table in one pass.

use std::io::Write;
use std::time::Instant;

use strix_reduce::NanPolicy;
use strix_table::describe::Detail;

use super::files::{File, check_folder};
use super::reduce::{finish, note};
use crate::args::Describe;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{counted, grouped};
use crate::present;
use crate::progress::Progress;

pub(crate) fn run(args: &Describe) -> Result<(), Failure> {
    let started = Instant::now();
    if let Some(path) = &args.html {
        check_folder(path)?;
    }
    interrupt::listen()?;
    let progress = Progress::default();
    let opened = args.input.files().open(&progress)?;
    let nan = args.input.nan.unwrap_or(NanPolicy::Skip);
    let description = opened.describe(Detail::Full, nan, args.input.memory(), &progress)?;
    note(&description.notes)?;
    let mut files = Vec::new();
    if let Some(path) = &args.html {
        let names: Vec<String> = args.input.files.iter().map(|file| file.to_string_lossy().into_owned()).collect();
        files.push(File { path, bytes: present::page(&names.join(", "), &description).into_bytes() });
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &description)?;
        writeln!(out)?;
    } else if args.csv {
        present::csv(&description.to_answer(Detail::Full), &mut out)?;
    } else {
        present::columns(&description, &mut out)?;
        let of = counted(args.input.files.len() as u64, "file");
        let nan =
            if description.nan == 0 { String::new() } else { format!(", {} NaN left out", grouped(description.nan)) };
        let seconds = started.elapsed().as_secs_f64();
        writeln!(out, "\n{of}, {}{nan}, in {seconds:.3} s", counted(description.rows, "row"))?;
    }
    out.flush()?;
    finish(description.cancelled, None, &files)
}
