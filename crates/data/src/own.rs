//! A user's own dataset: a folder of pictures by class, or of IDX files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::fashion_mnist::md5_of;
use crate::picture::Picture;
use crate::{Error, ImageDataset, TrainTest, read_idx, split};

/// Pixels a side that pictures are brought to where nothing else is asked for.
pub const SIZE: usize = 28;

/// The share of pictures that is trained on where the folder does not say.
const TRAIN_SHARE: f64 = 0.8;

/// Loads a folder of one of these forms:
///
/// * `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with `t10k` or `test` for `train`, each also as
///   `.gz`; the classes' names are the lines of `classes.txt`, or numbers;
/// * `train/CLASS/*.png` and `test/CLASS/*.png` (or `.jpg`, `.jpeg`);
/// * `CLASS/*.png`, of which every fifth of each class, chosen always alike, is to test on.
///
/// Pictures become grey and `size` x `size` pixels ([`Picture::fit`]); IDX images stay as they are.
///
/// # Errors
/// [`Error::Io`] and [`Error::Format`], naming the file or the folder and what is wrong with it.
pub fn load(folder: &Path, size: Option<usize>) -> Result<TrainTest, Error> {
    let (train, test) = match idx(folder, &["train"])? {
        Some(train) => {
            let test = idx(folder, &["t10k", "test"])?;
            let missing =
                || Error::format(folder, "has train-images-idx3-ubyte, but no t10k- or test-images-idx3-ubyte");
            named(folder, train, test.ok_or_else(missing)?)?
        }
        None => pictures(folder, size.unwrap_or(SIZE))?,
    };
    let whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
    let sum = md5_of(&[&train.pixels, &train.labels, &test.pixels, &test.labels]);
    Ok(TrainTest { name: whole.display().to_string(), train, test, checksums: vec![("pixels and labels".into(), sum)] })
}

/// The images and labels of the first of these parts that the folder has.
fn idx(folder: &Path, parts: &[&str]) -> Result<Option<ImageDataset>, Error> {
    let find = |name: String| {
        [name.clone(), name + ".gz"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file())
    };
    for part in parts {
        let Some(images) = find(format!("{part}-images-idx3-ubyte")) else { continue };
        let labels = find(format!("{part}-labels-idx1-ubyte"))
            .ok_or_else(|| Error::format(&images, format!("has no {part}-labels-idx1-ubyte beside it")))?;
        let all: Vec<String> = (0..256).map(|class: usize| class.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        return ImageDataset::from_idx((&images, read_idx(&images)?), (&labels, read_idx(&labels)?), &all).map(Some);
    }
    Ok(None)
}

/// Gives the classes of IDX files their names.
fn named(folder: &Path, train: ImageDataset, test: ImageDataset) -> Result<(ImageDataset, ImageDataset), Error> {
    if (train.width, train.height) != (test.width, test.height) {
        let [a, b] = [&train, &test].map(|set| format!("{} x {}", set.height, set.width));
        return Err(Error::format(folder, format!("has training images of {a} pixels, but test images of {b}")));
    }
    let classes = train.labels.iter().chain(&test.labels).max().map_or(0, |&most| usize::from(most) + 1);
    let path = folder.join("classes.txt");
    let names: Vec<String> = if path.is_file() {
        let text = fs::read_to_string(&path).map_err(Error::io(&path, "read it"))?;
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    } else {
        (0..classes).map(|class| class.to_string()).collect()
    };
    if names.len() < classes {
        return Err(Error::format(
            &path,
            format!("names {} classes, but labels go up to {}", names.len(), classes - 1),
        ));
    }
    check_classes(folder, names.len())?;
    Ok((ImageDataset { classes: names.clone(), ..train }, ImageDataset { classes: names, ..test }))
}

fn check_classes(folder: &Path, classes: usize) -> Result<(), Error> {
    match classes {
        2..=255 => Ok(()),
        _ => Err(Error::format(folder, format!("holds {classes} classes, but 2 to 255 can be told apart"))),
    }
}

/// The classes' pictures, by the classes' names.
type Classes = BTreeMap<String, Vec<PathBuf>>;

fn pictures(folder: &Path, size: usize) -> Result<(ImageDataset, ImageDataset), Error> {
    let (train, test) = (folder.join("train"), folder.join("test"));
    if train.is_dir() && test.is_dir() {
        let (train, test) = (classes(&train)?, classes(&test)?);
        if let Some(strange) = test.keys().find(|class| !train.contains_key(*class)) {
            let what = format!("has the class {strange:?} in test, but not in train");
            return Err(Error::format(folder, what));
        }
        let names: Vec<String> = train.keys().cloned().collect();
        check_classes(folder, names.len())?;
        return Ok((decode(&train, &names, size)?, decode(&test, &names, size)?));
    }
    let all = classes(folder)?;
    let names: Vec<String> = all.keys().cloned().collect();
    check_classes(folder, names.len())?;
    let all = decode(&all, &names, size)?;
    let parts = split::stratified(&all.labels, TRAIN_SHARE, 0);
    Ok((all.select(&parts.train), all.select(&parts.validation)))
}

/// Each sub-folder is a class.
fn classes(folder: &Path) -> Result<Classes, Error> {
    let mut classes = Classes::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let is_picture = |path: &PathBuf| {
            let kind = path.extension().map(|kind| kind.to_string_lossy().to_ascii_lowercase());
            path.is_file() && matches!(kind.as_deref(), Some("png" | "jpg" | "jpeg"))
        };
        let pictures: Vec<PathBuf> = entries(&class)?.into_iter().filter(is_picture).collect();
        let name = class.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if pictures.is_empty() && !name.starts_with('.') {
            return Err(Error::format(&class, "is a class's folder, but holds no .png, .jpg or .jpeg"));
        }
        if !pictures.is_empty() {
            classes.insert(name, pictures);
        }
    }
    if classes.is_empty() {
        let what = "holds neither a folder of pictures for each class (or train and test with them) nor IDX files";
        return Err(Error::format(folder, what));
    }
    Ok(classes)
}

