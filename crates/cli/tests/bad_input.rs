//! Bad input: a message that names the place, the documented exit code, no panic, nothing left behind.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, fails, gzip, mentions, npy, text};

const USAGE: i32 = 2;
const INPUT: i32 = 3;
const DEVICE: i32 = 4;
const OUTPUT: i32 = 5;

fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

#[test]
fn files_that_are_not_what_they_seem() {
    let place = Place::new();
    let directory = place.path("folder");
    std::fs::create_dir(&directory).unwrap();
    let whole = npy("'<f4'", false, "(10, 2)", &[0; 80]);
    let mut damaged = gzip(&idx(&[2000], &(0..2000u32).map(|i| (i * i % 253) as u8).collect::<Vec<_>>()));
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let compressed = gzip(&idx(&[100], &[7; 100]));
    let cases: [(std::path::PathBuf, &[&str]); 19] = [
        (place.path("none.npy"), &["none.npy", "open"]),
        (directory, &["folder", "directory"]),
        (place.write("empty.npy", ""), &["empty.npy", "0 bytes"]),
        (
            place.write("short.npy", &whole[..whole.len() - 3]),
            &["short.npy", "truncated", "[10, 2] of f32", "80 bytes", "77 bytes"],
        ),
        (place.write("long.npy", [&whole[..], &[1]].concat()), &["long.npy", "bytes follow the 20 elements"]),
        (place.write("header.npy", &whole[..40]), &["header.npy", "header"]),
        (place.write("magic.npy", "PK\x03\x04 a zip file"), &["magic.npy", "cannot be read as npy", "ZIP archive"]),
        (place.write("object.npy", npy("'|O'", false, "(2,)", &[0; 16])), &["object.npy", "|O"]),
        (place.write("complex.npy", npy("'<c8'", false, "(2,)", &[0; 16])), &["complex.npy", "c8", "astype"]),
        (
            place.write("fields.npy", npy("[('a', '<f4'), ('b', '<f4')]", false, "(2,)", &[0; 16])),
            &["fields.npy", "structured"],
        ),
        (
            place.write("vast.npy", npy("'<f8'", false, "(4611686018427387904, 4)", &[0; 16])),
            &["vast.npy", "more than a file can hold"],
        ),
        (place.write("less.idx", idx(&[5, 4], &[0; 19])), &["less.idx", "truncated", "20 elements", "19 bytes"]),
        (place.write("more.idx", idx(&[5, 4], &[0; 21])), &["more.idx", "bytes follow the 20 elements"]),
        (place.write("magic.idx", [1, 2, 3, 4, 5]), &["magic.idx", "no IDX"]),
        (place.write("head.idx", [0, 0, 8, 3, 0, 0]), &["head.idx", "dimension 0"]),
        (place.write("damaged.idx.gz", damaged), &["damaged.idx.gz", "gzip"]),
        (place.write("cut.idx.gz", &compressed[..compressed.len() - 9]), &["cut.idx.gz", "gzip"]),
        (place.write("what.bin", "GIF89a..."), &["what.bin", "unknown format", "GIF89a"]),
        (place.write("not.gz", [0x1f, 0x8b, 9, 9, 9]), &["not.gz", "gzip"]),
    ];
    for (file, words) in cases {
        for engine in ["cpu", "gpu"] {
            let message = place.fails(INPUT, &["reduce", text(&file), "--engine", engine]);
            mentions(&message, words);
        }
    }
}

