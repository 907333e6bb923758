//! `strix tune` end to end on the drawn dataset: what it leaves, how it is stopped, killed and gone on with, what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::{Place, mentions, pictures};
use serde_json::Value;

/// A dense network on few images: a trial takes less than a second.
const SMALL: [&str; 9] =
    ["tune", "--dataset", "garments", "--limit", "600", "--epochs", "3", "--dense-layers=2", "--batch-size=64"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], more].concat()
}

fn json(place: &Place, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path(file)).unwrap()).unwrap()
}

/// The rows of trials.csv by the names of their columns, without what is another in every run.
fn rows(place: &Place, out: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = csv::Reader::from_path(place.path(out).join("trials.csv")).unwrap();
    let names = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| -> Vec<(String, String)> {
        let cells = names.iter().zip(record.iter()).map(|(name, cell)| (name.to_owned(), cell.to_owned()));
        cells.filter(|(name, _)| !["started_utc", "ended_utc", "seconds"].contains(&name.as_str())).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn column(rows: &[Vec<(String, String)>], name: &str) -> Vec<String> {
    let cell = |row: &Vec<(String, String)>| row.iter().find(|(other, _)| other == name).unwrap().1.clone();
    rows.iter().map(cell).collect()
}

fn numbers(from: u64, to: u64) -> Vec<String> {
    (from..to).map(|number| number.to_string()).collect()
}

#[test]
fn a_search_leaves_what_it_found() {
    let place = Place::new();
    let told = place.ok(&with(&["--preset", "fcnn", "--trials", "12", "--out", "a"]));
    mentions(
        &told,
        &["0 trials of 12", "trial 0  ", "trial 11  ", "12 trials ended", "strix train --params a/best-params"],
    );
    let trials = rows(&place, "a");
    assert_eq!(column(&trials, "number"), numbers(0, 12));
    let states = column(&trials, "state");
    assert!(states.contains(&"complete".to_owned()) && states.contains(&"pruned".to_owned()), "{states:?}");
    // What was given was not searched.
    assert!(trials[0].iter().all(|(name, _)| name != "batch-size" && name != "dense-layers"));

    // The best of the complete ones, whose run is there, alone, and came to that.
    let best = json(&place, "a/best-params.json");
    let values = column(&trials, "value");
    let complete = states.iter().zip(&values).filter(|(state, _)| *state == "complete");
    let most = complete.map(|(_, value)| value.parse::<f64>().unwrap()).fold(0.0, f64::max);
    assert_eq!(best["validation_accuracy"], most);
    let number = best["trial"].as_u64().unwrap();
    let runs: Vec<String> = std::fs::read_dir(place.path("a/trials"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(runs, [number.to_string()]);
    let log = std::fs::read_to_string(place.path(&format!("a/trials/{number}/metrics.jsonl"))).unwrap();
    let accuracy =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["validation"]["accuracy"].as_f64().unwrap();
    assert_eq!(log.lines().map(accuracy).fold(0.0, f64::max), most);

    // The other table says the same.
    let read =
        place.json(&["reduce", "a/trials.parquet", "--stats", "count, max(number), distinct(optimizer)", "--json"]);
    assert_eq!((&read[0]["count"], &read[0]["max(number)"]), (&12.into(), &11.into()));
    let page = std::fs::read_to_string(place.path("a/study.html")).unwrap();
    mentions(&page, &["<h2>History", "<h2>Parallel coordinates", "<h2>Importances", "<h2>Slices", "learning-rate"]);
    assert!(!page.contains("<script") && !page.contains("http"), "the page is not self-contained");
    let summary = json(&place, "a/summary.json");
    assert_eq!(
        summary["complete"].as_u64().unwrap() as usize,
        states.iter().filter(|state| *state == "complete").count()
    );
    assert!(summary["trials_an_hour_and_worker"].as_f64().unwrap() > 100.0);

    // Once more: the same search.
    place.ok(&with(&["--preset", "fcnn", "--trials", "12", "--out", "b"]));
    assert_eq!(rows(&place, "b"), trials);

    // What was found trains, and gives way to what is given beside it.
    place.ok(&["train", "--params", "a/best-params.json", "--dataset", "garments", "--limit", "600", "--out", "run"]);
    let config = &json(&place, "run/manifest.json")["config"];
    assert_eq!(config["learning_rate"], best["options"]["learning-rate"]);
    assert_eq!((&config["batch_size"], &config["epochs"]), (&64.into(), &3.into()));
    assert_eq!(config["network"]["dense_layers"], 2);
    place.ok(&[
        "train",
        "--epochs=1",
        "--params=a/best-params.json",
        "--dataset",
        "garments",
        "--limit",
        "600",
        "--out",
        "other",
    ]);
    let config = &json(&place, "other/manifest.json")["config"];
    assert_eq!((&config["epochs"], &config["optimizer"]), (&1.into(), &best["options"]["optimizer"]));
}

/// Starts a search and waits until it has told of so many trials.
fn start(place: &Place, args: &[&str], lines: usize) -> Child {
    let mut child = place.command().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    for _ in 0..=lines {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the search ended early");
    }
    // Goes on being read, so that nobody waits for a full pipe.
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn what_is_given_is_the_same_in_every_trial_and_in_what_was_found() {
    let place = Place::new();
    place.ok(&with(&["--preset", "fcnn", "--trials", "2", "--pruner", "none", "--balance", "--seed=3", "--out", "a"]));
    let best = json(&place, "a/best-params.json");
    let options = &best["options"];
    assert_eq!((&options["balance"], &options["dataset"]), (&true.into(), &"garments".into()));
    assert!(options["seed"].is_null() && options["limit"].is_null());
    let trial = json(&place, &format!("a/trials/{}/manifest.json", best["trial"]));
    assert_eq!(trial["config"]["balance"], true);
    // On the same data, without saying so.
    place.ok(&["train", "--params", "a/best-params.json", "--limit=600", "--seed=3", "--out", "run"]);
    let run = json(&place, "run/manifest.json");
    assert_eq!((&run["config"], &run["dataset"]), (&trial["config"], &trial["dataset"]));
    place.ok(&[
        "train",
        "--params",
        "a/best-params.json",
        "--limit=600",
        "--balance=false",
        "--epochs=1",
        "--out",
        "not",
    ]);
    assert_eq!(json(&place, "not/manifest.json")["config"]["balance"], false);
}

#[test]
fn resume_goes_on_with_the_study_of_before() {
    let place = Place::new();
    let mine = ["--preset", "fcnn", "--learning-rate=1e-3", "--trials", "2", "--study", "mine", "--out", "a"];
    place.ok(&with(&mine));
    let other = format!("sqlite:///{}", place.path("other.db").display());
    let mut command = place.command();
    command.args(["tune", "--resume", "a", "--trials", "3"]).env("STRIX_STORAGE", other);
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    mentions(&told, &["\"mine\"", "2 trials of 3", "3 trials ended"]);
    assert!(!place.path("other.db").exists());
    // Refused in words, whatever kind of value differs.
    for (option, value, words) in [
        ("--epochs", "4", "its epochs is 3, here 4; leave that option out"),
        ("--silence", "9", "its silence is 60.0, here 9.0"),
        ("--limit", "500", "its limit is 600, here 500"),
        ("--clip-norm", "2", "its clip-norm is not set, here 2.0"),
        ("--schedule", "constant", "its schedule kind is one-cycle, here constant"),
        ("--activation", "tanh", "its network activation is relu, here tanh"),
    ] {
        let refused = place.fails(2, &["tune", "--resume", "a", option, value]);
        mentions(&refused, &["study \"mine\" is of other trainings", words]);
        assert!(!refused.contains(['{', '[', '}', ']']) && !refused.contains("null"), "{refused}");
        assert!(!["Some(", "None", "choose another --study"].iter().any(|word| refused.contains(word)), "{refused}");
    }
    mentions(&place.fails(2, &["tune", "--resume", "a", "--study", "other"]), &["--study"]);
    // Another space to go on with, and with it from then on.
    place.write("space.toml", "[learning-rate]\nfloat = [1e-4, 1e-2]\nlog = true\n");
    place.ok(&with(&["--model=fcnn", "--space", "space.toml", "--trials", "2", "--out", "b"]));
    place.write("rates.toml", "[learning-rate]\nchoice = [0.5, 0.25]\n");
    place.ok(&["tune", "--resume", "b", "--trials", "3", "--space", "rates.toml"]);
    std::fs::remove_file(place.path("rates.toml")).unwrap();
    place.ok(&["tune", "--resume", "b", "--trials", "4"]);
    let rates = column(&rows(&place, "b"), "learning-rate");
    assert!(rates[2..].iter().all(|rate| ["0.5", "0.25"].contains(&rate.as_str())), "{rates:?}");
    // A file of the copy's name is another file.
    place.write("space.toml", "[learning-rate]\nchoice = [0.125]\n");
    place.ok(&["tune", "--resume", "b", "--trials", "5", "--space", "space.toml"]);
    assert_eq!(column(&rows(&place, "b"), "learning-rate")[4], "0.125");
    std::fs::remove_file(place.path("a/study.db")).unwrap();
    mentions(&place.fails(3, &["tune", "--resume", "a"]), &["study.db is not beside it"]);
}

#[test]
fn resume_finds_its_files_from_any_folder_and_its_study_nowhere_else() {
    let place = Place::new();
    pictures(&place, "own", ["left", "right"], 0);
    let small = ["--preset", "fcnn", "--epochs", "1", "--learning-rate=1e-3", "--batch-size=8"];
    let begun = [&["tune", "--dataset", "own", "--trials", "1", "--out", "a"], &small[..]].concat();
    place.ok(&begun);
    std::fs::create_dir(place.path("below")).unwrap();
    let from_below = |more: &[&str]| {
        let mut command = place.command();
        command.args(["tune", "--resume", "../a"]).args(more).current_dir(place.path("below"));
        command.output().unwrap()
    };
    let told = String::from_utf8(from_below(&["--trials", "2"]).stdout).unwrap();
    mentions(&told, &["1 trials of 2", "2 trials ended"]);

    // A study of another place would take the places of its trials.
    let url = "--storage=sqlite:///other.db";
    let words = ["a goes on with its study", "sqlite:///other.db has no such study", "leave --storage out"];
    mentions(&place.fails(2, &["tune", "--resume", "a", url, "--trials", "3"]), &words);
    place.ok(&[&begun[..5], &["--trials", "1", "--out", "b", "--study", "FCNN-own", url], &small[..]].concat());
    let refused = place.fails(2, &["tune", "--resume", "a", url, "--trials", "3"]);
    mentions(&refused, &["sqlite:///other.db has another study of this name"]);
    // The same study that was moved goes on.
    let kept = format!("--storage=sqlite:///{}", place.path("kept.db").display());
    std::fs::copy(place.path("a/study.db"), place.path("kept.db")).unwrap();
    mentions(&place.ok(&["tune", "--resume", "a", &kept, "--trials", "3"]), &["2 trials of 3"]);

    // What is there instead is told by what differs most.
    pictures(&place, "own", ["left", "right"], 50);
    let refused = place.fails(2, &["tune", "--resume", "a"]);
    mentions(&refused, &["as many images of the same classes, but others", "go on with the images"]);
    (0..20).for_each(|picture| std::fs::remove_file(place.path(&format!("own/left/{picture:02}.png"))).unwrap());
    mentions(&place.fails(2, &["tune", "--resume", "a"]), &["its images is "]);
    std::fs::rename(place.path("own/left"), place.path("own/up")).unwrap();
    mentions(&place.fails(2, &["tune", "--resume", "a"]), &["its classes had left, where there is up here"]);
    // A folder that is gone, and one given for it.
    std::fs::rename(place.path("own"), place.path("moved")).unwrap();
    mentions(&place.fails(2, &["tune", "--resume", "a"]), &["tune.json", "--dataset", "/own"]);
    let refused = place.fails(2, &["tune", "--resume", "a", "--dataset", "moved"]);
    mentions(&refused, &["its classes had left, where there is up here"]);
}

#[test]
fn a_study_is_where_its_address_says_and_goes_on_from_there() {
    let place = Place::new();
    // In a folder that looks like an address, with workers that are to find it too.
    let own =
        ["--preset", "fcnn", "--learning-rate=1e-3", "--trials", "2", "--jobs", "2", "--out", "file:what?timeout=1"];
    place.ok(&with(&own));
    assert!(place.path("file:what?timeout=1/study.db").is_file());
    let mut command = place.command();
    command
        .args(["tune", "--resume", "file:what?timeout=1", "--trials", "3"])
        .env("STRIX_STORAGE", "sqlite:///other.db");
    assert!(command.output().unwrap().status.success());
    assert_eq!(column(&rows(&place, "file:what?timeout=1"), "number"), numbers(0, 3));
    // Elsewhere, and gone on with from another folder.
    let url = "sqlite+pysqlite:///shared.db?timeout=30";
    let shared = [
        "--preset",
        "fcnn",
        "--learning-rate=1e-3",
        "--trials",
        "2",
        "--jobs",
        "2",
        "--study",
        "a/b",
        "--storage",
        url,
    ];
    place.ok(&with(&shared));
    assert!(place.path("shared.db").is_file() && place.path("studies/a-b-1/trials.csv").is_file());
    std::fs::create_dir(place.path("below")).unwrap();
    let mut command = place.command();
    command.args(["tune", "--resume", "../studies/a-b-1", "--trials", "3"]).current_dir(place.path("below"));
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    mentions(&told, &["\"a/b\"", "2 trials of 3", "3 trials ended"]);
    for name in ["other.db", "shared.db?timeout=30", "below/shared.db"] {
        assert!(!place.path(name).exists(), "{name}");
    }
}

#[test]
fn ctrl_c_stops_all_workers_and_resume_goes_on() {
    let place = Place::new();
    let args = with(&["--preset", "fcnn", "--trials", "24", "--jobs", "2", "--pruner", "none", "--out", "a"]);
    let mut child = start(&place, &args, 5);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // Both workers have gone, so nothing is under way.
    let before = rows(&place, "a");
    assert!((5..24).contains(&before.len()), "{}", before.len());
    assert!(column(&before, "state").iter().all(|state| ["complete", "failed", "waiting"].contains(&state.as_str())));

    let told = place.ok(&["tune", "--resume", "a"]);
    mentions(&told, &["24 trials ended"]);
    let after = rows(&place, "a");
    assert_eq!(column(&after, "number"), numbers(0, 24));
    assert!(column(&after, "state").iter().all(|state| ["complete", "failed"].contains(&state.as_str())));
    for (before, after) in before.iter().zip(&after).filter(|(before, _)| before[1].1 != "waiting") {
        assert_eq!(before, after);
    }
    // More of it, by an option that counts more than the one it was begun with.
    mentions(&place.ok(&["tune", "--resume", "a", "--trials", "26"]), &["24 trials of 26", "26 trials ended"]);
}

#[test]
fn a_search_that_was_killed_goes_on_with_all_its_trials() {
    let place = Place::new();
    let args = with(&["--preset", "fcnn", "--trials", "14", "--jobs", "2", "--silence", "1", "--out", "a"]);
    let mut child = start(&place, &args, 3);
    // Its workers hear that it has gone, and stop.
    signal(&child, "-KILL");
    child.wait().unwrap();
    mentions(&place.ok(&["tune", "--resume", "a", "--jobs", "1"]), &["14 trials ended"]);
    let trials = rows(&place, "a");
    assert_eq!(column(&trials, "number"), numbers(0, 14));
    assert!(!column(&trials, "state").contains(&"running".to_owned()));
}

#[test]
fn workers_join_a_study_and_a_grid_ends() {
    let place = Place::new();
    place.write("space.toml", "[optimizer]\nchoice = ['adam', 'sgd']\n[dense-width]\nchoice = [32, 64]\n");
    let url = format!("sqlite:///{}", place.path("shared.db").display());
    let search = |out: &str, trials: &str| {
        let more = [
            "--space",
            "space.toml",
            "--model=fcnn",
            "--sampler=grid",
            "--pruner=none",
            "--study=s",
            "--storage",
            &url,
            "--trials",
            trials,
            "--out",
            out,
        ];
        place.ok(&with(&more))
    };
    search("one", "3");
    let told = search("two", "50");
    mentions(&told, &["3 trials of 4", "4 trials ended"]);
    let trials = rows(&place, "two");
    let mut tried: Vec<_> = column(&trials, "optimizer").into_iter().zip(column(&trials, "dense-width")).collect();
    tried.sort();
    let all = [("adam", "32"), ("adam", "64"), ("sgd", "32"), ("sgd", "64")];
    assert_eq!(tried, all.map(|(optimizer, width)| (optimizer.to_owned(), width.to_owned())));
    // Of another question.
    let other =
        ["--space", "space.toml", "--model=fcnn", "--study=s", "--storage", &url, "--epochs=4", "--out", "three"];
    let args: Vec<&str> = with(&other).into_iter().filter(|arg| !["--epochs", "3"].contains(arg)).collect();
    mentions(
        &place.fails(2, &args),
        &["\"s\" is of other trainings", "its epochs is 3, here 4; choose another --study"],
    );
    assert!(!place.path("three").exists());
}

#[test]
fn time_runs_out_and_diverged_trials_are_failed() {
    let place = Place::new();
    place.write("space.toml", "[learning-rate]\nchoice = [1e-3, 1e30]\n");
    let more = ["--space", "space.toml", "--model=fcnn", "--sampler=grid", "--out", "a"];
    mentions(&place.ok(&with(&more)), &["2 trials ended: 1 complete, 0 pruned, 1 failed"]);
    let trials = rows(&place, "a");
    let failed = column(&trials, "failure").into_iter().filter(|why| why.contains("the loss became")).count();
    assert_eq!(failed, 1);
    let short = ["--preset", "fcnn", "--learning-rate=1e-3", "--trials", "1000", "--timeout", "2", "--out", "b"];
    let told = place.ok(&with(&short));
    mentions(&told, &["out of time; go on with strix tune --resume b"]);
}

#[test]
fn a_search_of_failed_trials_alone_is_an_error() {
    let place = Place::new();
    place.write("rates.toml", "[learning-rate]\nfloat = [1e29, 1e30]\nlog = true\n");
    place.write("blocks.toml", "[blocks]\nchoice = [6, 7]\n");
    for (out, jobs, model, space, reasons) in [
        ("a", "1", "--model=fcnn", "rates.toml", ["the loss became", "of 2)"]),
        ("b", "2", "--model=fcnn", "rates.toml", ["the loss became", "of 2)"]),
        ("c", "1", "--model=convstrix", "blocks.toml", ["--blocks", "of 2)"]),
    ] {
        let args = with(&["--space", space, model, "--trials", "2", "--pruner=none", "--jobs", jobs, "--out", out]);
        let output = place.run(&args);
        let [told, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(output.status.code(), Some(6), "{error}");
        mentions(&told, &["2 trials ended: 0 complete, 0 pruned, 2 failed"]);
        mentions(&error, &["no trial came to its end", "2 failed: ", &format!("{out}/trials.csv")]);
        mentions(&error, &reasons);
        assert!(!told.contains("next:") && !told.contains("best:"), "{told}");
        // What there is to look at, and no best of none.
        assert!(!place.path(out).join("best-params.json").exists());
        assert_eq!(column(&rows(&place, out), "state"), ["failed", "failed"]);
    }
    // Where one more comes to its end, the search has.
    place.write("rates.toml", "[learning-rate]\nchoice = [1e-3]\n");
    let told = place.ok(&["tune", "--resume", "a", "--trials", "3", "--space", "rates.toml"]);
    mentions(&told, &["best: trial 2", "next: strix train --params a/best-params.json"]);
}

#[test]
fn what_cannot_be_searched_is_refused_before_anything_is_begun() {
    let place = Place::new();
    let refused = |code: i32, more: &[&str], words: &[&str]| {
        mentions(&place.fails(code, &with(&[more, &["--out", "no"]].concat())), words);
        assert!(!place.path("no").exists());
    };
    refused(2, &[], &["--preset"]);
    refused(2, &["--preset", "fcnn", "--model", "convstrix"], &["leave --model out"]);
    refused(2, &["--preset", "vggstrix"], &["vggstrix needs --weights"]);
    refused(2, &["--preset", "fcnn", "--sampler", "grid"], &["\"learning-rate\"", "give it a step"]);
    refused(2, &["--preset", "fcnn", "--jobs", "0"], &["1..=256"]);
    refused(2, &["--preset", "fcnn", "--timeout", "0"], &["above 0"]);
    refused(2, &["--preset", "fcnn", "--study", ""], &["--study", "1 to 512 characters"]);
    refused(2, &["--preset", "fcnn", "--study", "  "], &["--study", "1 to 512 characters"]);
    refused(2, &["--preset", "fcnn", "--storage", ""], &["--storage"]);
    for jobs in ["1", "2"] {
        let memory = ["--preset", "fcnn", "--jobs", jobs, "--storage", "sqlite:///:memory:"];
        refused(3, &memory, &["sqlite:///:memory:", "one connection alone", "name a file"]);
    }
    let query = ["--preset", "fcnn", "--storage", "sqlite:///a.db?cache=shared"];
    refused(3, &query, &["\"cache=shared\"", "timeout=SECONDS"]);
    assert!(std::fs::read_dir(place.folder.path()).unwrap().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        !name.contains("memory") && !name.contains("a.db") && name != "studies"
    }));
    refused(3, &["--preset", "fcnn", "--storage", "mysql://x/y"], &["there are sqlite and postgresql"]);
    refused(
        3,
        &["--preset", "fcnn", "--storage", "postgresql://u:secret@127.0.0.1:1/x"],
        &["u:***@127.0.0.1:1", "refused"],
    );
    refused(3, &["--space", "none.toml", "--model=fcnn"], &["none.toml", "No such file"]);
    place.write("odd.toml", "[learning-speed]\nfloat = [0.1, 1.0]\n");
    refused(2, &["--space", "odd.toml", "--model=fcnn"], &["odd.toml", "--learning-speed"]);
    place.write("wrong.toml", "[learning-rate]\nfloat = [1.0, 0.1]\n");
    refused(2, &["--space", "wrong.toml", "--model=fcnn"], &["wrong.toml", "\"learning-rate\"", "from 1 to 0.1"]);
    place.write("one.toml", "[activation]\nchoice = ['relu', 'sigmoid']\n");
    refused(2, &["--space", "one.toml", "--model=fcnn"], &["one.toml", "sigmoid"]);
    place.write("other.toml", "[blocks]\nint = [1, 3]\n");
    refused(2, &["--space", "other.toml", "--model=fcnn"], &["--blocks is not for FCNN"]);
    place.write("data.toml", "[image-size]\nint = [28, 32]\n");
    refused(2, &["--space", "data.toml", "--model=fcnn"], &["data.toml", "--image-size", "cannot be searched"]);
    mentions(&place.fails(3, &["tune", "--resume", "none"]), &["none/tune.json", "no folder of strix tune"]);
    std::fs::create_dir(place.path("there")).unwrap();
    mentions(&place.fails(5, &with(&["--preset", "fcnn", "--out", "there"])), &["there exists already", "--resume"]);
    place.write("params.json", "{\"options\": {\"learning-speed\": 1}}");
    mentions(&place.fails(2, &["train", "--params", "params.json"]), &["params.json", "--learning-speed"]);
    place.write("params.json", "[]");
    mentions(&place.fails(3, &["train", "--params", "params.json"]), &["params.json", "has no \"options\""]);
}
