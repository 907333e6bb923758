//! `strix train` and `strix evaluate`, end to end on the drawn dataset.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, mentions, text};
use serde_json::Value;

/// A small network on few images: seconds, yet it learns.
const SMALL: [&str; 16] = [
    "--limit",
    "1500",
    "--epochs",
    "2",
    "--model",
    "convstrix",
    "--blocks",
    "2",
    "--dense-width",
    "64",
    "--dropout",
    "0.1",
    "--batch-size",
    "16",
    "--learning-rate",
    "0.001",
];

fn train(place: &Place, out: &str, seed: &str) -> String {
    place.ok(&[&["train", "--dataset", "garments", "--seed", seed, "--out", out], &SMALL[..]].concat())
}

fn manifest(place: &Place, run: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(place.path(run).join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn a_run_is_recorded_repeatable_and_evaluated() {
    let place = Place::new();
    let output = train(&place, "a", "1");
    mentions(&output, &["epoch 1/2", "epoch 2/2", "strix evaluate a"]);

    // The record.
    let record = manifest(&place, "a");
    assert_eq!(record["status"], "finished");
    // A fifth of the images validates, about: each of them by what it is.
    let (trained, validated) = (&record["dataset"]["train"], &record["dataset"]["validation"]);
    assert_eq!(trained.as_u64().unwrap() + validated.as_u64().unwrap(), 1500);
    assert!(validated.as_u64().unwrap().abs_diff(300) < 80, "{validated}");
    assert_eq!((&record["config"]["seed"], &record["config"]["batch_size"]), (&1.into(), &16.into()));
    let log = std::fs::read_to_string(place.path("a/metrics.jsonl")).unwrap();
    let epochs: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(epochs.len(), 2);
    for epoch in &epochs {
        assert_eq!((&epoch["train"]["samples"], &epoch["validation"]["samples"]), (trained, validated));
    }
    let accuracy = |epoch: &Value| epoch["validation"]["accuracy"].as_f64().unwrap();
    let best = if accuracy(&epochs[1]) > accuracy(&epochs[0]) { 2 } else { 1 };
    assert_eq!(record["best_epoch"], best);
    assert!(epochs[1]["train"]["accuracy"].as_f64() > epochs[0]["train"]["accuracy"].as_f64());

    // The same seed gives the same bits, another seed others.
    train(&place, "b", "1");
    train(&place, "c", "2");
    let bytes = |run: &str| std::fs::read(place.path(run).join("model.safetensors")).unwrap();
    assert_eq!(bytes("a"), bytes("b"));
    assert_ne!(bytes("a"), bytes("c"));

    // The evaluation, and an independent count over its predictions.
    let csv = place.path("p.csv");
    let report = place.json(&["evaluate", "a", "--json", "--predictions", text(&csv)]);
    let accuracy = report["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.4, "the model learnt nothing: {accuracy}");
    let content = std::fs::read_to_string(&csv).unwrap();
    let mut lines = content.lines();
    assert_eq!(lines.next(), Some("index,label,predicted,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9"));
    let mut right = 0;
    let mut loss = 0.0;
    for (index, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0], index.to_string());
        let label: usize = cells[1].parse().unwrap();
        let odds: Vec<f64> = cells[3..].iter().map(|cell| cell.parse().unwrap()).collect();
        assert!((odds.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        let most = (0..10).fold(0, |best, class| if odds[class] > odds[best] { class } else { best });
        assert_eq!(cells[2], most.to_string());
        right += usize::from(most == label);
        loss -= odds[label].max(f64::MIN_POSITIVE).ln();
    }
    assert_eq!(accuracy, right as f64 / 2000.0);
    assert!((report["loss"].as_f64().unwrap() - loss / 2000.0).abs() < 1e-4);
    let support: u64 =
        report["classes"].as_array().unwrap().iter().map(|class| class["support"].as_u64().unwrap()).sum();
    assert_eq!((support, report["classes"].as_array().unwrap().len()), (2000, 10));
    mentions(&place.ok(&["evaluate", "a"]), &["accuracy", "precision", "recall", "Trousers"]);
    // Through a link, which stays one; and standard output as a file, as any tool takes it.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("p.csv", place.path("link.csv")).unwrap();
        place.ok(&["evaluate", "a", "--predictions", "link.csv"]);
        assert!(place.path("link.csv").is_symlink());
        let file = std::fs::File::create(place.path("out.txt")).unwrap();
        let mut command = place.command();
        assert!(
            command.args(["evaluate", "a", "--predictions", "/dev/stdout"]).stdout(file).status().unwrap().success()
        );
        let out = std::fs::read_to_string(place.path("out.txt")).unwrap();
        assert!(out.starts_with("index,label,predicted") && out.contains("accuracy"), "{out}");
    }
    assert!(place.ok(&["evaluate", "a", "--predictions", "/dev/stdout"]).starts_with("index,label,predicted"));
}

#[test]
fn without_the_dataset_garments_stand_in_loudly() {
    let place = Place::new();
    let output =
        place.run(&[&["train"], &SMALL[..2], &["--epochs", "1", "--model", "fcnn", "--dense-width", "8"]].concat());
    assert!(output.status.success(), "{output:?}");
    mentions(&String::from_utf8_lossy(&output.stderr), &["WARNING", "garments", "INSTEAD OF Fashion-MNIST"]);
    let record = manifest(&place, "runs/garments-1");
    assert_eq!(record["dataset"]["name"], "garments");
    assert!(record["dataset"]["substituted"].as_str().unwrap().contains("127.0.0.1:9"), "{record}");
}

#[test]
fn a_diverging_run_says_so_and_is_recorded_as_failed() {
    let place = Place::new();
    let diverges = |more: &[&str]| {
        let args = ["train", "--dataset", "garments", "--learning-rate", "1e30", "--optimizer", "sgd"];
        place.fails(6, &[&args[..], more].concat())
    };
    let message = diverges(&["--limit", "500", "--model", "convstrix", "--blocks", "1", "--out", "d"]);
    mentions(&message, &["loss", "epoch 1", "--learning-rate"]);
    assert_eq!(manifest(&place, "d")["status"], "failed");
    // One step alone: its loss is from before the update, so the validation has to tell.
    mentions(&diverges(&["--limit", "60", "--epochs", "1", "--model", "fcnn", "--out", "e"]), &["loss", "epoch 1"]);
}

#[test]
fn half_precision_trains_to_nearly_the_same() {
    let place = Place::new();
    let recipe = ["train", "--dataset", "garments", "--limit", "1000", "--epochs", "2", "--width", "4"];
    let last = |precision: &str| -> (f64, f64) {
        place.ok(&[&recipe[..], &["--precision", precision, "--out", precision]].concat());
        assert_eq!(manifest(&place, precision)["config"]["precision"], precision);
        let log = std::fs::read_to_string(place.path(precision).join("metrics.jsonl")).unwrap();
        let epoch: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        (epoch["train"]["loss_mean"].as_f64().unwrap(), epoch["gradient_norm_mean"].as_f64().unwrap())
    };
    let (loss, norm) = last("f32");
    for (precision, most) in [("f16", 0.15), ("bf16", 0.1)] {
        let (near, like) = last(precision);
        assert!((near - loss).abs() < most * loss && near != loss, "{precision}: {near}, and {loss} in f32");
        // The scale of the loss is taken off again.
        assert!((like - norm).abs() < 0.2 * norm, "{precision}: {like}, and {norm} in f32");
    }
    mentions(&place.fails(2, &[&recipe[..], &["--precision", "f8"]].concat()), &["--precision", "f16"]);
}

/// The settings of the runs that are stopped: everything that has a state is in them.
#[cfg(unix)]
const STOPPED: [&str; 31] = [
    "train",
    "--dataset",
    "garments",
    "--limit",
    "1000",
    "--epochs",
    "3",
    "--model",
    "convstrix",
    "--blocks",
    "2",
    "--dense-width",
    "16",
    "--batch-size",
    "8",
    "--accumulate",
    "2",
    "--optimizer",
    "nadam",
    "--average",
    "0.9",
    "--clip-norm",
    "1",
    "--shift",
    "1",
    "--erase",
    "0.3",
    "--mixup",
    "0.5",
    "--checkpoint-seconds",
    "0",
];

/// A run's epochs without what the clock decides, and its weights.
#[cfg(unix)]
fn came_to(place: &Place, run: &str) -> (Vec<Value>, Vec<u8>) {
    let log = std::fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
    let timeless = |line: &str| {
        let mut epoch: Value = serde_json::from_str(line).unwrap();
        for name in ["seconds", "train_seconds", "images_per_second"] {
            epoch.as_object_mut().unwrap().remove(name).unwrap();
        }
        epoch
    };
    let weights = std::fs::read(place.path(run).join("model.safetensors")).unwrap();
    (log.lines().map(timeless).collect(), weights)
}

#[cfg(unix)]
#[test]
fn runs_killed_at_twenty_moments_come_to_the_same_end() {
    let place = Place::new();
    let started = std::time::Instant::now();
    place.ok(&[&STOPPED[..], &["--out", "whole"]].concat());
    let whole = started.elapsed();
    let names = |run: &str| {
        let mut names: Vec<_> =
            std::fs::read_dir(place.path(run)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (mut kills, mut random) = (0, 0x2545_f491_4f6c_dd1d_u64);
    for attempt in 1.. {
        let run = format!("killed-{attempt}");
        while !place.path(&run).exists() || manifest(&place, &run)["status"] != "finished" {
            let fresh = [&STOPPED[..], &["--out", &run]].concat();
            let resumed = vec!["train", "--resume", &run, "--checkpoint-seconds", "0"];
            let args = if place.path(&run).exists() { resumed } else { fresh };
            let quiet = std::process::Stdio::null;
            let mut child = place.command().args(args).stdout(quiet()).stderr(quiet()).spawn().unwrap();
            if kills < 20 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Anywhere from before the run directory is there to far into an epoch.
                std::thread::sleep(whole.mul_f64(0.02 + 0.2 * (random >> 40) as f64 / (1u64 << 24) as f64));
                kills += u32::from(child.try_wait().unwrap().is_none());
                child.kill().unwrap();
                child.wait().unwrap();
            } else {
                assert!(child.wait().unwrap().success(), "a resumed run failed");
            }
        }
        assert!(came_to(&place, "whole") == came_to(&place, &run), "{run} came to another end, after {kills} kills");
        assert_eq!(names("whole"), names(&run));
        if kills == 20 {
            break;
        }
    }
    // What is finished is not gone on with.
    mentions(&place.fails(3, &["train", "--resume", "whole"]), &["finished"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_cleanly_and_keeps_what_is_finished() {
    let place = Place::new();
    let args = [
        "train",
        "--dataset",
        "garments",
        "--limit",
        "800",
        "--epochs",
        "10000",
        "--model",
        "fcnn",
        "--dense-width",
        "8",
        "--patience",
        "0",
        "--out",
        "i",
    ];
    let mut child = place
        .command()
        .args(args)
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while manifest_if_any(&place).is_none_or(|m| m["epochs_finished"].as_u64() < Some(1)) {
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
    }
    // Nobody else goes on with it meanwhile.
    mentions(&place.fails(3, &["train", "--resume", "i"]), &["another process is training in it"]);
    assert_eq!(manifest(&place, "i")["status"], "running");
    assert!(
        std::process::Command::new("bash")
            .args(["-c", &format!("kill -INT {}", child.id())])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    mentions(&String::from_utf8_lossy(&output.stderr), &["interrupted in epoch", "strix train --resume i"]);
    let record = manifest(&place, "i");
    assert_eq!(record["status"], "interrupted");
    let epochs = record["epochs_finished"].as_u64().unwrap() as usize;
    assert_eq!(std::fs::read_to_string(place.path("i/metrics.jsonl")).unwrap().lines().count(), epochs);
    place.json(&["evaluate", "i", "--json"]);
}

#[cfg(unix)]
fn manifest_if_any(place: &Place) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(place.path("i/manifest.json")).ok()?).ok()
}
