//! What comes of a run: predictions, exports, reports, and runs on a user's own data.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, mentions, text};
use serde_json::Value;
use strix_data::{garments, to_png};

/// Trains and evaluates a small network.
fn trained(place: &Place, run: &str, more: &[&str]) {
    let args = ["train", "--dataset", "garments", "--model", "fcnn", "--epochs", "2", "--out", run];
    place.ok(&[&args[..], more].concat());
    place.ok(&["evaluate", run]);
}

#[test]
fn pictures_of_any_size_on_dark_or_light_are_told_alike() {
    let place = Place::new();
    trained(&place, "r", &[]);
    // A garment as it is; four times as large on white; and as the network was shown both.
    let image = garments::draw(1, 1, garments::SEED).test;
    place.write("dark.png", to_png(28, 28, &image.pixels).unwrap());
    let size = 4 * 40;
    let light: Vec<u8> = (0..size * size)
        .map(|at| {
            let (row, column) = ((at / size) / 4, (at % size) / 4);
            let inside = (6..34).contains(&row) && (6..34).contains(&column);
            255 - if inside { image.pixels[(row - 6) * 28 + column - 6] } else { 0 }
        })
        .collect();
    place.write("light.png", to_png(size, size, &light).unwrap());
    let told = place.json(&["predict", "r", "dark.png", "light.png", "--top", "10", "--shown", "shown.png", "--json"]);
    assert_eq!(told[1]["as_photo"], serde_json::json!({"cut": true, "negative": true}));
    let probability = |picture: usize| -> Vec<(String, f64)> {
        let classes = told[picture]["classes"].as_array().unwrap();
        classes.iter().map(|c| (c["class"].as_str().unwrap().into(), c["probability"].as_f64().unwrap())).collect()
    };
    let (dark, light) = (probability(0), probability(1));
    assert!((dark.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-5);
    assert!(dark.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    assert_eq!((dark.len(), &dark[0].0), (10, &light[0].0));
    assert!(std::fs::read(place.path("shown.png")).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(place.ok(&["predict", "r", "dark.png"]).matches('%').count(), 3);
    mentions(&place.ok(&["predict", "r", "light.png"]), &["as a photo: cut to what is on it, turned negative"]);
    // Shown as it is, large and light.
    let plain = place.json(&["predict", "r", "light.png", "--as-photo=false", "--top", "10", "--json"]);
    assert_eq!(plain[0]["as_photo"], Value::Null);
    assert_ne!(plain[0]["classes"], told[1]["classes"]);
    place.write("text.png", "no picture");
    mentions(&place.fails(3, &["predict", "r", "dark.png", "text.png"]), &["text.png", "neither PNG nor JPEG"]);
}

#[test]
fn an_evaluation_leaves_a_report_and_files_for_tensorboard() {
    let place = Place::new();
    trained(&place, "r", &[]);
    let page = std::fs::read_to_string(place.path("r/report.html")).unwrap();
    mentions(&page, &["FCNN on garments", "Most confused", "All misclassified", "<polyline", "data:image/png;base64,"]);
    assert!(!page.contains("src=\"http") && !page.contains("<script"), "the report needs something from elsewhere");
    let record: Value = serde_json::from_slice(&std::fs::read(place.path("r/evaluation.json")).unwrap()).unwrap();
    let rows = record["confusion"].as_array().unwrap();
    let counted: u64 = rows.iter().flat_map(|row| row.as_array().unwrap()).map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((rows.len(), counted), (10, 2000));
    let events = std::fs::read(place.path("r/tensorboard/events.out.tfevents.0000000002.strix")).unwrap();
    let has = |tag: &[u8]| events.windows(tag.len()).any(|window| window == tag);
    assert!(has(b"brain.Event:2") && has(b"loss/validation") && has(b"weights/head.output.weight"));
    let vectors = std::fs::read_to_string(place.path("r/tensorboard/features.tsv")).unwrap();
    assert_eq!((vectors.lines().count(), vectors.lines().next().unwrap().split('\t').count()), (1000, 10));
    // Six views are another measurement of the same images.
    let views = place.json(&["evaluate", "r", "--views", "--json"]);
    assert_eq!(views["samples"], 2000);
    assert_ne!(views["loss"], record["metrics"]["loss_mean"]);
}

#[test]
fn runs_of_one_setting_are_a_group_and_groups_compare() {
    let place = Place::new();
    for seed in ["1", "2"] {
        trained(&place, &format!("small-{seed}"), &["--limit", "400", "--seed", seed]);
        trained(&place, &format!("large-{seed}"), &["--seed", seed]);
    }
    let runs = ["small-1", "small-2", "large-1", "large-2"];
    let report = place.json(&[&["report", "--json"], &runs[..]].concat());
    let accuracy = |run: &str| -> f64 {
        let record: Value =
            serde_json::from_slice(&std::fs::read(place.path(run).join("evaluation.json")).unwrap()).unwrap();
        record["metrics"]["accuracy"].as_f64().unwrap()
    };
    for (group, runs) in report["groups"].as_array().unwrap().iter().zip(runs.chunks(2)) {
        let (a, b) = (accuracy(runs[0]), accuracy(runs[1]));
        let figure = &group["figures"][0];
        assert_eq!((&group["runs"][0], &group["runs"][1]), (&runs[0].into(), &runs[1].into()));
        assert!((figure["mean"].as_f64().unwrap() - (a + b) / 2.0).abs() < 1e-12);
        assert!((figure["sd"].as_f64().unwrap() - (a - b).abs() / 2f64.sqrt()).abs() < 1e-12);
        // Student's t of one degree of freedom is 12.706 at 97.5 %.
        let expected = 12.706_204_736 * (a - b).abs() / 2.0;
        assert!((figure["confidence"].as_f64().unwrap() - expected).abs() < 1e-8);
    }
    let versus = &report["comparisons"][0];
    let apart = (accuracy("small-1") + accuracy("small-2") - accuracy("large-1") - accuracy("large-2")) / 2.0;
    assert!((versus["difference"].as_f64().unwrap() - apart).abs() < 1e-12);
    // Equal seeds are pairs; Student's t of one degree of freedom is Cauchy's distribution.
    assert_eq!(versus["paired_seeds"], serde_json::json!([1, 2]));
    let differences = [1, 2].map(|seed| accuracy(&format!("small-{seed}")) - accuracy(&format!("large-{seed}")));
    let t = (differences[0] + differences[1]).abs() / (differences[0] - differences[1]).abs();
    let p = 1.0 - t.atan() * std::f64::consts::FRAC_2_PI;
    assert!((versus["p_value"].as_f64().unwrap() - p).abs() < 1e-9, "{versus} {p}");
    let adjusted = versus["adjusted_p_value"].as_f64().unwrap();
    assert!(adjusted > p - 1e-9 && versus["better"].is_null() == (adjusted >= 0.05), "{versus}");
    mentions(&place.ok(&[&["report"], &runs[..]].concat()), &["A FCNN", "B FCNN", "95 % confidence"]);
    place.ok(&["train", "--dataset", "garments", "--model", "fcnn", "--limit", "100", "--epochs", "1", "--out", "new"]);
    mentions(&place.fails(3, &["report", "new"]), &["evaluation.json", "strix evaluate new"]);
}

#[test]
fn models_are_exported_whole_or_not_at_all() {
    let place = Place::new();
    trained(&place, "r", &["--limit", "300"]);
    place.ok(&["export", "r", "m.onnx"]);
    let model = std::fs::read(place.path("m.onnx")).unwrap();
    for name in ["pixels", "logits", "probabilities", "MatMul", "Softmax", "Trousers"] {
        assert!(model.windows(name.len()).any(|window| window == name.as_bytes()), "{name} is not in the model");
    }
    place.ok(&["export", "r", "m.safetensors"]);
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("m.safetensors"), bytes("r/model.safetensors"));
    mentions(&place.fails(2, &["export", "r", "m.h5"]), &[".onnx or .safetensors"]);
    assert!(!place.path("m.h5").exists());
}

#[test]
fn a_folder_of_pictures_trains_resumes_and_evaluates() {
    let place = Place::new();
    let drawn = garments::draw(300, 0, 5).train;
    for index in 0..drawn.len() {
        let class = format!("own/{}", ["left", "right"][usize::from(drawn.labels[index] >= 5)]);
        std::fs::create_dir_all(place.path(&class)).unwrap();
        place.write(&format!("{class}/{index}.png"), to_png(28, 28, drawn.image(index)).unwrap());
    }
    let args = ["train", "--dataset", "own", "--model", "convstrix", "--blocks", "1", "--dense-width", "16"];
    let output = place.ok(&[&args[..], &["--image-size", "14", "--epochs", "3"]].concat());
    mentions(&output, &["181 training and 51 validation images", "runs/own-1"]);
    let report = place.json(&["evaluate", "runs/own-1", "--json"]);
    assert_eq!((&report["samples"], &report["classes"][1]["name"]), (&68.into(), &"right".into()));
    assert!(report["accuracy"].as_f64().unwrap() > 0.5);
    place.write("some.png", to_png(28, 28, drawn.image(0)).unwrap());
    mentions(&place.ok(&["predict", "runs/own-1", "some.png"]), &["left", "right"]);
    // Moved away, --data says where to.
    std::fs::rename(place.path("own"), place.path("moved")).unwrap();
    mentions(&place.fails(3, &["evaluate", "runs/own-1"]), &["own", "not there"]);
    place.ok(&["evaluate", "runs/own-1", "--data", text(&place.path("moved"))]);
    place.write("moved/left/broken.png", "no picture");
    let broken = ["train", "--dataset", "moved", "--strict", "--epochs", "1", "--out", "x"];
    mentions(&place.fails(3, &broken), &["broken.png", "neither PNG nor JPEG"]);
    assert!(!place.path("x").exists());
    mentions(&place.fails(2, &["train", "--dataset", "nowhere"]), &["fashion-mnist, garments, or a folder"]);
}
