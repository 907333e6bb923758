//! Event files that TensorBoard opens: a file an epoch, so that one that is done again takes the place of the first.
//!
//! The messages are those of [event.proto](https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto)
//! and summary.proto beside it; records are framed as TFRecord files, with masked CRC-32C checksums.

mod projector;

use prost::Message;
use strix_data::ImageDataset;
use strix_reduce::{Engine, Max, Min, Reducer, Sum};

use crate::Error;
use crate::evaluation::Evaluation;
use crate::metrics::floats;
use crate::model::{Network, named};
use crate::report::{Sheet, misclassified};
use crate::run::{EpochRecord, Manifest, Run};

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    image: Option<Image>,
    #[prost(message, optional, tag = "5")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Image {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    /// 1 is grey.
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(double, tag = "1")]
    min: f64,
    #[prost(double, tag = "2")]
    max: f64,
    #[prost(double, tag = "3")]
    num: f64,
    #[prost(double, tag = "4")]
    sum: f64,
    #[prost(double, tag = "5")]
    sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    bucket: Vec<f64>,
}

/// Bars of a histogram.
const BARS: usize = 40;

/// Images on the sheet of what was misclassified, at most.
const SHEET: usize = 1000;

/// A whole event file.
fn file(step: usize, values: Vec<Value>) -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let wall_time = now.map_or(0.0, |since| since.as_secs_f64());
    let begin = Event { wall_time, file_version: Some("brain.Event:2".into()), ..Event::default() };
    let event = Event { wall_time, step: step as i64, summary: Some(Summary { value: values }), ..Event::default() };
    [begin, event].iter().flat_map(|event| record(&event.encode_to_vec())).collect()
}

/// A TFRecord: length, its checksum, the data, its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let masked = |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

fn scalar(tag: &str, value: f64) -> Value {
    Value { tag: tag.into(), simple_value: Some(value as f32), ..Value::default() }
}

/// Writes an epoch's scalars, and histograms of the weights as they then are.
pub(crate) fn write_epoch(run: &Run, record: &EpochRecord, network: &Network) -> Result<(), Error> {
    let mut values = vec![
        scalar("learning_rate", record.learning_rate),
        scalar("gradients/norm_mean", record.gradient_norm_mean),
        scalar("gradients/norm_max", record.gradient_norm_max),
        scalar("images_per_second", record.images_per_second),
    ];
    for (part, metrics) in [("train", &record.train), ("validation", &record.validation)] {
        values.extend([
            scalar(&format!("loss/{part}"), metrics.loss_mean),
            scalar(&format!("loss_variance/{part}"), metrics.loss_variance),
            scalar(&format!("accuracy/{part}"), metrics.accuracy),
            scalar(&format!("macro_f1/{part}"), metrics.macro_f1),
            scalar(&format!("calibration_error/{part}"), metrics.calibration_error),
        ]);
    }
    values.extend(weights(network)?);
    let name = format!("events.out.tfevents.{:010}.strix", record.epoch);
    run.write_for_tensorboard(&name, &file(record.epoch, values))
}

/// A histogram of each parameter.
fn weights(network: &Network) -> Result<Vec<Value>, Error> {
    let mut found: Vec<Result<Value, Error>> = Vec::new();
    named(network, &mut |name, values| {
        let histogram = floats(values).and_then(|values| histogram(&values));
        let tag = format!("weights/{name}");
        found.push(histogram.map(|histogram| Value { tag, histogram, ..Value::default() }));
    });
    found.into_iter().filter(|value| !matches!(value, Ok(Value { histogram: None, .. }))).collect()
}

/// Of finite values; none of others.
fn histogram(values: &[f32]) -> Result<Option<Histogram>, Error> {
    let mut reducer = Reducer::new((Min, Max, Sum), &Engine::cpu())?;
    reducer.push(values)?;
    let (Some(min), Some(max), Some(sum)) = reducer.finish() else { return Ok(None) };
    let (min, max) = (f64::from(min), f64::from(max));
    if !(max - min).is_finite() {
        return Ok(None);
    }
    // Edges that differ even where all values are the same.
    let width = ((max - min) / BARS as f64).max(1e-12).max(min.abs().max(max.abs()) * 1e-6);
    let edges: Vec<f64> = (0..=BARS).map(|edge| min + edge as f64 * width).collect();
    let mut bucket = vec![0.0; BARS];
    for value in values {
        bucket[(((f64::from(*value) - min) / width) as usize).min(BARS - 1)] += 1.0;
    }
    let squares = values.iter().map(|value| f64::from(*value).powi(2)).sum();
    let (num, limits) = (values.len() as f64, edges[1..].to_vec());
    Ok(Some(Histogram { min, max, num, sum, sum_squares: squares, bucket_limit: limits, bucket }))
}

/// Writes the sheet of misclassified images and the files of the projector.
pub(crate) fn write_evaluation(
    run: &Run,
    manifest: &Manifest,
    evaluation: &Evaluation,
    images: &ImageDataset,
) -> Result<(), Error> {
    let other = |what: String| Error::Write {
        path: run.path().into(),
        action: "encode images for TensorBoard",
        source: std::io::Error::other(what),
    };
    let wrong: Vec<usize> = misclassified(&evaluation.predictions).iter().map(|p| p.index).take(SHEET).collect();
    let step = manifest.best_epoch.unwrap_or_default();
    let mut values = vec![
        scalar("test/accuracy", evaluation.metrics.accuracy),
        scalar("test/loss", evaluation.metrics.loss_mean),
        scalar("test/macro_f1", evaluation.metrics.macro_f1),
        scalar("test/calibration_error", evaluation.metrics.calibration_error),
    ];
    if !wrong.is_empty() {
        let sheet = Sheet::new(images, &wrong);
        let (height, width) = (sheet.height as i32, sheet.width as i32);
        let image = Image { height, width, colorspace: 1, encoded: sheet.png().map_err(other)? };
        values.push(Value { tag: "test/misclassified".into(), image: Some(image), ..Value::default() });
    }
    // After every epoch, by its name.
    run.write_for_tensorboard("events.out.tfevents.evaluation.strix", &file(step, values))?;
    for (name, bytes) in projector::files(evaluation, images) {
        run.write_for_tensorboard(name, &bytes.map_err(other)?)?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    #[test]
    fn histograms_count_every_value() {
        let found = histogram(&[1.0, 2.0, 3.0, 5.0]).unwrap().unwrap();
        assert_eq!((found.min, found.max, found.num, found.sum, found.sum_squares), (1.0, 5.0, 4.0, 11.0, 39.0));
        assert_eq!(found.bucket.iter().sum::<f64>(), 4.0);
        assert_eq!((found.bucket[0], found.bucket[10], found.bucket[39]), (1.0, 1.0, 1.0));
        assert_eq!(histogram(&[2.0; 3]).unwrap().unwrap().bucket[0], 3.0);
        assert!(histogram(&[]).unwrap().is_none());
        assert!(histogram(&[f32::NAN]).unwrap().is_none());
    }

    /// By CRC-32C's check value for these digits; [mask](https://www.tensorflow.org/tutorials/load_data/tfrecord): turned
    /// right by 15 bits, plus a constant.
    #[test]
    fn records_are_framed_with_masked_checksums() {
        let framed = record(b"123456789");
        assert_eq!(framed[..8], 9u64.to_le_bytes());
        assert_eq!(framed[21..], (0x2507_c60d_u32.wrapping_add(0xa282_ead8)).to_le_bytes());
    }
}
