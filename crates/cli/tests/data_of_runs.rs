//! On which data a run was trained, and on which it is measured: what differs is said, and what does not compare is refused.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{PICTURES, Place, mentions, pictures};
use serde_json::Value;

fn trained(place: &Place, run: &str, more: &[&str]) -> String {
    let args = ["train", "--dataset", "own", "--model", "fcnn", "--dense-width", "64", "--batch-size", "8"];
    place.ok(&[&args[..], &["--epochs", "10", "--out", run], more].concat())
}

/// Standard output and standard error of a command that succeeds.
fn told(place: &Place, args: &[&str]) -> (String, String) {
    let output = place.run(args);
    let [out, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{args:?}: {error}");
    (out, error)
}

#[test]
fn other_pictures_are_told_and_other_classes_refused() {
    let place = Place::new();
    pictures(&place, "own", ["left", "right"], 0);
    trained(&place, "r", &[]);
    let (out, error) = told(&place, &["evaluate", "r"]);
    assert!(error.is_empty(), "{error}");
    assert!(out.lines().next().unwrap().contains("/own, "), "{out}");

    pictures(&place, "own", ["left", "right"], 50);
    let (_, error) = told(&place, &["evaluate", "r"]);
    mentions(&error, &["WARNING", "not the pictures of the training", "other training images", "other test images"]);
    mentions(&error, &["trained on may be among those to test on"]);
    let found = place.json(&["evaluate", "r", "--json"]);
    assert_eq!(found["differences"].as_array().unwrap().len(), 3, "{found}");
    mentions(&std::fs::read_to_string(place.path("r/report.html")).unwrap(), &["Not the data of the training"]);
    mentions(&told(&place, &["report", "r"]).1, &["WARNING", "r was trained on", "other test images"]);

    // Fewer of them.
    for picture in 0..PICTURES / 2 {
        std::fs::remove_file(place.path(&format!("own/left/{picture:02}.png"))).unwrap();
    }
    mentions(&told(&place, &["evaluate", "r"]).1, &["test images, where there were 10"]);

    std::fs::rename(place.path("own/right"), place.path("own/rechts")).unwrap();
    mentions(&place.fails(3, &["evaluate", "r"]), &["other classes", "\"right\" is \"rechts\" here"]);

    // What an earlier version wrote tells less, and is read all the same.
    let path = place.path("r/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for name in ["content", "folder"] {
        manifest["dataset"].as_object_mut().unwrap().remove(name).unwrap();
    }
    std::fs::write(&path, manifest.to_string()).unwrap();
    std::fs::rename(place.path("own/rechts"), place.path("own/right")).unwrap();
    mentions(&told(&place, &["evaluate", "r"]).1, &["test images, where there were 10"]);
    pictures(&place, "own", ["left", "right"], 50);
    mentions(&told(&place, &["evaluate", "r"]).1, &["files of other checksums"]);
    pictures(&place, "own", ["left", "right"], 0);
    assert_eq!(told(&place, &["evaluate", "r"]).1, "");
}

#[test]
fn the_folder_that_is_given_is_the_one_that_is_used() {
    let place = Place::new();
    pictures(&place, "own", ["left", "right"], 0);
    pictures(&place, "swapped", ["right", "left"], 0);
    trained(&place, "r", &[]);
    let accuracy = |args: &[&str]| place.json(&[&["evaluate", "r", "--json"], args].concat())["accuracy"].clone();
    assert!(accuracy(&[]).as_f64().unwrap() > 0.9);
    // Whether the folder of the training is there or not.
    for there in [true, false] {
        if !there {
            std::fs::rename(place.path("own"), place.path("moved")).unwrap();
        }
        assert!(accuracy(&["--data", "swapped"]).as_f64().unwrap() < 0.1);
        let (out, error) = told(&place, &["evaluate", "r", "--data", "swapped"]);
        assert!(out.lines().next().unwrap().contains("/swapped, 10 test images"), "{out}");
        mentions(&error, &["not the pictures of the training", "/swapped", "/own"]);
        mentions(&std::fs::read_to_string(place.path("r/report.html")).unwrap(), &["FCNN on", "/swapped"]);
    }
    // The same pictures in another place are the same.
    assert_eq!(told(&place, &["evaluate", "r", "--data", "moved"]).1, "");
    // Where Fashion-MNIST is says nothing of one's pictures.
    let mut command = place.command();
    let output = command.args(["evaluate", "r"]).env("STRIX_DATA", place.path("moved")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    mentions(&String::from_utf8_lossy(&output.stderr), &["/own", "not there", "--data"]);
    mentions(&place.fails(3, &["evaluate", "r", "--data", "nowhere"]), &["nowhere"]);
    for dataset in ["garments", "moved"] {
        let args = ["train", "--dataset", dataset, "--data", "swapped", "--out", "x"];
        mentions(&place.fails(2, &args), &["--data swapped", "--dataset"]);
    }
}

#[test]
fn a_run_goes_on_with_its_own_data_alone() {
    let place = Place::new();
    pictures(&place, "own", ["left", "right"], 0);
    let args = ["train", "--dataset", "own", "--model", "fcnn", "--learning-rate", "1e30", "--optimizer", "sgd"];
    place.fails(6, &[&args[..], &["--out", "r"]].concat());
    pictures(&place, "own", ["left", "right"], 50);
    mentions(&place.fails(3, &["train", "--resume", "r"]), &["other data", "other training images"]);
    std::fs::rename(place.path("own/left"), place.path("own/links")).unwrap();
    mentions(&place.fails(3, &["train", "--resume", "r"]), &["\"left\" is \"links\" here"]);
    // Elsewhere is not other; and from now on it is found there.
    pictures(&place, "moved", ["left", "right"], 0);
    place.fails(6, &["train", "--resume", "r", "--data", "moved"]);
    let manifest: Value = serde_json::from_slice(&std::fs::read(place.path("r/manifest.json")).unwrap()).unwrap();
    for name in ["name", "folder"] {
        assert!(manifest["dataset"][name].as_str().unwrap().ends_with("/moved"), "{manifest}");
    }
    place.fails(6, &["train", "--resume", "r"]);
}

#[cfg(unix)]
#[test]
fn what_is_told_to_do_next_works_as_printed() {
    let place = Place::new();
    pictures(&place, "own", ["left", "right"], 0);
    let output = trained(&place, "my runs/it's $1", &[]);
    let next = output.lines().find_map(|line| line.strip_prefix("next: ")).unwrap();
    assert_eq!(next, r"strix evaluate 'my runs/it'\''s $1'");
    mentions(&place.fails(3, &["report", "my runs/it's $1"]), &["first: strix evaluate 'my runs/it'\\''s $1'"]);
    let script = format!("strix() {{ '{}' \"$@\"; }}; {next}", env!("CARGO_BIN_EXE_strix"));
    let mut command = std::process::Command::new("bash");
    let output = command.args(["-c", &script]).current_dir(place.folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    mentions(&String::from_utf8_lossy(&output.stdout), &["10 test images", "accuracy"]);
}

#[test]
fn what_a_search_found_names_the_folder_that_it_was_given() {
    let place = Place::new();
    let given = ["--data", "elsewhere", "--limit", "200", "--epochs", "1", "--learning-rate=0.001", "--optimizer=adam"];
    let search = ["tune", "--preset", "fcnn", "--dense-layers=2", "--batch-size=64", "--trials", "1", "--out", "a"];
    place.ok(&[&search[..], &given[..]].concat());
    let found: Value = serde_json::from_slice(&std::fs::read(place.path("a/best-params.json")).unwrap()).unwrap();
    let folder = std::path::Path::new(found["options"]["data"].as_str().unwrap());
    assert!(folder.is_absolute() && folder.ends_with("elsewhere"), "{found}");
    // Another dataset is nowhere near it.
    let args = ["train", "--params", "a/best-params.json", "--dataset", "garments", "--limit", "200", "--out", "r"];
    place.ok(&args);
}

#[test]
fn an_experiment_counts_once() {
    let place = Place::new();
    pictures(&place, "own", ["left", "right"], 0);
    for (run, seed) in [("a", "1"), ("b", "1"), ("c", "2")] {
        trained(&place, run, &["--seed", seed]);
        place.ok(&["evaluate", run]);
    }
    mentions(&place.ok(&["report", "a"]), &["needs two runs or more"]);
    assert!(place.json(&["report", "a", "--json"])["groups"][0]["figures"][0]["confidence"].is_null());
    mentions(&place.ok(&["report", "a", "c"]), &["a, c"]);
    mentions(&place.fails(2, &["report", "a", "a"]), &["a and a are the same run"]);
    mentions(&place.fails(2, &["report", "a", "c", "./a"]), &["a and ./a are the same run"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a", place.path("link")).unwrap();
        mentions(&place.fails(2, &["report", "a", "link"]), &["a and link are the same run"]);
    }
    // A copy, or the same training again.
    mentions(&place.fails(2, &["report", "a", "b"]), &["a and b", "seed 1", "one experiment"]);
    // Other test images do not compare, whatever their folder is called.
    pictures(&place, "own", ["left", "right"], 50);
    place.ok(&["evaluate", "c"]);
    mentions(&place.fails(2, &["report", "a", "c"]), &["c was tested on other data than a"]);
}
