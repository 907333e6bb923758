//! Variations of training images, a whole batch at a time on the device.
//!
//! What is random is drawn on the host, a few numbers an image, from a generator of its own for every step: a run that
//! resumes draws what the uninterrupted one would have drawn.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Beta, Distribution};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::batch::random;

/// What is done to training images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Moved by up to so many pixels in each direction; what moves in is black.
    pub shift: usize,
    /// Mirrored left to right, every other image.
    pub flip: bool,
    /// The share of images of which a rectangle is blacked out (Zhong et al. 2020), a seventh to half as wide and as high.
    pub erase: f64,
    /// Blended in pairs by a share from Beta(m, m) (Zhang et al. 2018); 0 for none.
    pub mixup: f64,
}

/// Which image each one of a batch was blended with.
#[derive(Debug, Clone)]
pub struct Mixed {
    /// The share of the image itself.
    pub share: f64,
    /// The other's place in the batch.
    pub with: Tensor<1, Int>,
}

/// Streams of random numbers beyond those that order the epochs.
const STREAM: u64 = 1 << 32;

impl Augmentation {
    /// Whether it leaves images as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn check(&self, size: usize) -> Result<(), Error> {
        if self.shift >= size {
            return Err(Error::Config(format!("--shift is {}, but images have {size} pixels a side", self.shift)));
        }
        if !(0.0..=1.0).contains(&self.erase) {
            return Err(Error::Config(format!("--erase is {}, but must be from 0 to 1", self.erase)));
        }
        if !(self.mixup >= 0.0 && self.mixup <= 100.0) {
            return Err(Error::Config(format!("--mixup is {}, but must be from 0 to 100", self.mixup)));
        }
        Ok(())
    }

    /// Varies images `[batch, 1, height, width]` of shares of white, as this step of this seed does.
    pub fn apply(&self, images: Tensor<4>, seed: u64, step: u64) -> (Tensor<4>, Option<Mixed>) {
        let mut random = random(seed, STREAM + step);
        let [batch, _, height, width] = images.dims();
        let device = images.device();
        let mut images = images;
        let mut draw = |count: i32| -> Vec<i32> { (0..batch).map(|_| random.random_range(0..count.max(1))).collect() };
        if self.shift > 0 || self.flip {
            let most = self.shift as i32;
            let (down, right) = (draw(2 * most + 1), draw(2 * most + 1));
            let mirrored = if self.flip { draw(2) } else { vec![0; batch] };
            images = moved(images, &down, &right, &mirrored, most);
        }
        if self.erase > 0.0 {
            let side = |size: usize| (size as i32 / 7).max(1)..=(size as i32 / 2).max(1);
            let mut boxes = [const { Vec::new() }; 4];
            for _ in 0..batch {
                let erased = random.random_bool(self.erase);
                let (tall, wide) = (random.random_range(side(height)), random.random_range(side(width)));
                let (top, left) =
                    (random.random_range(0..=height as i32 - tall), random.random_range(0..=width as i32 - wide));
                // A box that is not to be is below the image.
                let top = if erased { top } else { height as i32 };
                for (list, value) in boxes.iter_mut().zip([top, top + tall, left, left + wide]) {
                    list.push(value);
                }
            }
            images = images.mask_fill(inside(&boxes, height, width, &device), 0.0);
        }
        if self.mixup == 0.0 {
            return (images, None);
        }
        let share = Beta::new(self.mixup, self.mixup).map_or(1.0, |beta| beta.sample(&mut random));
        let mut with: Vec<i32> = (0..batch as i32).collect();
        with.shuffle(&mut random);
        let with = column(&with, &device).reshape([batch]);
        let other = images.clone().select(0, with.clone());
        (images.mul_scalar(share).add(other.mul_scalar(1.0 - share)), Some(Mixed { share, with }))
    }
}

impl Mixed {
    /// For logits that gradients flow through.
    pub(crate) fn on_autodiff(self) -> Self {
        Self { with: Tensor::from_inner(self.with), ..self }
    }
}

/// Images `[batch, 1, height, width]`, mirrored or not, each pixel from `offset` rows below and columns to the right.
pub(crate) fn view(images: Tensor<4>, offset: i32, mirrored: bool) -> Tensor<4> {
    let all = |value: i32| vec![value; images.dims()[0]];
    let by = all(offset + 1);
    moved(images.clone(), &by, &by, &all(mirrored.into()), 1)
}

/// One number an image, to be broadcast over its pixels.
fn column(values: &[i32], device: &Device) -> Tensor<4, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len(), 1, 1, 1]), device)
}

/// The numbers of rows, or of columns with `along` 3.
fn places(count: usize, along: usize, device: &Device) -> Tensor<4, Int> {
    let mut shape = [1; 4];
    shape[along] = count;
    column(&(0..count as i32).collect::<Vec<_>>(), device).reshape(shape)
}

