//! Training steps on the CPU: Strix's convolution, normalisation and pooling beside burn's own, in the same network; and
//! ConvStrix and StrixNet as they are.
//! `cargo bench -p strix-benches --bench train`; `python benches/peers/train_step.py` has the same networks in PyTorch.
//!
//! Both take turns; the best of the rounds counts.
#![expect(clippy::print_stdout, reason = "a bench talks to a person")]

use std::time::Instant;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor, activation};
use strix_train::config::{ConvStrixConfig, NetworkConfig, StrixNetConfig};
use strix_train::optimizer::OptimizerKind;
use strix_train::{objective::sample_losses, ops};

const ROUNDS: usize = 7;
const BATCH: usize = 128;

/// Four convolutions of 32, 32, 64 and 64 filters on 28 x 28 pixels, each with batch norm; two pools; 10 classes.
#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    norms: Vec<BatchNorm>,
    output: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        let convolution = |[from, to]: [usize; 2]| {
            let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
            Conv2dConfig::new([from, to], [3, 3]).with_padding(padding).with_bias(false).init(device)
        };
        Self {
            convolutions: [[1, 32], [32, 32], [32, 64], [64, 64]].map(convolution).into(),
            norms: [32, 32, 64, 64].map(|channels| BatchNormConfig::new(channels).init(device)).into(),
            output: LinearConfig::new(64 * 7 * 7, 10).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>, ours: bool) -> Tensor<2> {
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        let mut x = images;
        for (layer, (convolution, norm)) in self.convolutions.iter().zip(&self.norms).enumerate() {
            x = if ours {
                ops::batch_norm(norm, ops::conv2d(convolution, x, false), None, true)
            } else {
                activation::relu(norm.forward(convolution.forward(x)))
            };
            if layer % 2 == 1 {
                x = if ours { ops::max_pool(x) } else { pool.forward(x) };
            }
        }
        self.output.forward(x.flatten(1, 3))
    }
}

fn main() {
    let device = Device::flex().autodiff();
    let images = Tensor::<4>::random([BATCH, 1, 28, 28], Distribution::Normal(0.0, 1.0), &device);
    let labels = Tensor::<1, Int>::zeros([BATCH], &device);
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (ours, best) in [false, true].into_iter().zip(&mut best) {
            let (network, mut adam) = (Network::new(&device), AdamConfig::new().init());
            let begin = Instant::now();
            let losses = sample_losses(network.forward(images.clone(), ours), labels.clone());
            let gradients = GradientsParams::from_grads(losses.mean().backward(), &network);
            let _trained: Network = adam.step(1e-3, network, gradients);
            *best = best.min(begin.elapsed().as_secs_f64());
        }
    }
    let [burn, strix] = best.map(|seconds| BATCH as f64 / seconds);
    println!("training steps of {BATCH} images, images/s");
    println!("  burn's operations   {burn:>8.0}");
    println!("  Strix's operations  {strix:>8.0}  {:.2} of burn's", strix / burn);
    let networks =
        [NetworkConfig::ConvStrix(ConvStrixConfig::default()), NetworkConfig::StrixNet(StrixNetConfig::default())];
    for config in networks {
        let mut network = strix_train::model::Network::new(&config, 28, 10, &device);
        let mut adam = OptimizerKind::Adam.init(0.0);
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let losses = sample_losses(network.finish_training(images.clone(), 0, 1), labels.clone());
            let gradients = GradientsParams::from_grads(losses.mean().backward(), &network);
            network = adam.step(1e-3, network, gradients);
            best = best.min(begin.elapsed().as_secs_f64());
        }
        println!("  {:<18}  {:>8.0}", config.name(), BATCH as f64 / best);
    }
}

/// As in the `strix` binary: freed tensors stay at hand for the next step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
