//! The drawn dataset: deterministic, balanced, and no task for a linear model.

use strix_data::{ImageDataset, garments};

#[test]
fn the_same_seed_draws_the_same_bytes() {
    let (a, b) = (garments::draw(200, 50, 3), garments::draw(200, 50, 3));
    assert_eq!(a, b);
    assert_ne!(a.train.pixels, garments::draw(200, 50, 4).train.pixels);
    assert_ne!(a.train.image(0), a.test.image(0));
    for class in 0..10 {
        assert_eq!(a.train.labels.iter().filter(|&&label| label == class).count(), 20);
    }
}

#[test]
fn the_default_dataset_is_pinned() {
    // FNV-1a over the pixels: any change of the drawing changes every recorded accuracy.
    let pixels = garments::draw(1000, 0, garments::SEED).train.pixels;
    let hash = pixels.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &p| (h ^ u64::from(p)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(format!("{hash:016x}"), "1db5d340c104262f");
}

#[test]
fn a_linear_model_stays_below_90_percent() {
    let data = garments::draw(4000, 1000, garments::SEED);
    let weights = softmax_regression(&data.train, 30);
    let accuracy = |data: &ImageDataset| {
        let right = (0..data.len()).filter(|&i| best(&logits(&weights, data.image(i))) == usize::from(data.labels[i]));
        right.count() as f64 / data.len() as f64
    };
    let (train, test) = (accuracy(&data.train), accuracy(&data.test));
    assert!(test > 0.2, "the linear model learns nothing: {test}");
    assert!(test < 0.9, "the dataset is too easy: a linear model reaches {test} (training {train})");
}

type Weights = Vec<[f32; 785]>;

/// Plain stochastic gradient descent on the cross-entropy of a softmax of linear scores.
fn softmax_regression(data: &ImageDataset, epochs: usize) -> Weights {
    let mut weights: Weights = vec![[0.0; 785]; 10];
    for epoch in 0..epochs {
        let rate = 0.02 / (1.0 + epoch as f32 * 0.2);
        for i in 0..data.len() {
            // A stride coprime to the size visits all images in a scrambled order.
            let i = i * 1237 % data.len();
            let scores = logits(&weights, data.image(i));
            let top = scores.iter().copied().fold(f32::MIN, f32::max);
            let odds = scores.map(|s| (s - top).exp());
            let total: f32 = odds.iter().sum();
            for (class, row) in weights.iter_mut().enumerate() {
                let target = f32::from(u8::from(usize::from(data.labels[i]) == class));
                let step = rate * (target - odds[class] / total);
                for (w, &p) in row.iter_mut().zip(data.image(i)) {
                    *w += step * (f32::from(p) / 255.0 - 0.3);
                }
                row[784] += step;
            }
        }
    }
    weights
}

fn logits(weights: &Weights, image: &[u8]) -> [f32; 10] {
    std::array::from_fn(|class| {
        let row = &weights[class];
        row.iter().zip(image).map(|(w, &p)| w * (f32::from(p) / 255.0 - 0.3)).sum::<f32>() + row[784]
    })
}

fn best(scores: &[f32; 10]) -> usize {
    (0..10).fold(0, |best, class| if scores[class] > scores[best] { class } else { best })
}
