//! Samples reduced where burn has them, by the WGSL engine: what comes back are states.

use burn::tensor::{Int, Tensor};
use strix_reduce::gpu::{Gpu, Load, Reduction, View};
use strix_reduce::wgpu::CommandEncoderDescriptor;
use strix_reduce::{ConfusionMatrix, Max, Mean, Sum, Variance};

use super::{BINS, Collector, Losses, Samples};
use crate::Error;
use crate::gpu::{Lent, engine_of};

impl Samples {
    /// All of them as one.
    fn cat(mut parts: Vec<Self>) -> Option<Self> {
        if parts.len() < 2 {
            return parts.pop();
        }
        let floats = |of: fn(&Self) -> &Tensor<1>| Tensor::cat(parts.iter().map(|part| of(part).clone()).collect(), 0);
        let ints =
            |of: fn(&Self) -> &Tensor<1, Int>| Tensor::cat(parts.iter().map(|part| of(part).clone()).collect(), 0);
        Some(Self {
            losses: floats(|part| &part.losses),
            labels: ints(|part| &part.labels),
            predicted: ints(|part| &part.predicted),
            bins: ints(|part| &part.bins),
            gaps: floats(|part| &part.gaps),
        })
    }
}

impl Collector {
    /// Takes in the samples that lie on the engine's device, and gives back the others.
    pub(super) fn reduce_in_place(&mut self, pending: Vec<Samples>) -> Result<Vec<Samples>, Error> {
        let Some(gpu) = pending.first().and_then(|samples| engine_of(&samples.losses.device())) else {
            return Ok(pending);
        };
        let Some(samples) = Samples::cat(pending) else { return Ok(Vec::new()) };
        self.reduce(gpu, samples)?;
        Ok(Vec::new())
    }

    fn reduce(&mut self, gpu: &Gpu, samples: Samples) -> Result<(), Error> {
        let items = samples.losses.dims()[0] as u64;
        let Samples { losses, labels, predicted, bins, gaps } = samples;
        let [losses, gaps] = Lent::floats([losses, gaps])?;
        let [labels, predicted, bins] = Lent::ints([labels, predicted, bins])?;
        let of_losses = Reduction::<f32, Losses>::new(gpu, (Mean, Variance, Max))?;
        let of_pairs = Reduction::<(u32, u32), _>::new(gpu, ConfusionMatrix { classes: self.classes })?;
        let of_gaps = Reduction::<f32, _>::new(gpu, Sum)?;
        let of_losses = of_losses.bind(&losses.view())?;
        let of_pairs = of_pairs.bind(&labels.view().paired(&predicted.buffer, predicted.first))?;
        let groups = u32::from(BINS) + 1;
        let of_gaps = of_gaps.bind(&gaps.view().by_key(&bins.buffer, Load::U32, bins.first, groups))?;
        let mut encoder = gpu.device().create_command_encoder(&CommandEncoderDescriptor::default());
        of_losses.record(&mut encoder);
        of_pairs.record(&mut encoder);
        of_gaps.record(&mut encoder);
        gpu.queue().submit([encoder.finish()]);
        for state in of_losses.states()? {
            self.losses.push_state(state, items)?;
        }
        for state in of_pairs.states()? {
            self.confusion.push_state(state, items)?;
        }
        let by_bin = (0..).zip(of_gaps.states()?).filter(|(_, state)| state.count > 0);
        Ok(self.gaps.push_state(by_bin.collect(), items)?)
    }
}

impl Lent {
    fn view(&self) -> View<'_> {
        View::of(&self.buffer, self.first..self.first + self.count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::gpu;

    /// Every third loss is large; classes and bins go round at different paces.
    fn samples(count: usize, device: &Device) -> Samples {
        let floats = |of: &dyn Fn(usize) -> f32| {
            Tensor::from_data(TensorData::new((0..count).map(of).collect::<Vec<_>>(), [count]), device)
        };
        let ints = |of: &dyn Fn(usize) -> i32| {
            Tensor::from_data(TensorData::new((0..count).map(of).collect::<Vec<_>>(), [count]), device)
        };
        Samples {
            losses: floats(&|i| if i % 3 == 0 { 7.5 + i as f32 / 64.0 } else { 0.01 * (i % 89) as f32 }),
            labels: ints(&|i| (i % 10) as i32),
            predicted: ints(&|i| (i % 7) as i32),
            bins: ints(&|i| (i % 15) as i32 + 1),
            gaps: floats(&|i| 0.5 - (i % 32) as f32 / 64.0),
        }
    }

    /// As the loop has them, on a device that knows gradients.
    fn in_training(samples: Samples) -> Samples {
        let Samples { losses, labels, predicted, bins, gaps } = samples;
        let [losses, gaps] = [losses, gaps].map(Tensor::from_inner);
        let [labels, predicted, bins] = [labels, predicted, bins].map(Tensor::from_inner);
        assert!(losses.device().is_autodiff() && labels.device().is_autodiff());
        Samples { losses, labels, predicted, bins, gaps }
    }

    /// burn's own kernels are wrong on a software renderer, so nothing but the upload is burn's here.
    #[test]
    fn what_burn_uploaded_is_reduced_where_it_lies() {
        let shared = gpu::shared().unwrap();
        for counts in [vec![1], vec![128], vec![3200, 77], vec![100_000]] {
            let (mut in_place, mut on_host) = (Collector::new(10).unwrap(), Collector::new(10).unwrap());
            for &count in &counts {
                let lying = samples(count, &shared.device);
                let lying = if count.is_multiple_of(2) { in_training(lying) } else { lying };
                let given_back = in_place.reduce_in_place(vec![lying]).unwrap();
                assert!(given_back.is_empty(), "the samples did not lie on the engine's device");
                on_host.pending.push(samples(count, &Device::flex()));
                on_host.read_back().unwrap();
            }
            let (found, confusion, _) = in_place.finish().unwrap();
            let (expected, other, _) = on_host.finish().unwrap();
            assert_eq!(confusion, other);
            assert_eq!((found.samples, found.loss_max), (expected.samples, expected.loss_max));
            assert_eq!((found.accuracy, found.macro_f1), (expected.accuracy, expected.macro_f1));
            for (found, expected) in [
                (found.loss_mean, expected.loss_mean),
                (found.loss_variance, expected.loss_variance),
                (found.calibration_error, expected.calibration_error),
            ] {
                assert!(
                    (found - expected).abs() <= 1e-5 * (1e-3 + expected.abs()),
                    "{counts:?}: {found}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn samples_elsewhere_are_given_back() {
        let given_back = Collector::new(10).unwrap().reduce_in_place(vec![samples(5, &Device::flex())]).unwrap();
        assert_eq!(given_back.len(), 1);
    }
}
