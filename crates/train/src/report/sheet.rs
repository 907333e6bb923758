//! Images side by side.

use strix_data::{ImageDataset, to_png};

use crate::evaluation::Prediction;

/// Images in a square sheet, row by row, as one picture.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Images a row.
    pub across: usize,
    /// Its pixels, 0 black to 255 white.
    pub pixels: Vec<u8>,
}

impl Sheet {
    /// The images at `indices`; what is left of the last row is black.
    pub fn new(images: &ImageDataset, indices: &[usize]) -> Self {
        let across = (1..).find(|across| across * across >= indices.len()).unwrap_or(1);
        let (width, height) = (across * images.width, indices.len().div_ceil(across) * images.height);
        let mut pixels = vec![0; width * height];
        for (at, &index) in indices.iter().enumerate() {
            let (left, top) = (at % across * images.width, at / across * images.height);
            for (row, line) in images.image(index).chunks(images.width).enumerate() {
                pixels[(top + row) * width + left..][..images.width].copy_from_slice(line);
            }
        }
        Self { width, height, across, pixels }
    }

    /// As a PNG file's bytes.
    ///
    /// # Errors
    /// A text when it cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        to_png(self.width, self.height, &self.pixels)
    }
}

/// The images that were taken for another class, those first of which the model was surest.
pub fn misclassified(predictions: &[Prediction]) -> Vec<&Prediction> {
    let mut wrong: Vec<&Prediction> = predictions.iter().filter(|p| p.predicted != p.label).collect();
    let sure = |p: &Prediction| p.probabilities.get(usize::from(p.predicted)).copied().unwrap_or_default();
    wrong.sort_by(|a, b| sure(b).total_cmp(&sure(a)).then(a.index.cmp(&b.index)));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_every_image_in_its_place() {
        let images = ImageDataset::new((1..=12).collect(), vec![0; 3], [2, 2], vec!["a".into()]);
        let sheet = Sheet::new(&images, &[2, 0, 1]);
        assert_eq!((sheet.width, sheet.height, sheet.across), (4, 4, 2));
        assert_eq!(sheet.pixels, [9, 10, 1, 2, 11, 12, 3, 4, 5, 6, 0, 0, 7, 8, 0, 0]);
        assert!(Sheet::new(&images, &[]).pixels.is_empty());
    }

    #[test]
    fn the_surest_mistakes_come_first() {
        let prediction = |index, label, predicted, sure| Prediction {
            index,
            label,
            predicted,
            probabilities: if predicted == 0 { vec![sure, 1.0 - sure] } else { vec![1.0 - sure, sure] },
        };
        let all = [prediction(0, 0, 1, 0.6), prediction(1, 1, 1, 0.9), prediction(2, 1, 0, 0.8)];
        assert_eq!(misclassified(&all).iter().map(|p| p.index).collect::<Vec<_>>(), [2, 0]);
    }
}