/// In the order of their names, so that a dataset is the same everywhere.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut listed: Vec<PathBuf> = listed.map_err(Error::io(folder, "list it"))?;
    listed.sort();
    Ok(listed)
}

fn decode(classes: &Classes, names: &[String], size: usize) -> Result<ImageDataset, Error> {
    let mut set =
        ImageDataset { pixels: Vec::new(), labels: Vec::new(), width: size, height: size, classes: names.to_vec() };
    for (name, pictures) in classes {
        let label = names.iter().position(|other| other == name).unwrap_or_default() as u8;
        for path in pictures {
            set.pixels.extend(Picture::open(path)?.fit(size));
            set.labels.push(label);
        }
    }
    Ok(set)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;
    use crate::picture::to_png;

    fn picture(path: PathBuf, shade: u8) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, to_png(6, 6, &[shade; 36]).unwrap()).unwrap();
    }

    #[test]
    fn pictures_by_class_are_split_or_come_split() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..10 {
            picture(folder.path().join(format!("b/{at}.png")), 10 + at);
            picture(folder.path().join(format!("a/{at}.PNG")), 100 + at);
        }
        let data = load(folder.path(), Some(4)).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (16, 4));
        assert_eq!(data.train.classes, ["a", "b"]);
        assert_eq!((data.train.width, data.train.height), (4, 4));
        for set in [&data.train, &data.test] {
            for image in 0..set.len() {
                assert_eq!(set.image(image)[0] >= 100, set.labels[image] == 0);
            }
        }
        assert_eq!(load(folder.path(), Some(4)).unwrap(), data);

        let split = tempfile::tempdir().unwrap();
        picture(split.path().join("train/x/1.png"), 1);
        picture(split.path().join("train/y/1.png"), 2);
        picture(split.path().join("test/y/1.png"), 3);
        let data = load(split.path(), None).unwrap();
        assert_eq!((data.train.labels, data.test.labels, data.test.pixels[0]), (vec![0, 1], vec![1], 3));
        picture(split.path().join("test/z/1.png"), 3);
        assert!(load(split.path(), None).unwrap_err().to_string().contains("\"z\""));
    }

    #[test]
    fn idx_files_have_names_or_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        for part in ["train", "test"] {
            write(&format!("{part}-images-idx3-ubyte"), &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 9]);
            write(&format!("{part}-labels-idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0, 2, 1, 0]);
        }
        let data = load(folder.path(), None).unwrap();
        assert_eq!(
            (data.train.classes.len(), &data.train.labels[..], &data.test.pixels[..]),
            (2, &[1, 0][..], &[7, 9][..])
        );
        write("classes.txt", b"cat\ndog\n");
        assert_eq!(load(folder.path(), None).unwrap().test.classes, ["cat", "dog"]);
        write("classes.txt", b"cat\n");
        assert!(load(folder.path(), None).unwrap_err().to_string().contains("names 1 classes"));
    }

    #[test]
    fn what_is_no_dataset_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path(), None).unwrap_err().to_string().contains("neither a folder of pictures"));
        picture(folder.path().join("only/1.png"), 1);
        assert!(load(folder.path(), None).unwrap_err().to_string().contains("1 classes"));
        fs::create_dir(folder.path().join("empty")).unwrap();
        assert!(load(folder.path(), None).unwrap_err().to_string().contains("holds no .png"));
    }
}
