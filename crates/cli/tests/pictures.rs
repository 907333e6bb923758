//! Runs on a user's own pictures: the network is shown the same pixels everywhere, and every picture stays in its part.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::path::Path;

use common::{Place, mentions, text};
use serde_json::Value;
use strix_data::to_png;

/// A small network, and steps enough for few pictures.
const SMALL: [&str; 10] =
    ["--model", "fcnn", "--epochs", "15", "--batch-size", "8", "--learning-rate", "0.002", "--patience", "0"];

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A square on a background of another shade.
fn square(across: usize, down: usize, [left, top, side]: [usize; 3], [shade, background]: [u8; 2]) -> Vec<u8> {
    let inside = |at: usize| (left..left + side).contains(&(at % across)) && (top..top + side).contains(&(at / across));
    let pixels: Vec<u8> = (0..across * down).map(|at| if inside(at) { shade } else { background }).collect();
    to_png(across, down, &pixels).unwrap()
}

fn write(place: &Place, name: &str, bytes: &[u8]) {
    let path = place.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The files of a folder of classes, in the order of the dataset.
fn files(folder: &Path) -> Vec<String> {
    let sorted = |folder: &Path| {
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    sorted(folder).iter().flat_map(|class| sorted(class)).map(|path| text(&path).to_owned()).collect()
}

/// Classes that differ in what a photo of a thing loses: where it is, how large, whether light or dark; wide and high ones.
fn draw(place: &Place, name: &str, count: usize) {
    let mut random = Random(7);
    for at in 0..count {
        for (class, left) in [("left", 0), ("right", 40)] {
            let at_left = [left + random.below(10), random.below(20), 8];
            write(place, &format!("{name}/{class}/{at:02}.png"), &square(64, 32, at_left, [0, 255]));
        }
        for (class, shades) in [("day", [0, 255]), ("night", [255, 0])] {
            let anywhere = [random.below(16), random.below(40), 6];
            write(place, &format!("{name}/{class}/{at:02}.png"), &square(28, 50, anywhere, shades));
        }
    }
}

#[test]
fn predict_sees_what_evaluate_sees() {
    let place = Place::new();
    draw(&place, "own/train", 30);
    draw(&place, "own/test", 30);
    place.ok(&[&["train", "--dataset", "own", "--out", "r"], &SMALL[..]].concat());
    let csv = place.path("p.csv");
    let accuracy = place.json(&["evaluate", "r", "--json", "--predictions", text(&csv)])["accuracy"].clone();
    assert!(accuracy.as_f64().unwrap() > 0.5, "{accuracy}");
    let files = files(&place.path("own/test"));
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let told = place.json(&[&["predict", "r", "--top", "4", "--json"], &names[..]].concat());
    let csv = std::fs::read_to_string(csv).unwrap();
    assert_eq!((csv.lines().count(), names.len()), (121, 120));
    for ((line, told), file) in csv.lines().skip(1).zip(told.as_array().unwrap()).zip(&files) {
        assert_eq!(told["as_photo"], Value::Null);
        let evaluated: Vec<f32> = line.split(',').skip(3).map(|cell| cell.parse().unwrap()).collect();
        let predicted = ["day", "left", "night", "right"].map(|class| {
            let of_class = told["classes"].as_array().unwrap().iter().find(|told| told["class"] == class);
            of_class.unwrap()["probability"].as_f64().unwrap() as f32
        });
        assert_eq!(evaluated, predicted, "{file}");
    }
    // Alone as among others.
    for at in [0, 50, 119] {
        assert_eq!(place.json(&["predict", "r", names[at], "--top", "4", "--json"])[0], told[at], "{}", names[at]);
    }
}

#[test]
fn a_limit_on_a_folder_takes_every_class() {
    let place = Place::new();
    draw(&place, "own", 40);
    place.ok(&[&["train", "--dataset", "own", "--limit", "60", "--out", "r"], &SMALL[..]].concat());
    let report = place.json(&["evaluate", "r", "--json"]);
    for class in report["classes"].as_array().unwrap() {
        assert!(class["recall"].as_f64().unwrap() > 0.0, "{report}");
    }
    let manifest: Value = serde_json::from_slice(&std::fs::read(place.path("r/manifest.json")).unwrap()).unwrap();
    let count = |part: &str| manifest["dataset"][part].as_u64().unwrap();
    assert_eq!((count("train") + count("validation"), &manifest["preparation"]["photo"]), (60, &false.into()));
}

#[test]
fn files_that_are_left_out_are_told_or_refused() {
    let place = Place::new();
    draw(&place, "own", 5);
    for name in [".ipynb_checkpoints/0-checkpoint.png", "__MACOSX/day/._0.png", "day/._0.png", "day/Thumbs.db"] {
        write(&place, &format!("own/{name}"), b"Mac OS X");
    }
    let train = ["train", "--dataset", "own", "--model", "fcnn", "--epochs", "1", "--out"];
    let told = |args: &[&str]| {
        let output = place.run(args);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let quiet = told(&[&train[..], &["quiet", "--strict"]].concat());
    assert!(!quiet.contains("WARNING"), "{quiet}");
    write(&place, "own/left/1.webp", b"RIFF");
    write(&place, "own/left/2.bmp", b"BM");
    write(&place, "own/left/3.png", b"no picture");
    for loud in [told(&[&train[..], &["r"]].concat()), told(&["evaluate", "r"])] {
        mentions(&loud, &["WARNING: 3 of 23 files are left out (1 .bmp, 1 .webp, 1 broken)", "1.webp", "--strict"]);
        assert_eq!(loud.matches("WARNING").count(), 1, "{loud}");
    }
    for strict in [&[&train[..], &["none", "--strict"]].concat()[..], &["evaluate", "r", "--strict"]] {
        mentions(&place.fails(3, strict), &["1.webp: is neither .png, .jpg nor .jpeg"]);
    }
}

#[test]
fn a_run_that_was_split_by_places_does_not_go_on() {
    let place = Place::new();
    draw(&place, "own", 10);
    place.ok(&["train", "--dataset", "own", "--model", "fcnn", "--epochs", "1", "--out", "r"]);
    let path = place.path("r/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(manifest["dataset"].as_object_mut().unwrap().remove("split"), Some("identity".into()));
    manifest["preparation"].as_object_mut().unwrap().remove("photo");
    manifest["status"] = "interrupted".into();
    std::fs::write(&path, manifest.to_string()).unwrap();
    mentions(&place.fails(3, &["train", "--resume", "r"]), &["by the places of the images", "train anew"]);
    // It is still read, and its pictures are no photos.
    let told = place.json(&["predict", "r", "own/day/00.png", "--json"]);
    assert_eq!(told[0]["as_photo"], Value::Null);
}
