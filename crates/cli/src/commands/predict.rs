//! `strix predict`: a run's model on pictures.

use std::io::Write;

use serde_json::json;
use strix_data::Picture;
use strix_train::prediction::predict;
use strix_train::report::Sheet;
use strix_train::run::{Run, write_whole};

use crate::args::Predict;
use crate::commands::settings;
use crate::failure::Failure;
use crate::output::percent;

pub(crate) fn run(args: &Predict) -> Result<(), Failure> {
    let run = Run::open(&args.run)?;
    let pictures = args.pictures.iter().map(|path| Picture::open(path)).collect::<Result<Vec<_>, _>>()?;
    let (probabilities, shown) = predict(&run, &pictures, settings::device(args.device))?;
    if let Some(path) = &args.shown {
        let all: Vec<usize> = (0..shown.len()).collect();
        let png = Sheet::new(&shown, &all).png().map_err(Failure::Internal)?;
        write_whole(path, |file| file.write_all(&png))?;
    }
    let ranked = |shares: &[f32]| {
        let mut classes: Vec<usize> = (0..shares.len()).collect();
        classes.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]).then(a.cmp(&b)));
        classes.truncate(args.top.max(1));
        classes
    };
    let mut out = std::io::stdout().lock();
    if args.json {
        let of = |(path, shares): (&std::path::PathBuf, &Vec<f32>)| {
            let class = |class: usize| json!({"class": shown.classes[class], "probability": shares[class]});
            let classes: Vec<_> = ranked(shares).into_iter().map(class).collect();
            json!({"picture": path.display().to_string(), "classes": classes})
        };
        let all: Vec<_> = args.pictures.iter().zip(&probabilities).map(of).collect();
        serde_json::to_writer(&mut out, &all)?;
        return Ok(writeln!(out)?);
    }
    for (path, shares) in args.pictures.iter().zip(&probabilities) {
        let class = |class: usize| format!("{} {}", shown.classes[class], percent(f64::from(shares[class])));
        let classes: Vec<String> = ranked(shares).into_iter().map(class).collect();
        writeln!(out, "{}: {}", path.display(), classes.join(", "))?;
    }
    Ok(())
}
