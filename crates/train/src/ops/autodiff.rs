//! The backward passes.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};

use super::flex::{channels_last, dims, elements, geometry, images, pooled, rows, size, statistics, tensor};
use super::norm::Wanted;
use super::{FusedOps, NormForm, conv, norm, pool};

type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

#[derive(Debug)]
struct Convolution;

#[derive(Debug, Clone)]
struct ConvolutionState {
    images: FlexTensor,
    filters: FlexTensor,
    /// Where it was rectified.
    output: Option<FlexTensor>,
    stride: usize,
    padding: usize,
}

impl Backward<Flex, 3> for Convolution {
    type State = ConvolutionState;

    fn backward(self, ops: Ops<ConvolutionState, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let flow = channels_last(&grads.consume::<Flex>(&ops.node));
        let ConvolutionState { images: input, filters, output, stride, padding } = ops.state;
        let (g, shape) = (geometry(&input, &filters, stride, padding), dims::<4>(&input));
        let (input, filters) = (channels_last(&input), rows(&filters));
        let output = output.as_ref().map(channels_last);
        let [for_images, for_filters, for_bias] = ops.parents;
        let found = conv::backward(
            elements(&input),
            elements(&filters),
            elements(&flow),
            output.as_ref().map(elements),
            conv::Wanted { input: for_images.is_some(), bias: for_bias.is_some() },
            &g,
        );
        if let (Some(node), Some(gradient)) = (for_images, found.input) {
            grads.register::<Flex>(node.id, images(gradient, shape));
        }
        if let Some(node) = for_filters {
            grads.register::<Flex>(node.id, tensor(found.filters, dims::<4>(&filters)));
        }
        if let (Some(node), Some(gradient)) = (for_bias, found.bias) {
            grads.register::<Flex>(node.id, tensor(gradient, [g.filters]));
        }
    }
}

#[derive(Debug)]
struct Normalisation;

#[derive(Debug, Clone)]
struct NormalisationState {
    images: FlexTensor,
    gamma: FlexTensor,
    statistics: FlexTensor,
    /// Where it was rectified.
    output: Option<FlexTensor>,
    form: NormForm,
}

impl Backward<Flex, 4> for Normalisation {
    type State = NormalisationState;

    fn backward(self, ops: Ops<NormalisationState, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let flow = channels_last(&grads.consume::<Flex>(&ops.node));
        let state = ops.state;
        let (input, gamma) = (channels_last(&state.images), rows(&state.gamma));
        let output = state.output.as_ref().map(channels_last);
        let [for_images, for_more, for_gamma, for_beta] = ops.parents;
        let found = norm::backward(
            elements(&input),
            elements(&flow),
            output.as_ref().map(elements),
            Wanted { more: for_more.is_some(), own_statistics: state.form.own },
            &statistics(&state.statistics),
            (elements(&gamma), state.form.epsilon),
        );
        let shape = dims::<4>(&state.images);
        let channels = [shape[1]];
        if let Some(node) = for_images {
            grads.register::<Flex>(node.id, images(found.input, shape));
        }
        if let Some(node) = for_more {
            grads.register::<Flex>(node.id, images(found.more, shape));
        }
        if let Some(node) = for_gamma {
            grads.register::<Flex>(node.id, tensor(found.gamma, channels));
        }
        if let Some(node) = for_beta {
            grads.register::<Flex>(node.id, tensor(found.beta, channels));
        }
    }
}

#[derive(Debug)]
struct Pooling;

impl Backward<Flex, 1> for Pooling {
    /// Which of its square each output was, and a tensor of the input's shape.
    type State = (Vec<u8>, FlexTensor);

    fn backward(self, ops: Ops<(Vec<u8>, FlexTensor), 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let flow = channels_last(&grads.consume::<Flex>(&ops.node));
        let (places, input) = ops.state;
        if let [Some(node)] = ops.parents {
            let gradient = pool::backward(elements(&flow), &places, &size(&input));
            grads.register::<Flex>(node.id, images(gradient, dims::<4>(&input)));
        }
    }
}

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn convolution(
        images: Tracked<C>,
        filters: Tracked<C>,
        bias: Tracked<C>,
        stride: usize,
        padding: usize,
        relu: bool,
    ) -> Tracked<C> {
        let nodes = [images.node(), filters.node(), bias.node()];
        let (images, filters, bias) = (images.into_primitive(), filters.into_primitive(), bias.into_primitive());
        let output = Flex::convolution(images.clone(), filters.clone(), bias, stride, padding, relu);
        match Convolution.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let kept = relu.then(|| output.clone());
                prep.finish(ConvolutionState { images, filters, output: kept, stride, padding }, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn channel_statistics(images: Tracked<C>) -> Tracked<C> {
        <Self as burn::backend::AutodiffBackend>::from_inner(Flex::channel_statistics(images.into_primitive()))
    }

    fn normalisation(
        images: Tracked<C>,
        more: Tracked<C>,
        gamma: Tracked<C>,
        beta: Tracked<C>,
        statistics: Tracked<C>,
        form: NormForm,
    ) -> Tracked<C> {
        let nodes = [images.node(), more.node(), gamma.node(), beta.node()];
        let [images, more, gamma, beta, statistics] =
            [images, more, gamma, beta, statistics].map(|tracked| tracked.into_primitive());
        let output = Flex::normalisation(images.clone(), more, gamma.clone(), beta, statistics.clone(), form);
        match Normalisation.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let kept = form.relu.then(|| output.clone());
                prep.finish(NormalisationState { images, gamma, statistics, output: kept, form }, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn pooling(images: Tracked<C>) -> Tracked<C> {
        let node = images.node();
        let images = images.into_primitive();
        let (output, places) = pooled(&images);
        match Pooling.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((places, images), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
