//! A run's report: curves, classes, confusions and the images behind them.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use strix_data::ImageDataset;

use super::chart::{Line, bar, lines};
use super::sheet::{Sheet, misclassified};
use crate::evaluation::{Evaluation, Prediction, Tested};
use crate::run::{EpochRecord, Manifest};

/// Images shown one by one of each kind.
const SHOWN: usize = 24;

/// Images on the sheet of what was misclassified, at most.
const SHEET: usize = 1024;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1b1b1b;\
background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}.charts{display:grid;\
grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}svg text{font:11px system-ui,sans-serif;fill:#555}\
.grid{stroke:#e4e4e4}.key{margin:0;font-size:.85rem}table{border-collapse:collapse;font-size:.9rem}\
td,th{padding:.22rem .5rem;text-align:right}td:first-child,th:first-child{text-align:left}.bar{width:7rem;height:.7rem}\
.confusion td{min-width:2.2rem}.images{display:flex;flex-wrap:wrap;gap:.7rem}.images figure{margin:0;width:7.2rem;\
font-size:.75rem}img{image-rendering:pixelated;background:#000}.images img{width:7.2rem;height:7.2rem}\
.sheet{max-width:100%}@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}svg text{fill:#aaa}\
.grid{stroke:#333}}";

/// Text as HTML shows it, also in a quoted attribute.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// One HTML file, without a script and without anything from elsewhere.
///
/// # Errors
/// A text when an image cannot be encoded.
pub fn html(
    manifest: &Manifest,
    epochs: &[EpochRecord],
    evaluation: &Evaluation,
    images: &ImageDataset,
    tested: &Tested,
) -> Result<String, String> {
    let metrics = &evaluation.metrics;
    let title = escaped(&format!("{} on {}", manifest.architecture, tested.name));
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
    );
    let _ = write!(
        page,
        "<p><b>{}</b> of {} test images right; mean F1 {:.4}, loss {:.4} (variance {:.4}, worst {:.3}), \
         expected calibration error {:.4}.</p>",
        percent(metrics.accuracy),
        metrics.samples,
        metrics.macro_f1,
        metrics.loss_mean,
        metrics.loss_variance,
        metrics.loss_max,
        metrics.calibration_error
    );
    let _ = write!(
        page,
        "<p>{} parameters; epoch {} of {} was the best; {:.0} s of training; seed {}.</p>",
        manifest.parameters,
        manifest.best_epoch.unwrap_or_default(),
        manifest.epochs_finished,
        manifest.seconds,
        manifest.config.seed
    );
    if !tested.differences.is_empty() {
        let (name, what) = (escaped(&manifest.dataset.name), escaped(&tested.differences.join(", ")));
        let _ = write!(page, "<p><b>Not the data of the training</b>, which was {name}: {what}.</p>");
    }
    curves(&mut page, epochs);
    classes(&mut page, evaluation, &images.classes);
    confusion(&mut page, evaluation, &images.classes);
    confused(&mut page, evaluation, images)?;
    wrong(&mut page, evaluation, images)?;
    page.push_str("</html>\n");
    Ok(page)
}

fn curves(page: &mut String, epochs: &[EpochRecord]) {
    let of = |name, value: &dyn Fn(&EpochRecord) -> f64| Line { name, values: epochs.iter().map(value).collect() };
    let charts = [
        lines(
            "Loss",
            &[of("training loss", &|e| e.train.loss_mean), of("validation loss", &|e| e.validation.loss_mean)],
        ),
        lines(
            "Accuracy",
            &[of("training accuracy", &|e| e.train.accuracy), of("validation accuracy", &|e| e.validation.accuracy)],
        ),
        lines("Gradients", &[of("mean norm of the gradients", &|e| e.gradient_norm_mean)]),
        lines("Rate", &[of("images a second", &|e| e.images_per_second)]),
    ];
    page.push_str("<h2>Training</h2><div class=\"charts\">");
    for chart in charts {
        let _ = write!(page, "<div>{chart}</div>");
    }
    page.push_str("</div>");
}

fn classes(page: &mut String, evaluation: &Evaluation, classes: &[String]) {
    page.push_str("<h2>Classes</h2><table><tr><th>class<th>precision<th><th>recall<th><th>F1<th><th>support</tr>");
    for (class, name) in classes.iter().enumerate() {
        let _ = write!(page, "<tr><td>{}", escaped(name));
        let confusion = &evaluation.confusion;
        for (colour, share) in
            [confusion.precision(class), confusion.recall(class), confusion.f1(class)].into_iter().enumerate()
        {
            match share {
                Some(share) => {
                    let _ = write!(page, "<td>{share:.4}<td>{}", bar(share, colour));
                }
                None => page.push_str("<td>-<td>"),
            }
        }
        let _ = write!(page, "<td>{}</tr>", confusion.support(class));
    }
    page.push_str("</table>");
}

fn confusion(page: &mut String, evaluation: &Evaluation, classes: &[String]) {
    page.push_str("<h2>Confusion</h2><p>Rows are the true classes, columns what they were taken for.</p>");
    page.push_str("<table class=\"confusion\"><tr><th>");
    for name in classes {
        let _ = write!(page, "<th>{}", escaped(name));
    }
    for (label, name) in classes.iter().enumerate() {
        let _ = write!(page, "</tr><tr><td>{}", escaped(name));
        let support = evaluation.confusion.support(label).max(1) as f64;
        for predicted in 0..classes.len() {
            let count = evaluation.confusion.count(label, predicted);
            // The root shows what is rare.
            let share = (count as f64 / support).sqrt();
            let colour = if label == predicted { "0,114,178" } else { "213,94,0" };
            let _ = write!(page, "<td style=\"background:rgba({colour},{:.2})\">{count}", 0.75 * share);
        }
    }
    page.push_str("</tr></table>");
}

fn figure(page: &mut String, images: &ImageDataset, prediction: &Prediction) -> Result<(), String> {
    let png = STANDARD.encode(strix_data::to_png(images.width, images.height, images.image(prediction.index))?);
    let name = |class: u8| images.classes.get(usize::from(class)).map_or_else(String::new, |name| escaped(name));
    let sure = prediction.probabilities.get(usize::from(prediction.predicted)).copied().unwrap_or_default();
    let _ = write!(
        page,
        "<figure><img alt=\"\" src=\"data:image/png;base64,{png}\"><figcaption>#{}: {}, taken for {} ({:.0} %)</figcaption>\
         </figure>",
        prediction.index,
        name(prediction.label),
        name(prediction.predicted),
        100.0 * sure
    );
    Ok(())
}

/// Images of the pair of classes that are taken for each other most.
fn confused(page: &mut String, evaluation: &Evaluation, images: &ImageDataset) -> Result<(), String> {
    let classes = images.classes.len();
    let count = |a: usize, b: usize| evaluation.confusion.count(a, b) + evaluation.confusion.count(b, a);
    let pairs = (0..classes).flat_map(|a| (a + 1..classes).map(move |b| (a, b)));
    let Some((a, b)) = pairs.max_by_key(|&(a, b)| count(a, b)).filter(|&(a, b)| count(a, b) > 0) else {
        return Ok(());
    };
    let _ = write!(
        page,
        "<h2>Most confused: {} and {}</h2><p>{} of one were taken for the other; the surest mistakes:</p>\
         <div class=\"images\">",
        escaped(&images.classes[a]),
        escaped(&images.classes[b]),
        count(a, b)
    );
    let among = |p: &&&Prediction| {
        let pair = (usize::from(p.label), usize::from(p.predicted));
        pair == (a, b) || pair == (b, a)
    };
    for prediction in misclassified(&evaluation.predictions).iter().filter(among).take(SHOWN) {
        figure(page, images, prediction)?;
    }
    page.push_str("</div>");
    Ok(())
}

/// The surest mistakes of all, and a sheet of every mistake.
fn wrong(page: &mut String, evaluation: &Evaluation, images: &ImageDataset) -> Result<(), String> {
    let wrong = misclassified(&evaluation.predictions);
    if wrong.is_empty() {
        page.push_str("<h2>Most wrong</h2><p>No test image was misclassified.</p>");
        return Ok(());
    }
    page.push_str("<h2>Most wrong</h2><div class=\"images\">");
    for prediction in wrong.iter().take(SHOWN) {
        figure(page, images, prediction)?;
    }
    let shown: Vec<usize> = wrong.iter().take(SHEET).map(|prediction| prediction.index).collect();
    let sheet = Sheet::new(images, &shown);
    let _ = write!(
        page,
        "</div><h2>All misclassified</h2><p>{} of {}, the surest mistakes first.</p>\
         <img class=\"sheet\" alt=\"misclassified images\" src=\"data:image/png;base64,{}\">",
        shown.len(),
        wrong.len(),
        STANDARD.encode(sheet.png()?)
    );
    Ok(())
}
