//! A network's parameters and running statistics as a list: in the order that burn visits them, which is that of the
//! fields and the same in every process.

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::Network;

/// The numbers of what is visited, training flags among them.
#[derive(Default)]
pub(super) struct Ids(pub(super) Vec<ParamId>);

impl ModuleVisitor for Ids {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.id);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.push(flag.id);
    }
}

/// Shows every parameter and running statistic by its name within the network, and as a row of numbers.
pub(crate) fn named(network: &Network, each: &mut dyn FnMut(&str, Tensor<1>)) {
    struct Named<'a> {
        path: Vec<String>,
        each: &'a mut dyn FnMut(&str, Tensor<1>),
    }
    impl ModuleVisitor for Named<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.into());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            // The first name is the architecture's.
            (self.each)(&self.path[1..].join("."), param.val().reshape([-1]));
        }
    }
    network.visit(&mut Named { path: Vec::new(), each });
}

/// How many numbers the parameters are, without running statistics.
pub(super) fn count(network: &Network) -> usize {
    let mut count = 0;
    named(network, &mut |name, values| count += if name.contains(".running_") { 0 } else { values.dims()[0] });
    count
}

/// Numbers the parameters from 1, so that what an optimizer remembers finds its parameter in another process.
pub(crate) fn numbered(network: Network) -> Network {
    struct Number(u64);
    impl ModuleMapper for Number {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0 += 1;
            let gradient = param.val().is_require_grad();
            let (_, tensor, mapper) = param.consume();
            Param::from_mapped_value(ParamId::from(self.0), tensor, mapper).set_require_grad(gradient)
        }
    }
    network.map(&mut Number(0))
}

/// Every parameter and running statistic, by its number of visit.
pub(crate) fn gather(network: &Network) -> Vec<TensorData> {
    struct Gather(Vec<TensorData>);
    impl ModuleVisitor for Gather {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().detach().into_data());
        }
    }
    let mut gather = Gather(Vec::new());
    network.visit(&mut gather);
    gather.0
}

/// Puts back what [`gather`] gave; what is wrong where the list is of another network.
pub(crate) fn scatter(network: Network, values: Vec<TensorData>) -> Result<Network, String> {
    struct Scatter {
        values: std::vec::IntoIter<TensorData>,
        wrong: Option<String>,
    }
    impl ModuleMapper for Scatter {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (old, Some(new)) = (param.val(), self.values.next()) else {
                self.wrong = Some("it holds too few tensors".into());
                return param;
            };
            if &old.shape() != new.shape() {
                self.wrong = Some(format!("a tensor is {:?}, but the network's {:?}", new.shape(), old.shape()));
                return param;
            }
            let (gradient, device) = (old.is_require_grad(), old.device());
            let (id, _, mapper) = param.consume();
            Param::from_mapped_value(id, Tensor::from_data(new, &device), mapper).set_require_grad(gradient)
        }
    }
    let mut scatter = Scatter { values: values.into_iter(), wrong: None };
    let network = network.map(&mut scatter);
    match (scatter.wrong, scatter.values.next()) {
        (None, None) => Ok(network),
        (wrong, _) => Err(wrong.unwrap_or_else(|| "it holds too many tensors".into())),
    }
}

/// Moves an average of weights and running statistics towards the network's: `decay average + (1 - decay) network`.
/// Both are without gradients.
pub(crate) fn average(average: Network, network: &Network, decay: f64) -> Network {
    /// burn's map of tensors of any rank by parameter.
    struct Collect(GradientsParams);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.register(param.id, param.val());
        }
    }
    struct Blend(GradientsParams, f64);
    impl ModuleMapper for Blend {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let new = self.0.remove::<D>(param.id);
            param.map(|old| match new {
                Some(new) => old.mul_scalar(self.1).add(new.mul_scalar(1.0 - self.1)),
                None => old,
            })
        }
    }
    let mut new = Collect(GradientsParams::new());
    network.visit(&mut new);
    average.map(&mut Blend(new.0, decay))
}
