//! Garments: a small image dataset drawn by code, for machines without data or network.
//!
//! Ten classes of 28x28 grey images. Each image is a garment of a few polygons under a random pose
//! (rotation, scale, shear, shift, mirroring), with random fabric, background, an occluding patch
//! and noise, so that position alone tells little: a linear classifier stays far below 90 %.
//! The same seed gives the same bytes on every machine.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{ImageDataset, TrainTest};

/// The classes, by label.
pub const CLASSES: [&str; 10] =
    ["Tee", "Trousers", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"];

/// Pixels a side.
pub const SIZE: usize = 28;

/// The seed that `strix train` draws the dataset by, so that its runs compare.
pub const SEED: u64 = 0;

/// Samples a side for each pixel, against jagged edges.
const SAMPLES: usize = 3;

/// Draws `train` and `test` images, classes in turn.
///
/// ```
/// let garments = strix_data::garments::draw(20, 10, strix_data::garments::SEED);
/// assert_eq!((garments.train.len(), garments.test.len()), (20, 10));
/// ```
pub fn draw(train: usize, test: usize, seed: u64) -> TrainTest {
    TrainTest {
        name: "garments".into(),
        folder: None,
        train: images(train, seed, 0),
        validation: None,
        test: images(test, seed, 1),
        checksums: Vec::new(),
    }
}

fn images(count: usize, seed: u64, stream: u64) -> ImageDataset {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let labels: Vec<u8> = (0..count).map(|i| (i % CLASSES.len()) as u8).collect();
    let pixels = labels.iter().flat_map(|&label| image(label, &mut random)).collect();
    ImageDataset::new(pixels, labels, [SIZE; 2], CLASSES.iter().map(ToString::to_string).collect())
}

/// A convex polygon in garment coordinates (x right, y down, both about -1 to 1), painted over
/// what came before: 1 is fabric, 0 is background, between are seams and shades.
struct Patch {
    corners: Vec<[f32; 2]>,
    ink: f32,
}

/// A uniform number, from 24 random bits: exact in f32, so the same everywhere.
fn uniform(random: &mut impl Rng, low: f32, high: f32) -> f32 {
    low + (random.next_u32() >> 8) as f32 / (1 << 24) as f32 * (high - low)
}

fn image(label: u8, random: &mut impl Rng) -> Vec<u8> {
    let patches = garment(label, random);
    let mirrored = if random.next_u32() & 1 == 0 { 1.0 } else { -1.0 };
    let (tilt, shear) = (uniform(random, -0.3, 0.3), uniform(random, -0.2, 0.2));
    // Rotation by a tangent, so that no library's sine decides a pixel.
    let norm = 1.0 / (1.0 + tilt * tilt).sqrt();
    let (wide, high) = (uniform(random, 0.55, 0.95), uniform(random, 0.55, 0.95));
    let (dx, dy) = (uniform(random, -0.3, 0.3), uniform(random, -0.3, 0.3));
    let fabric = uniform(random, 0.35, 1.0);
    let ground = uniform(random, 0.0, 0.25);
    let stripes = if random.next_u32().is_multiple_of(3) { uniform(random, 0.2, 0.5) } else { 0.0 };
    let pitch = uniform(random, 4.0, 9.0);
    let hidden = [uniform(random, -1.0, 0.6), uniform(random, -1.0, 0.6)];
    let noise = uniform(random, 0.02, 0.14);

    let ink_at = |x: f32, y: f32| {
        let (x, y) = (x - dx, y - dy);
        let (x, y) = ((x + tilt * y) * norm, (y - tilt * x) * norm);
        let (x, y) = (mirrored * (x + shear * y) / wide, y / high);
        let ink = patches.iter().rev().find(|patch| inside(&patch.corners, x, y)).map_or(0.0, |patch| patch.ink);
        let band = (y * pitch).floor() as i32 & 1 == 0;
        ink * if band { 1.0 - stripes } else { 1.0 }
    };
    let mut pixels = Vec::with_capacity(SIZE * SIZE);
    for row in 0..SIZE {
        for column in 0..SIZE {
            let mut ink = 0.0;
            for sample in 0..SAMPLES * SAMPLES {
                let at = |cell: usize, part: usize| {
                    ((cell * SAMPLES + part) as f32 + 0.5) / (SIZE * SAMPLES) as f32 * 2.0 - 1.0
                };
                ink += ink_at(at(column, sample % SAMPLES), at(row, sample / SAMPLES));
            }
            ink /= (SAMPLES * SAMPLES) as f32;
            let at = |cell: usize| cell as f32 / SIZE as f32 * 2.0 - 1.0;
            let covered =
                (0.0..0.35).contains(&(at(column) - hidden[0])) && (0.0..0.35).contains(&(at(row) - hidden[1]));
            let shade = if covered { 0.5 } else { ground + ink * (fabric - ground) };
            let shade = shade + uniform(random, -noise, noise);
            pixels.push((shade.clamp(0.0, 1.0) * 255.0) as u8);
        }
    }
    pixels
}

/// Whether the point is in the convex polygon: on one side of all its edges.
fn inside(corners: &[[f32; 2]], x: f32, y: f32) -> bool {
    let side = |i: usize| {
        let ([ax, ay], [bx, by]) = (corners[i], corners[(i + 1) % corners.len()]);
        (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    };
    (0..corners.len()).all(|i| side(i) >= 0.0) || (0..corners.len()).all(|i| side(i) <= 0.0)
}

fn patch(ink: f32, corners: &[[f32; 2]]) -> Patch {
    Patch { corners: corners.to_vec(), ink }
}

/// The patch and its mirror image.
fn pair(ink: f32, corners: &[[f32; 2]]) -> [Patch; 2] {
    let mirror: Vec<[f32; 2]> = corners.iter().map(|&[x, y]| [-x, y]).collect();
    [patch(ink, corners), patch(ink, &mirror)]
}

fn garment(label: u8, random: &mut impl Rng) -> Vec<Patch> {
    let mut vary = |low, high| uniform(random, low, high);
    match label {
        0 => top(vary(0.7, 0.9), vary(-0.25, 0.05), None, 0.35),
        1 => trousers(vary(0.08, 0.2), vary(0.35, 0.5)),
        2 => top(vary(0.7, 0.9), vary(0.5, 0.8), None, 0.2),
        3 => dress(vary(0.25, 0.4), vary(0.5, 0.75)),
        4 => top(vary(0.85, 1.0), vary(0.5, 0.8), Some(0.15), 0.3),
        5 => sandal(vary(0.3, 0.5), vary(0.12, 0.2)),
        6 => shirt(vary(0.7, 0.9), vary(0.4, 0.8)),
        7 => sneaker(vary(0.0, 0.2), vary(0.5, 0.9)),
        8 => bag(vary(0.5, 0.8), vary(0.2, 0.45)),
        _ => boot(vary(0.3, 0.5), vary(-0.9, -0.6)),
    }
}

/// A body with sleeves down to `sleeve`, a neckline, and for a coat an open front of some width.
fn top(length: f32, sleeve: f32, front: Option<f32>, neck: f32) -> Vec<Patch> {
    let mut patches = vec![patch(1.0, &[[-0.45, -0.8], [0.45, -0.8], [0.45, length], [-0.45, length]])];
    patches.extend(pair(0.9, &[[0.35, -0.8], [0.6, -0.7], [0.95, sleeve], [0.65, sleeve + 0.1], [0.35, -0.3]]));
    patches.push(patch(0.0, &[[-neck, -0.85], [neck, -0.85], [0.0, -0.5]]));
    if let Some(width) = front {
        patches.push(patch(0.2, &[[0.0, -0.6], [width * 0.5, length], [-width, length]]));
    }
    patches
}

fn trousers(gap: f32, waist: f32) -> Vec<Patch> {
    let mut patches = vec![patch(1.0, &[[-waist, -0.95], [waist, -0.95], [waist + 0.05, -0.3], [-waist - 0.05, -0.3]])];
    patches.extend(pair(1.0, &[[0.0, -0.4], [waist + 0.05, -0.4], [waist, 0.95], [gap, 0.95]]));
    patches
}

fn dress(waist: f32, hem: f32) -> Vec<Patch> {
    let mut patches = vec![
        patch(1.0, &[[-0.35, -0.7], [0.35, -0.7], [waist, -0.1], [-waist, -0.1]]),
        patch(0.95, &[[-waist, -0.1], [waist, -0.1], [hem, 0.95], [-hem, 0.95]]),
    ];
    patches.extend(pair(1.0, &[[0.2, -0.95], [0.3, -0.95], [0.33, -0.7], [0.18, -0.7]]));
    patches
}

/// As a pullover, with a collar and a dark row of buttons.
fn shirt(length: f32, sleeve: f32) -> Vec<Patch> {
    let mut patches = top(length, sleeve, None, 0.12);
    patches.extend(pair(0.6, &[[0.05, -0.9], [0.28, -0.85], [0.1, -0.55]]));
    for button in 0..5 {
        let y = -0.45 + button as f32 * 0.25;
        patches.push(patch(0.1, &[[-0.06, y], [0.06, y], [0.06, y + 0.1], [-0.06, y + 0.1]]));
    }
    patches
}

fn sandal(rise: f32, strap: f32) -> Vec<Patch> {
    vec![
        patch(1.0, &[[-0.95, 0.35], [0.95, 0.35 - rise * 0.6], [0.95, 0.55], [-0.95, 0.6]]),
        patch(0.9, &[[-0.6, 0.4], [-0.6 + strap, 0.4], [-0.1 + strap, -0.1], [-0.1, -0.1]]),
        patch(0.9, &[[0.1, 0.3], [0.1 + strap, 0.3], [-0.1 + strap, -0.1], [-0.1, -0.1]]),
        patch(0.9, &[[0.6, 0.2], [0.6 + strap, 0.2], [0.5 + strap, -rise], [0.5, -rise]]),
    ]
}

fn sneaker(lift: f32, lace: f32) -> Vec<Patch> {
    vec![
        patch(1.0, &[[-0.95, 0.3], [-0.5, 0.1], [0.1, -0.3 - lift], [0.9, -0.35 - lift], [0.95, 0.4], [-0.95, 0.4]]),
        patch(0.4, &[[-0.95, 0.38], [0.95, 0.38], [0.95, 0.55], [-0.9, 0.55]]),
        patch(1.0 - lace, &[[-0.35, 0.0], [-0.25, 0.0], [0.15, -0.25], [0.05, -0.25]]),
    ]
}

fn bag(height: f32, handle: f32) -> Vec<Patch> {
    vec![
        patch(0.8, &[[-handle - 0.1, -0.9], [handle + 0.1, -0.9], [handle + 0.2, 0.0], [-handle - 0.2, 0.0]]),
        patch(0.0, &[[-handle, -0.75], [handle, -0.75], [handle + 0.05, 0.0], [-handle - 0.05, 0.0]]),
        patch(1.0, &[[-0.85, -0.25], [0.85, -0.25], [0.9, height], [-0.9, height]]),
        patch(0.6, &[[-0.2, -0.25], [0.2, -0.25], [0.15, 0.05], [-0.15, 0.05]]),
    ]
}

fn boot(shaft: f32, top: f32) -> Vec<Patch> {
    vec![
        patch(1.0, &[[0.9 - 2.0 * shaft, top], [0.9, top], [0.9, 0.6], [0.9 - 2.0 * shaft, 0.6]]),
        patch(1.0, &[[-0.9, 0.35], [-0.4, 0.1], [0.4, 0.0], [0.9, 0.2], [0.9, 0.6], [-0.9, 0.6]]),
        patch(0.5, &[[-0.9, 0.6], [0.9, 0.6], [0.9, 0.75], [-0.85, 0.75]]),
        patch(0.5, &[[0.5, 0.7], [0.9, 0.7], [0.9, 0.9], [0.5, 0.9]]),
    ]
}
