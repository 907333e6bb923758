//! What training lowers: cross-entropy, with smoothed labels, weighted classes and blended pairs.

use burn::tensor::{Int, Tensor, activation};

use crate::augment::Mixed;

/// Cross-entropy of each image, shape `[batch]`: `-log softmax(logits)[label]`.
pub fn sample_losses(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    picked(activation::log_softmax(logits, 1), labels).neg()
}

fn picked(log_shares: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    log_shares.gather(1, labels.unsqueeze_dim(1)).squeeze_dim(1)
}

/// How the loss of a batch is made of those of its images.
#[derive(Debug, Clone)]
pub struct Objective {
    /// The share of each target that is spread evenly over all classes, its own among them.
    pub smoothing: f64,
    /// A weight for each class, shape `[classes]`; without, all weigh the same.
    pub weights: Option<Tensor<1>>,
}

impl Objective {
    /// The batch's loss, a mean weighted by the images' classes as in PyTorch, and the plain cross-entropy of each image.
    pub fn of(&self, logits: Tensor<2>, labels: Tensor<1, Int>, mixed: Option<&Mixed>) -> (Tensor<1>, Tensor<1>) {
        let log_shares = activation::log_softmax(logits, 1);
        let plain = picked(log_shares.clone(), labels.clone()).neg();
        let loss = self.mean(&log_shares, plain.clone(), labels.clone());
        let loss = match mixed {
            None => loss,
            Some(Mixed { share, with }) => {
                let others = labels.select(0, with.clone());
                let plain = picked(log_shares.clone(), others.clone()).neg();
                loss.mul_scalar(*share).add(self.mean(&log_shares, plain, others).mul_scalar(1.0 - share))
            }
        };
        (loss, plain.detach())
    }

    fn mean(&self, log_shares: &Tensor<2>, plain: Tensor<1>, labels: Tensor<1, Int>) -> Tensor<1> {
        let Some(weights) = &self.weights else {
            let loss = plain.mean();
            if self.smoothing == 0.0 {
                return loss;
            }
            return loss.mul_scalar(1.0 - self.smoothing).sub(log_shares.clone().mean().mul_scalar(self.smoothing));
        };
        let of_label = weights.clone().select(0, labels);
        let total = of_label.clone().sum();
        let own = (plain * of_label).sum().div(total.clone());
        if self.smoothing == 0.0 {
            return own;
        }
        let classes = weights.dims()[0] as f64;
        let spread = (log_shares.clone() * weights.clone().unsqueeze_dim(0)).sum().div(total).mul_scalar(1.0 / classes);
        own.mul_scalar(1.0 - self.smoothing).sub(spread.mul_scalar(self.smoothing))
    }
}