/// Each image mirrored or not, and moved by its offsets less `most`.
fn moved(images: Tensor<4>, down: &[i32], right: &[i32], mirrored: &[i32], most: i32) -> Tensor<4> {
    let [batch, _, height, width] = images.dims();
    let device = images.device();
    let offsets = |by: &[i32]| column(&by.iter().map(|by| by - most).collect::<Vec<_>>(), &device);
    let rows = places(height, 2, &device) + offsets(down);
    // Mirrored, column x comes from width - 1 - x.
    let signs = column(&mirrored.iter().map(|&mirrored| 1 - 2 * mirrored).collect::<Vec<_>>(), &device);
    let begins: Vec<i32> = right.iter().zip(mirrored).map(|(by, m)| by - most + m * (width as i32 - 1)).collect();
    let columns = places(width, 3, &device) * signs + column(&begins, &device);
    let outside = |at: &Tensor<4, Int>, count: usize| {
        at.clone().lower_elem(0).bool_or(at.clone().greater_equal_elem(count as i32))
    };
    let (above, beside) = (outside(&rows, height), outside(&columns, width));
    let rows = rows.clamp(0, height as i32 - 1).mul_scalar(width as i32);
    let from = (rows + columns.clamp(0, width as i32 - 1)).reshape([batch, height * width]);
    let moved = images.reshape([batch, height * width]).gather(1, from).reshape([batch, 1, height, width]);
    if most == 0 {
        return moved;
    }
    let shape = [batch, 1, height, width];
    moved.mask_fill(above.expand(shape).bool_or(beside.expand(shape)), 0.0)
}

/// Where each image's box `[top, bottom, left, right]` is.
fn inside(boxes: &[Vec<i32>; 4], height: usize, width: usize, device: &Device) -> Tensor<4, Bool> {
    let [top, bottom, left, right] = [0, 1, 2, 3].map(|side: usize| column(&boxes[side], device));
    let (rows, columns) = (places(height, 2, device), places(width, 3, device));
    let shape = [boxes[0].len(), 1, height, width];
    let rows = rows.expand(shape);
    let columns = columns.expand(shape);
    let within = rows.clone().greater_equal(top.expand(shape)).bool_and(rows.lower(bottom.expand(shape)));
    within.bool_and(columns.clone().greater_equal(left.expand(shape))).bool_and(columns.lower(right.expand(shape)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    fn numbers(images: Tensor<4>) -> Vec<f32> {
        images.into_data().try_to_vec().unwrap()
    }

    /// Two images of 2 x 3, 1 to 12.
    fn images() -> Tensor<4> {
        Tensor::from_data(TensorData::new((1..13).map(|x| x as f32).collect::<Vec<_>>(), [2, 1, 2, 3]), &Device::flex())
    }

    #[test]
    fn images_move_and_mirror_and_black_comes_in() {
        let still = moved(images(), &[1, 1], &[1, 1], &[0, 0], 1);
        assert_eq!(numbers(still), numbers(images()));
        // The first takes each pixel from one below, the second from one to the right.
        let once = numbers(moved(images(), &[2, 1], &[1, 2], &[0, 0], 1));
        assert_eq!(once, [4.0, 5.0, 6.0, 0.0, 0.0, 0.0, 8.0, 9.0, 0.0, 11.0, 12.0, 0.0]);
        let mirrored = numbers(moved(images(), &[0, 0], &[0, 0], &[1, 0], 0));
        assert_eq!(mirrored, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]);
    }

    #[test]
    fn boxes_cover_their_pixels() {
        let boxes = [vec![0, 2], vec![1, 4], vec![1, 0], vec![3, 2]];
        let mask =
            inside(&boxes, 2, 3, &Device::flex()).int().into_data().convert::<i32>().try_to_vec::<i32>().unwrap();
        assert_eq!(mask, [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_step_draws_the_same_and_another_step_otherwise() {
        let all = Augmentation { shift: 1, flip: true, erase: 0.5, mixup: 0.4 };
        let draw = |step| numbers(all.apply(images(), 7, step).0);
        assert_eq!(draw(3), draw(3));
        assert!((0..20).any(|step| draw(step) != draw(3)));
        let (plain, mixed) = Augmentation::default().apply(images(), 7, 1);
        assert_eq!(numbers(plain), numbers(images()));
        assert!(mixed.is_none() && Augmentation::default().is_none());
    }

    #[test]
    fn blended_images_are_between_their_two() {
        let (blended, mixed) = Augmentation { mixup: 1.0, ..Augmentation::default() }.apply(images(), 1, 2);
        let Mixed { share, with } = mixed.unwrap();
        let with = with.into_data().convert::<i32>().try_to_vec::<i32>().unwrap();
        let (before, after) = (numbers(images()), numbers(blended));
        for (image, other) in with.into_iter().enumerate() {
            let expected = before[6 * image] as f64 * share + before[6 * other as usize] as f64 * (1.0 - share);
            assert!((f64::from(after[6 * image]) - expected).abs() < 1e-5);
        }
    }
}
