//! Fashion-MNIST from its official files: found, or downloaded, and always checked.
//!
//! Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
//! Learning Algorithms", arXiv 1708.07747; <https://github.com/zalandoresearch/fashion-mnist>.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use md5::{Digest, Md5};

use crate::download::download;
use crate::idx::parse_idx;
use crate::{Error, ImageDataset, TrainTest};

/// The classes, by label.
pub const CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Where the files are published.
pub const PUBLISHED_AT: &str = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com";

/// The files: name, bytes and MD5, as published.
pub const FILES: [(&str, u64, &str); 4] = [
    ("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    ("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
    ("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
    ("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
];

/// Where to look, and where to download from and to.
#[derive(Debug, Clone)]
pub struct Places {
    /// The folder that the user named.
    pub data: Option<PathBuf>,
    /// The cache that downloads go to.
    pub cache: Option<PathBuf>,
    /// The address that holds the files: [`PUBLISHED_AT`] or a mirror of it.
    pub address: String,
}

impl Places {
    /// The folder that is given, else the one that the environment variable `STRIX_DATA` names, if any; the user's cache;
    /// and the published address, or the mirror that `STRIX_FASHION_MNIST_URL` names.
    pub fn standard(data: Option<PathBuf>) -> Self {
        let data = data.or_else(|| std::env::var_os("STRIX_DATA").filter(|data| !data.is_empty()).map(PathBuf::from));
        let cache = etcetera::choose_base_strategy().ok().map(|base| base.cache_dir().join("strix/fashion-mnist"));
        let address = std::env::var("STRIX_FASHION_MNIST_URL").unwrap_or_else(|_| PUBLISHED_AT.into());
        Self { data, cache, address }
    }
}

/// Loads all 70,000 images: from the first place that has all four files, else by downloading them.
///
/// # Errors
/// [`Error::Checksum`] when a file found is not the published one; [`Error::NotAvailable`] when the
/// files are nowhere and cannot be downloaded.
pub fn load(places: &Places) -> Result<TrainTest, Error> {
    let folder = find(places)?;
    let read = |(name, _, md5): (&str, u64, &str)| {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).map_err(Error::io(&path, "read it"))?;
        let found = md5_of(&[&bytes]);
        if found != md5 {
            return Err(Error::Checksum { path, expected: md5.into(), found });
        }
        let idx = parse_idx(&path, &bytes)?;
        Ok((path, idx))
    };
    let join = |images, labels| {
        let ((images_path, images), (labels_path, labels)) = (read(images)?, read(labels)?);
        ImageDataset::from_idx((&images_path, images), (&labels_path, labels), &CLASSES)
    };
    Ok(TrainTest {
        name: "fashion-mnist".into(),
        folder: std::path::absolute(&folder).ok(),
        train: join(FILES[0], FILES[1])?,
        validation: None,
        test: join(FILES[2], FILES[3])?,
        checksums: FILES.iter().map(|&(name, _, md5)| (name.into(), md5.into())).collect(),
    })
}

/// Whether the folder has all four files, right or wrong.
pub fn is_in(folder: &Path) -> bool {
    FILES.iter().all(|(name, ..)| folder.join(name).is_file())
}

/// The folder that holds all four files, after downloading them if need be.
fn find(places: &Places) -> Result<PathBuf, Error> {
    let searched: Vec<&Path> = [&places.data, &places.cache].into_iter().flatten().map(PathBuf::as_path).collect();
    if let Some(found) = searched.iter().find(|folder| is_in(folder)) {
        return Ok(found.to_path_buf());
    }
    let not_available = |reason: String| Error::NotAvailable {
        dataset: "Fashion-MNIST",
        searched: searched.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "),
        reason,
    };
    let Some(cache) = &places.cache else {
        return Err(not_available("this user has no cache folder to download to".into()));
    };
    for (name, bytes, md5) in FILES {
        let path = cache.join(name);
        if !path.is_file() {
            let address = format!("{}/{name}", places.address);
            download(&address, &path, bytes, |content| md5_of(&[content]) == md5).map_err(not_available)?;
        }
    }
    Ok(cache.clone())
}

/// The MD5 of parts one after the other, in hexadecimal.
pub(crate) fn md5_of(parts: &[&[u8]]) -> String {
    let mut digest = Md5::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
