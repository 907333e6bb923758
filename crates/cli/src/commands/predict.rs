//! `strix predict`: a run's model on pictures.

use std::io::Write;

use serde_json::json;
use strix_data::{Photo, Picture};
use strix_train::prediction::{no_images, predict};
use strix_train::report::Sheet;
use strix_train::run::{Run, write_whole};

use crate::args::Predict;
use crate::commands::settings;
use crate::failure::Failure;
use crate::output::percent;

pub(crate) fn run(args: &Predict) -> Result<(), Failure> {
    let run = Run::open(&args.run)?;
    let manifest = run.read_manifest()?;
    let mut by = manifest.preparation.clone();
    by.photo = args.as_photo.unwrap_or(by.photo);
    let (mut shown, mut photos) = (no_images(&manifest), Vec::new());
    for path in &args.pictures {
        let (image, photo) = by.image(&Picture::open(path)?, &manifest.dataset);
        shown.push(&image, 0);
        photos.push(photo);
    }
    let probabilities = predict(&run, &shown, settings::device(args.device))?;
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
        let of = |((path, photo), shares): ((&std::path::PathBuf, &Photo), &Vec<f32>)| {
            let class = |class: usize| json!({"class": shown.classes[class], "probability": shares[class]});
            let classes: Vec<_> = ranked(shares).into_iter().map(class).collect();
            let Photo { cut, negative } = photo;
            let photo = by.photo.then(|| json!({"cut": cut, "negative": negative}));
            json!({"picture": path.display().to_string(), "as_photo": photo, "classes": classes})
        };
        let all: Vec<_> = args.pictures.iter().zip(&photos).zip(&probabilities).map(of).collect();
        serde_json::to_writer(&mut out, &all)?;
        return Ok(writeln!(out)?);
    }
    for ((path, photo), shares) in args.pictures.iter().zip(&photos).zip(&probabilities) {
        let class = |class: usize| format!("{} {}", shown.classes[class], percent(f64::from(shares[class])));
        let classes: Vec<String> = ranked(shares).into_iter().map(class).collect();
        writeln!(out, "{}: {}{}", path.display(), classes.join(", "), told(photo))?;
    }
    Ok(())
}

/// What was done to a photo.
fn told(photo: &Photo) -> &'static str {
    match (photo.cut, photo.negative) {
        (true, true) => " (as a photo: cut to what is on it, turned negative)",
        (true, false) => " (as a photo: cut to what is on it)",
        (false, true) => " (as a photo: turned negative)",
        (false, false) => "",
    }
}