#[test]
fn cells_are_named_by_line_and_column() {
    let place = Place::new();
    let cases = [
        ("a,b\n1,2\n3,x4\n", "b", vec!["line 3", "\"b\"", "x4"]),
        ("a,b\n1,2\n\"two\nlines\",3\n4,?\n", "b", vec!["line 5", "?"]),
        ("1\n2\n1.0x\n", "0", vec!["line 3", "column 0", "1.0x"]),
        ("1.0x\n2\n", "0", vec!["line 1", "1.0x"]),
        ("a,b\n1,2\n3\n", "b", vec!["line 3", "1 cell,", "2"]),
        ("a\r\n1\r\nx\r\n", "a", vec!["line 3", "x"]),
        ("a\n1\n\n\n2x\n", "a", vec!["line 5", "2x"]),
        ("a,b\n1,2\n", "c", vec!["\"c\"", "\"a\", \"b\""]),
        ("a,b\n1,2\n", "2", vec!["no column \"2\"", "\"a\", \"b\""]),
    ];
    for (content, column, words) in cases {
        let file = place.write("t.csv", content);
        mentions(&place.fails(INPUT, &["reduce", text(&file), "--column", column]), &[&words[..], &["t.csv"]].concat());
    }
    let file = place.write("t.csv", "a,b\n1,2\n");
    mentions(&place.fails(INPUT, &["reduce", text(&file), "--stats", "mean"]), &["--column", "\"a\", \"b\""]);
    let file = place.write("x.npy", npy("'<f4'", false, "(1,)", &[0; 4]));
    mentions(&place.fails(INPUT, &["reduce", text(&file), "--column", "a"]), &["x.npy", "one array", "\"a\""]);
}

#[test]
fn places_in_fortran_order_are_not_told() {
    let place = Place::new();
    let bytes: Vec<u8> = [3i64, 0, 1, 2].iter().flat_map(|x| x.to_le_bytes()).collect();
    place.write("f.npy", npy("'<i8'", true, "(2, 2)", &bytes));
    place.write("row.npy", npy("'<i8'", true, "(1, 4)", &bytes));
    for stat in ["arg_min", "arg_max", "first", "last"] {
        let message = place.fails(INPUT, &["reduce", "row.npy", "f.npy", "--stats", stat]);
        mentions(&message, &["f.npy", "Fortran order", stat, "ascontiguousarray"]);
    }
    assert_eq!(place.json(&["reduce", "f.npy", "--stats", "sum,min", "--json"])["stats"]["sum"], 6);
    assert_eq!(place.json(&["reduce", "row.npy", "--stats", "arg_min", "--json"])["stats"]["arg_min"], 1);
}

#[test]
fn a_bad_file_after_good_ones_gives_no_answer_at_all() {
    let place = Place::new();
    let good = place.write("good.csv", "1\n2\nNaN\n");
    let other = place.write("other.npy", npy("'<f4'", false, "(1,)", &[0; 4]));
    mentions(&place.fails(INPUT, &["reduce", text(&good), text(&other)]), &["other.npy", "array", "no columns"]);
    mentions(
        &place.fails(INPUT, &["reduce", text(&good), text(&good), "--nan", "error"]),
        &["good.csv", "row 2", "NaN"],
    );
    let clean = place.write("clean.csv", "1\n2\n");
    mentions(&place.fails(INPUT, &["reduce", text(&clean), text(&good), "--nan", "error"]), &["good.csv", "row 2"]);
}

#[test]
fn wrong_usage() {
    let place = Place::new();
    let file = place.write("x.csv", "1\n");
    let file = text(&file);
    mentions(
        &place.fails(USAGE, &["reduce", file, "--stats", "mean,variance"]),
        &["variance", "population_variance", "sample_variance"],
    );
    mentions(&place.fails(USAGE, &["reduce", file, "--engine", "tpu"]), &["tpu", "auto, cpu, gpu"]);
    mentions(&place.fails(USAGE, &["reduce", file, "--nan", "ignore"]), &["ignore", "propagate, skip, error"]);
    mentions(&place.fails(USAGE, &["reduce"]), &["FILE"]);
    mentions(
        &place.fails(USAGE, &["train", "--dataset", "garments", "--model", "convstrix", "--blocks", "9"]),
        &["--blocks is 9", "28x28 images halve 4 times at most"],
    );
    mentions(&place.fails(USAGE, &["train", "--model", "strixnet", "--blocks", "2"]), &["--blocks", "StrixNet"]);
    mentions(&place.fails(USAGE, &["train", "--dataset", "garments", "--limit", "1"]), &["1 images"]);
    mentions(
        &place.fails(USAGE, &["train", "--dataset", "garments", "--model", "fcnn", "--dense-layers", "99999999999"]),
        &["--dense-layers", "64 at most"],
    );
    assert!(!place.path("runs").exists());
}

