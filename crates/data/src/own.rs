//! A user's own dataset: a folder of pictures by class, or of IDX files.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::fashion_mnist::md5_of;
use crate::picture::Picture;
use crate::split::{Lots, identity, stratified};
use crate::unicode::decode as decode_text;
use crate::{Error, ImageDataset, TrainTest, memory, read_idx};

/// Pixels a side that pictures are brought to where nothing else is asked for.
pub const SIZE: usize = 28;

/// The share of pictures that is trained on where the folder does not say.
const TRAIN_SHARE: f64 = 0.8;

/// How a folder is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Pixels a side that pictures are brought to; [`SIZE`] if not given.
    pub size: Option<usize>,
    /// Refuse files that are not pictures, instead of leaving them out.
    pub strict: bool,
}

/// Files in the folders of classes that are not in the dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Files there are, those that were read among them.
    files: usize,
    /// How many of each kind were left out.
    kinds: BTreeMap<String, usize>,
    /// The first one, and what is wrong with it.
    first: String,
}

impl LeftOut {
    fn add(&mut self, kind: String, wrong: &Error) {
        if self.kinds.is_empty() {
            self.first = wrong.to_string();
        }
        *self.kinds.entry(kind).or_default() += 1;
    }
}

/// Such as `10 of 30 files are left out (10 .webp); the first: pets/cat/1.webp: is neither .png, .jpg nor .jpeg`.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, files) = (self.kinds.values().sum::<usize>(), self.files);
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        write!(f, "{count} of {files} files are left out ({}); the first: {}", kinds.join(", "), self.first)
    }
}

/// Loads a folder of one of these forms:
///
/// * `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with `t10k` or `test` for `train`, each also with a
///   dot before `idx`, and as `.gz`; the classes' names are the lines of `classes.txt`, or numbers;
/// * `train/CLASS/*.png` and `test/CLASS/*.png` (or `.jpg`, `.jpeg`); with `val/CLASS/*` (or `valid`, `validation`) as images
///   to validate on, or, where there is no `test`, to test on;
/// * `CLASS/*.png`, of which about a fifth of each class is to test on, by the pictures' names: a picture that is removed or
///   added moves no other from one part to the other.
///
/// Pictures become grey and `size` x `size` pixels ([`Picture::fit`]); IDX images stay as they are. Names that begin with a
/// dot, and what file managers leave behind, are passed over. Other files in the folders of classes, and pictures that
/// cannot be decoded, are left out, and told beside the dataset.
///
/// # Errors
/// [`Error::Io`] and [`Error::Format`], naming the file or the folder and what is wrong with it; [`Error::Memory`].
pub fn load(folder: &Path, options: &Options) -> Result<(TrainTest, Option<LeftOut>), Error> {
    let mut left_out = LeftOut::default();
    let Parts { train, validation, test } = match idx(folder, &["train"])? {
        Some(train) => {
            let test = idx(folder, &["t10k", "test"])?;
            let missing =
                || Error::format(folder, "has train-images-idx3-ubyte, but no t10k- or test-images-idx3-ubyte");
            named(folder, train, test.ok_or_else(missing)?)?
        }
        None => pictures(folder, options, &mut left_out)?,
    };
    let whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
    let sets = [Some(&train), validation.as_ref(), Some(&test)].into_iter().flatten();
    let bytes: Vec<&[u8]> = sets.flat_map(|set| [&set.pixels[..], &set.labels]).collect();
    let checksums = vec![("pixels and labels".into(), md5_of(&bytes))];
    let name = whole.display().to_string();
    let data = TrainTest { name, folder: Some(whole), train, validation, test, checksums };
    Ok((data, Some(left_out).filter(|left_out| !left_out.kinds.is_empty())))
}

/// The parts of a dataset.
struct Parts {
    train: ImageDataset,
    validation: Option<ImageDataset>,
    test: ImageDataset,
}

