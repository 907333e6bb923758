//! Labelled images in memory.

use crate::Error;
use crate::picture::outermost;
use crate::split::identity;

/// Grey images of one size with a class each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDataset {
    /// Pixels of all images, 0 black to 255 white, shape `[len, height, width]`.
    pub pixels: Vec<u8>,
    /// The class of each image, an index into `classes`.
    pub labels: Vec<u8>,
    /// What each image is known by, wherever it stands: a hash of its class and file name in a folder of pictures, of its
    /// pixels elsewhere.
    pub ids: Vec<u64>,
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The classes' names.
    pub classes: Vec<String>,
}

/// A dataset as it is published: images to train on, and images to test on at the very end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainTest {
    /// The dataset's name, such as `fashion-mnist`, or the path of a folder.
    pub name: String,
    /// The folder that its files were read from, absolute; none of a dataset without files.
    pub folder: Option<std::path::PathBuf>,
    /// To train on; also to validate on, where no images are given for that.
    pub train: ImageDataset,
    /// To validate on, where the dataset has a part for it.
    pub validation: Option<ImageDataset>,
    /// To be looked at once.
    pub test: ImageDataset,
    /// Each file and its MD5; empty for a dataset that has none.
    pub checksums: Vec<(String, String)>,
}

impl TrainTest {
    /// As [`is_of_photos`].
    pub fn is_of_photos(&self) -> bool {
        is_of_photos(&self.name)
    }
}

/// Whether the dataset of this name has photos of single things, cut out, centered, light on dark (or drawings that are like
/// them), so that a photo from elsewhere is to be made like them before it is predicted.
pub fn is_of_photos(name: &str) -> bool {
    ["fashion-mnist", "garments"].contains(&name)
}

impl ImageDataset {
    /// Images of `[rows, columns]` pixels that are known by them.
    ///
    /// # Panics
    /// Unless there are pixels for each label.
    pub fn new(pixels: Vec<u8>, labels: Vec<u8>, [height, width]: [usize; 2], classes: Vec<String>) -> Self {
        let size = height * width;
        assert_eq!(pixels.len(), labels.len() * size, "pixels of {} images of {height} x {width}", labels.len());
        let ids = (0..labels.len()).map(|at| identity(&[&pixels[at * size..][..size]])).collect();
        Self { pixels, labels, ids, width, height, classes }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of image `index`, row by row.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.width * self.height;
        &self.pixels[index * size..(index + 1) * size]
    }

    /// The mean shade of the images' outermost pixels, 0 black to 255 white; 0 of no images.
    pub fn background(&self) -> f64 {
        let shades = (0..self.len()).flat_map(|index| outermost(self.image(index), self.width, self.height));
        let (sum, count) = shades.fold((0u64, 0u64), |(sum, count), shade| (sum + u64::from(shade), count + 1));
        sum as f64 / count.max(1) as f64
    }

    /// Adds an image that is known by its pixels.
    ///
    /// # Panics
    /// Unless it has the size of the others.
    pub fn push(&mut self, pixels: &[u8], label: u8) {
        assert_eq!(pixels.len(), self.width * self.height, "pixels of an image of {} x {}", self.height, self.width);
        self.ids.push(identity(&[pixels]));
        self.pixels.extend_from_slice(pixels);
        self.labels.push(label);
    }

    /// The images at `indices`, in that order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            pixels: indices.iter().flat_map(|&i| self.image(i)).copied().collect(),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            ids: indices.iter().map(|&i| self.ids[i]).collect(),
            classes: self.classes.clone(),
            ..*self
        }
    }

    /// Joins images and labels read from two IDX files.
    pub(crate) fn from_idx(
        images: (&std::path::Path, crate::Idx),
        labels: (&std::path::Path, crate::Idx),
        classes: &[&str],
    ) -> Result<Self, Error> {
        let &[count, height, width] = images.1.shape.as_slice() else {
            let what = format!("has shape {:?}, expected images of shape [count, height, width]", images.1.shape);
            return Err(Error::format(images.0, what));
        };
        if labels.1.shape != [count] {
            let what = format!("has shape {:?}, expected a label for each of {count} images", labels.1.shape);
            return Err(Error::format(labels.0, what));
        }
        if let Some(at) = labels.1.data.iter().position(|&label| usize::from(label) >= classes.len()) {
            let what = format!("label {at} is {}, expected 0 to {}", labels.1.data[at], classes.len() - 1);
            return Err(Error::format(labels.0, what));
        }
        let classes = classes.iter().map(ToString::to_string).collect();
        Ok(Self::new(images.1.data, labels.1.data, [height, width], classes))
    }
}