#[test]
fn a_gpu_by_name_where_there_is_none() {
    let place = Place::new();
    let file = place.write("x.npy", npy("'<f8'", false, "(1,)", &[0; 8]));
    let mut command = place.command();
    command.args(["reduce", text(&file), "--engine", "gpu"]);
    command.env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent");
    mentions(&fails(&mut command, DEVICE), &["no GPU", "Vulkan", "CPU engine"]);
    // There is an adapter, but f64 has no form on it.
    mentions(&place.fails(DEVICE, &["reduce", text(&file), "--engine", "gpu"]), &["f64", "CPU engine"]);
}

#[cfg(not(feature = "train-gpu"))]
#[test]
fn training_on_a_gpu_in_a_build_without_it() {
    let place = Place::new();
    mentions(
        &place.fails(DEVICE, &["train", "--dataset", "garments", "--device", "gpu", "--out", "r"]),
        &["train-gpu"],
    );
    assert!(!place.path("r").exists());
}

#[test]
fn datasets_that_are_not_there_or_not_themselves() {
    let place = Place::new();
    let message = place
        .fails(INPUT, &["train", "--dataset", "fashion-mnist", "--out", "r", "--data", text(&place.path("nowhere"))]);
    mentions(&message, &["Fashion-MNIST", "nowhere", "127.0.0.1:9", "--data"]);
    let folder = place.path("data");
    std::fs::create_dir(&folder).unwrap();
    for name in [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ] {
        place.write(&format!("data/{name}"), gzip(&idx(&[0], &[])));
    }
    // Files that are there and wrong are an error, with or without the dataset's name.
    for name in [&["--dataset", "fashion-mnist"][..], &[]] {
        let message = place.fails(INPUT, &[&["train", "--out", "r", "--data", text(&folder)], name].concat());
        mentions(&message, &["train-images-idx3-ubyte.gz", "MD5", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"]);
    }
    assert!(!place.path("r").exists());
}

#[test]
fn run_directories_that_exist_or_are_none() {
    let place = Place::new();
    std::fs::create_dir(place.path("r")).unwrap();
    mentions(&place.fails(OUTPUT, &["train", "--dataset", "garments", "--out", "r"]), &["r exists already", "--out"]);
    mentions(&place.fails(INPUT, &["evaluate", "r"]), &["manifest.json"]);
    mentions(&place.fails(INPUT, &["evaluate", "nothing"]), &["nothing", "manifest.json"]);
    place.write("r/manifest.json", "{\"format\": 7}");
    mentions(&place.fails(INPUT, &["evaluate", "r"]), &["version 7", "version 2"]);
    place.write("r/manifest.json", "{\"format\": 2");
    mentions(&place.fails(INPUT, &["evaluate", "r"]), &["manifest.json", "no JSON"]);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_leaves_nothing_half_written() {
    let place = Place::new();
    mentions(&place.fails(OUTPUT, &["train", "--dataset", "garments", "--out", "/proc/strix/run"]), &["/proc/strix"]);
    // A file-size limit stands for a full disk.
    let limited = |train: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 64; exec {} {train}", env!("CARGO_BIN_EXE_strix"));
        let mut command = std::process::Command::new("bash");
        command.args(["-c", &script]).current_dir(place.folder.path()).env("HOME", place.folder.path());
        fails(&mut command, OUTPUT)
    };
    let names = |folder: &str| {
        let entries = std::fs::read_dir(place.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    // Not even the network fits: no run at all.
    let message = limited("train --dataset garments --limit 100 --epochs 1 --out none");
    mentions(&message, &["checkpoint.safetensors", "nothing half-written"]);
    assert_eq!(names("."), [""; 0]);
    // The network fits, with the optimizer's moments it does not: the first checkpoint stays, and is gone on from.
    let message = limited("train --dataset garments --limit 100 --epochs 1 --model fcnn --dense-width 8 --out full");
    mentions(&message, &["checkpoint.safetensors", "nothing half-written"]);
    let whole = ["checkpoint.safetensors", "manifest.json", "metrics.jsonl", "model.safetensors", "tensorboard"];
    assert_eq!(names("full"), whole);
    assert!(std::fs::read_to_string(place.path("full/manifest.json")).unwrap().contains("\"failed\""));
    place.ok(&["train", "--resume", "full"]);
    place.ok(&["evaluate", "full"]);
    assert_eq!(std::fs::read_to_string(place.path("full/metrics.jsonl")).unwrap().lines().count(), 1);
}