/// The images and labels of the first of these parts that the folder has.
fn idx(folder: &Path, parts: &[&str]) -> Result<Option<ImageDataset>, Error> {
    // As published, and as some programs unpack them.
    let find = |name: &str, kind: &str| {
        let names = ["-", "."].into_iter().flat_map(|mark| ["", ".gz"].map(|end| format!("{name}{mark}{kind}{end}")));
        names.map(|name| folder.join(name)).find(|path| path.is_file())
    };
    for part in parts {
        let Some(images) = find(&format!("{part}-images"), "idx3-ubyte") else { continue };
        let labels = find(&format!("{part}-labels"), "idx1-ubyte")
            .ok_or_else(|| Error::format(&images, format!("has no {part}-labels-idx1-ubyte beside it")))?;
        let all: Vec<String> = (0..256).map(|class: usize| class.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        return ImageDataset::from_idx((&images, read_idx(&images)?), (&labels, read_idx(&labels)?), &all).map(Some);
    }
    Ok(None)
}

/// Gives the classes of IDX files their names.
fn named(folder: &Path, train: ImageDataset, test: ImageDataset) -> Result<Parts, Error> {
    if (train.width, train.height) != (test.width, test.height) {
        let [a, b] = [&train, &test].map(|set| format!("{} x {}", set.height, set.width));
        return Err(Error::format(folder, format!("has training images of {a} pixels, but test images of {b}")));
    }
    let classes = train.labels.iter().chain(&test.labels).max().map_or(0, |&most| usize::from(most) + 1);
    let path = folder.join("classes.txt");
    let names: Vec<String> = if path.is_file() {
        let mut text = String::new();
        // Some editors begin a file with a mark of its encoding.
        let opened = fs::File::open(&path).and_then(|file| decode_text(Box::new(file)));
        opened.and_then(|(mut file, _)| file.read_to_string(&mut text)).map_err(Error::io(&path, "read it"))?;
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
    if let Some(at) = (1..names.len()).find(|&at| names[..at].contains(&names[at])) {
        return Err(Error::format(&path, format!("names two classes {:?}; give each a name of its own", names[at])));
    }
    check_classes(folder, names.len())?;
    let (train, test) = (ImageDataset { classes: names.clone(), ..train }, ImageDataset { classes: names, ..test });
    Ok(Parts { train, validation: None, test })
}

fn check_classes(folder: &Path, classes: usize) -> Result<(), Error> {
    match classes {
        2..=255 => Ok(()),
        1 => Err(Error::format(folder, "holds 1 class, but 2 to 255 can be told apart")),
        _ => Err(Error::format(folder, format!("holds {classes} classes, but 2 to 255 can be told apart"))),
    }
}

/// The classes' pictures, by the classes' names.
type Classes = BTreeMap<String, Vec<PathBuf>>;

fn pictures(folder: &Path, options: &Options, left_out: &mut LeftOut) -> Result<Parts, Error> {
    let folders: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    let part = |names: &[&str]| {
        let is = |path: &&PathBuf| names.iter().any(|name| name_of(path).eq_ignore_ascii_case(name));
        folders.iter().find(is).map(|path| name_of(path))
    };
    let (test, validation) = (part(&["test"]), part(&["val", "valid", "validation"]));
    // Without a part for it, what is there to validate on is to test on.
    let (Some(trained), Some(tested)) = (part(&["train"]), test.as_ref().or(validation.as_ref())) else {
        let all = classes(folder, options, left_out)?;
        let names = names_of(folder, &all)?;
        let all = decode(&all, &names, options, left_out)?;
        let indices: Vec<usize> = (0..all.len()).collect();
        let parts = stratified(&all, &indices, TRAIN_SHARE, Lots::new(0, "test"));
        let (train, test) = (all.select(&parts.train), all.select(&parts.validation));
        return Ok(Parts { train, validation: None, test });
    };
    let train = classes(&folder.join(&trained), options, left_out)?;
    let names = names_of(folder, &train)?;
    let train = decode(&train, &names, options, left_out)?;
    let mut other = |part: &str| {
        let pictures = classes(&folder.join(part), options, left_out)?;
        if let Some(strange) = pictures.keys().find(|class| !names.contains(class)) {
            return Err(Error::format(folder, format!("has the class {strange:?} in {part}, but not in {trained}")));
        }
        decode(&pictures, &names, options, left_out)
    };
    let validated = validation.as_ref().filter(|_| test.is_some());
    let validation = validated.map(|part| other(part)).transpose()?;
    Ok(Parts { train, validation, test: other(tested)? })
}

fn names_of(folder: &Path, classes: &Classes) -> Result<Vec<String>, Error> {
    check_classes(folder, classes.len())?;
    Ok(classes.keys().cloned().collect())
}

/// Each sub-folder is a class.
fn classes(folder: &Path, options: &Options, left_out: &mut LeftOut) -> Result<Classes, Error> {
    let mut classes = Classes::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let mut pictures = Vec::new();
        for path in entries(&class)? {
            left_out.files += 1;
            let kind = path.extension().map(|kind| kind.to_string_lossy().to_ascii_lowercase());
            let kind = match kind.as_deref() {
                _ if path.is_dir() => "folders".into(),
                Some("png" | "jpg" | "jpeg") => {
                    pictures.push(path);
                    continue;
                }
                Some(kind) => format!(".{kind}"),
                None => "without an extension".into(),
            };
            let wrong = Error::format(&path, "is neither .png, .jpg nor .jpeg");
            if options.strict {
                return Err(wrong);
            }
            left_out.add(kind, &wrong);
        }
        // Such as notes, or the runs of trainings: a class has pictures.
        if pictures.is_empty() {
            let wrong = Error::format(&class, "is a folder without pictures (.png, .jpg or .jpeg) of its own");
            if options.strict {
                return Err(wrong);
            }
            left_out.files += 1;
            left_out.add("folders without pictures".into(), &wrong);
            continue;
        }
        let Some(name) = class.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::format(&class, "cannot name a class, as it is not Unicode; rename the folder"));
        };
        classes.insert(name.to_owned(), pictures);
    }
    if classes.is_empty() {
        // An archive may unpack into a folder of its own.
        let folders = entries(folder)?.into_iter().filter(|path| path.is_dir());
        let mut inner = folders.filter(|path| entries(path).is_ok_and(|inner| inner.iter().any(|path| path.is_dir())));
        if let (Some(inner), None) = (inner.next(), inner.next()) {
            let what = format!("holds no folders of pictures, but {} may; give that one", inner.display());
            return Err(Error::format(folder, what));
        }
        let what = "holds neither a folder of pictures for each class (or train and test with them) nor IDX files";
        return Err(Error::format(folder, what));
    }
    Ok(classes)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// In the order of their names, so that a dataset is the same everywhere; without what is hidden, or what file managers and
/// archives leave behind.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut listed: Vec<PathBuf> = listed.map_err(Error::io(folder, "list it"))?;
    listed.retain(|path| {
        let name = name_of(path);
        let litter = ["__MACOSX", "Thumbs.db", "desktop.ini"];
        !name.starts_with('.') && !litter.iter().any(|litter| name.eq_ignore_ascii_case(litter))
    });
    listed.sort();
    Ok(listed)
}

fn decode(
    classes: &Classes,
    names: &[String],
    options: &Options,
    left_out: &mut LeftOut,
) -> Result<ImageDataset, Error> {
    let size = options.size.unwrap_or(SIZE);
    let count: usize = classes.values().map(Vec::len).sum();
    let bytes = count.saturating_mul(size).saturating_mul(size);
    let what = format!("{count} pictures at {size} x {size} pixels");
    memory::check(&what, bytes as u64, "make them smaller with --image-size, or take fewer")?;
    let mut set = ImageDataset {
        pixels: Vec::with_capacity(bytes),
        labels: Vec::with_capacity(count),
        ids: Vec::with_capacity(count),
        width: size,
        height: size,
        classes: names.to_vec(),
    };
    for (class, pictures) in classes {
        let label = names.iter().position(|name| name == class).unwrap_or_default() as u8;
        let before = set.len();
        let mut first = None;
        for path in pictures {
            match Picture::open(path) {
                Ok(picture) => set.pixels.extend(picture.fit(size)),
                // One that cannot be read, such as a link to nowhere, is as good as broken.
                Err(wrong @ (Error::Format { .. } | Error::Io { .. })) if !options.strict => {
                    left_out.add("broken".into(), &wrong);
                    first = first.or(Some(wrong));
                    continue;
                }
                Err(error) => return Err(error),
            }
            set.labels.push(label);
            set.ids.push(identity(&[class.as_bytes(), b"/", name_of(path).as_bytes()]));
        }
        if let Some(wrong) = first.filter(|_| set.len() == before) {
            return Err(wrong);
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

    fn sized(folder: &Path, size: usize) -> TrainTest {
        load(folder, &Options { size: Some(size), strict: false }).unwrap().0
    }

    fn refused(folder: &Path) -> String {
        load(folder, &Options::default()).unwrap_err().to_string()
    }

    #[test]
    fn pictures_by_class_are_split_or_come_split() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..40 {
            picture(folder.path().join(format!("b/{at}.png")), 10 + at);
            picture(folder.path().join(format!("a/{at}.PNG")), 100 + at);
        }
        let data = sized(folder.path(), 4);
        assert_eq!((data.train.len(), data.test.len()), (63, 17));
        assert_eq!(data.train.classes, ["a", "b"]);
        assert_eq!((data.train.width, data.train.height), (4, 4));
        for set in [&data.train, &data.test] {
            for image in 0..set.len() {
                assert_eq!(set.image(image)[0] >= 100, set.labels[image] == 0);
            }
        }
        assert_eq!(sized(folder.path(), 4), data);
        // What is removed moves nothing else, nor does the size.
        fs::remove_file(folder.path().join("a/0.PNG")).unwrap();
        fs::remove_file(folder.path().join("b/7.png")).unwrap();
        let now = sized(folder.path(), 5);
        assert!(now.train.ids.iter().all(|id| data.train.ids.contains(id)));
        assert!(now.test.ids.iter().all(|id| data.test.ids.contains(id)));
        assert_eq!(now.train.len() + now.test.len(), 78);

        let split = tempfile::tempdir().unwrap();
        picture(split.path().join("train/x/1.png"), 1);
        picture(split.path().join("train/y/1.png"), 2);
        picture(split.path().join("test/y/1.png"), 3);
        let data = sized(split.path(), SIZE);
        assert_eq!((data.train.labels, data.test.labels, data.test.pixels[0]), (vec![0, 1], vec![1], 3));
        picture(split.path().join("test/z/1.png"), 3);
        assert!(refused(split.path()).contains("\"z\" in test"));
    }

    #[test]
    fn a_part_to_validate_on_is_that_or_is_tested_on() {
        let folder = tempfile::tempdir().unwrap();
        for (part, shade) in [("Train", 1), ("val", 2)] {
            picture(folder.path().join(part).join("x/1.png"), shade);
            picture(folder.path().join(part).join("y/1.png"), shade);
        }
        let data = sized(folder.path(), 6);
        assert_eq!((data.train.pixels[0], data.validation, data.test.pixels[0]), (1, None, 2));
        picture(folder.path().join("test/x/1.png"), 3);
        let data = sized(folder.path(), 6);
        assert_eq!((data.validation.unwrap().pixels[0], data.test.pixels[0]), (2, 3));
        picture(folder.path().join("val/z/1.png"), 3);
        assert!(refused(folder.path()).contains("\"z\" in val"));
    }

    #[test]
    fn what_others_leave_behind_is_passed_over_and_other_files_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"RIFF").unwrap();
        };
        for at in 0..5 {
            picture(folder.path().join(format!("a/{at}.png")), at);
            picture(folder.path().join(format!("b/{at}.jpeg")), at);
        }
        for name in ["._0.png", "Thumbs.db", "thumbs.db", "Desktop.ini", ".DS_Store"] {
            write(&format!("a/{name}"));
            write(name);
        }
        for name in [".ipynb_checkpoints/0-checkpoint.png", "__MACOSX/a/._0.png", ".git/HEAD"] {
            write(name);
        }
        let (data, left_out) = load(folder.path(), &Options::default()).unwrap();
        assert_eq!((data.train.len() + data.test.len(), data.train.classes.len(), left_out), (10, 2, None));
        for name in ["a/1.webp", "a/2.WEBP", "a/notes", "b/more/1.png", "b/x.png"] {
            write(name);
        }
        let (again, left_out) = load(folder.path(), &Options::default()).unwrap();
        assert_eq!(again, data);
        let told = left_out.unwrap().to_string();
        assert!(told.starts_with("5 of 15 files are left out (2 .webp, 1 broken, 1 folders, 1 without an"), "{told}");
        assert!(told.ends_with("1.webp: is neither .png, .jpg nor .jpeg"), "{told}");
        let strict = Options { strict: true, ..Options::default() };
        assert!(load(folder.path(), &strict).unwrap_err().to_string().contains("1.webp: is neither"));
        for name in ["a/1.webp", "a/2.WEBP", "a/notes"] {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        fs::remove_dir_all(folder.path().join("b/more")).unwrap();
        assert!(load(folder.path(), &strict).unwrap_err().to_string().contains("x.png: is neither PNG nor JPEG"));
        // A class needs a picture that can be read.
        write("c/1.png");
        assert!(refused(folder.path()).contains("1.png: is neither PNG nor JPEG"));
    }

    #[test]
    fn idx_files_have_names_or_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        // One as published, one as some programs unpack it.
        for (part, mark) in [("train", "."), ("test", "-")] {
            write(&format!("{part}-images{mark}idx3-ubyte"), &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 9]);
            write(&format!("{part}-labels{mark}idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0, 2, 1, 0]);
        }
        let data = sized(folder.path(), SIZE);
        assert_eq!(
            (data.train.classes.len(), &data.train.labels[..], &data.test.pixels[..]),
            (2, &[1, 0][..], &[7, 9][..])
        );
        // The same picture is the same wherever it is.
        assert_eq!(data.train.ids, data.test.ids);
        assert_ne!(data.train.ids[0], data.train.ids[1]);
        write("classes.txt", b"cat\ndog\n");
        assert_eq!(sized(folder.path(), SIZE).test.classes, ["cat", "dog"]);
        write("classes.txt", b"\xef\xbb\xbfcat\r\ndog\r\n");
        assert_eq!(sized(folder.path(), SIZE).test.classes, ["cat", "dog"]);
        write("classes.txt", b"\xff\xfec\0a\0t\0\n\0d\0o\0g\0");
        assert_eq!(sized(folder.path(), SIZE).test.classes, ["cat", "dog"]);
        write("classes.txt", b"cat\n");
        assert!(refused(folder.path()).contains("names 1 classes"));
    }

    #[test]
    fn what_is_no_dataset_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(refused(folder.path()).contains("neither a folder of pictures"));
        let outer = tempfile::tempdir().unwrap();
        picture(outer.path().join("pets/cat/1.png"), 1);
        assert!(refused(outer.path()).contains("pets may; give that one"));
        picture(folder.path().join("only/1.png"), 1);
        assert!(refused(folder.path()).contains("1 class,"));
        fs::create_dir(folder.path().join("empty")).unwrap();
        assert!(refused(folder.path()).contains("1 class,"));
    }
}
