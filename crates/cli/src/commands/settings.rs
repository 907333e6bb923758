//! From arguments to a training configuration.

use strix_train::DeviceChoice;
use strix_train::config::{
    ConvStrixConfig, DenseConfig, NetworkConfig, ResNetConfig, StrixNetConfig, TrainConfig, VggStrixConfig,
};
use strix_train::model::Weights;

use crate::args::{Model, Settings, TrainDevice};
use crate::failure::Failure;

/// Puts what was given over the network's recipe.
macro_rules! overlay {
    ($given:expr, $config:expr, $($field:ident),*) => {
        $(if let Some(value) = $given.$field.clone() { $config.$field = value; })*
    };
}

pub(crate) fn config(args: &Settings, weights: Option<&Weights>) -> Result<TrainConfig, Failure> {
    let network = network(args, weights)?;
    if weights.is_some() && !matches!(network, NetworkConfig::VggStrix(_) | NetworkConfig::ResNet(_)) {
        return Err(usage(format!("--weights is not for {}", network.name())));
    }
    let mut config = TrainConfig::recipe(network);
    let recipe = &args.recipe;
    overlay!(args.network, config, fine_tune, block_rate);
    overlay!(recipe, config, epochs, batch_size, optimizer, learning_rate, schedule, weight_decay, label_smoothing);
    overlay!(recipe, config, accumulate, train_share, label_share, seed, precision, balance);
    overlay!(recipe, config.augmentation, shift, flip, erase, mixup);
    config.resize = args.network.resize.or(config.resize);
    config.clip_norm = recipe.clip_norm.or(config.clip_norm);
    config.average = recipe.average.or(config.average);
    config.limit = recipe.limit;
    if let Some(patience) = recipe.patience {
        config.patience = (patience > 0).then_some(patience);
    }
    if let Some(device) = recipe.device {
        config.device = self::device(device);
    }
    Ok(config)
}

pub(crate) fn device(device: TrainDevice) -> DeviceChoice {
    match device {
        TrainDevice::Cpu => DeviceChoice::Cpu,
        TrainDevice::Gpu => DeviceChoice::Gpu,
    }
}

fn network(args: &Settings, weights: Option<&Weights>) -> Result<NetworkConfig, Failure> {
    let given = &args.network;
    let dense = |mut config: DenseConfig| {
        overlay!(given, config, dense_layers, dense_width, dropout, activation);
        config
    };
    let blocks = |mut config: ConvStrixConfig| {
        overlay!(given, config, blocks, block_layers);
        config.dense = dense(config.dense);
        config
    };
    let resnet = |depth| NetworkConfig::ResNet(ResNetConfig { depth });
    let network = match given.model {
        Model::Fcnn => {
            NetworkConfig::Fcnn(dense(DenseConfig { dense_layers: 2, dense_width: 512, ..DenseConfig::default() }))
        }
        Model::Convstrix => NetworkConfig::ConvStrix(blocks(ConvStrixConfig::default())),
        Model::Strixnet => {
            let mut config = StrixNetConfig::default();
            overlay!(given, config, width, stages);
            NetworkConfig::StrixNet(config)
        }
        Model::Vggstrix => {
            let vgg_blocks = match (given.vgg_blocks, weights) {
                (Some(blocks), Some(weights)) if blocks > weights.vgg_blocks()? => {
                    let held = weights.vgg_blocks()?;
                    return Err(usage(format!("--vgg-blocks is {blocks}, but the weights hold {held}")));
                }
                (Some(blocks), _) => blocks,
                (None, Some(weights)) => weights.vgg_blocks()?,
                (None, None) => {
                    return Err(usage("vggstrix needs --weights, or --vgg-blocks to train from scratch".into()));
                }
            };
            NetworkConfig::VggStrix(VggStrixConfig {
                vgg_blocks,
                own: blocks(ConvStrixConfig { blocks: 0, ..ConvStrixConfig::default() }),
            })
        }
        Model::Resnet20 => resnet(20),
        Model::Resnet32 => resnet(32),
        Model::Resnet44 => resnet(44),
        Model::Resnet56 => resnet(56),
    };
    refuse(args, &network)?;
    Ok(network)
}

/// Refuses shapes that the network does not have.
fn refuse(args: &Settings, network: &NetworkConfig) -> Result<(), Failure> {
    let given = &args.network;
    let of_strixnet = [("width", given.width.is_some()), ("stages", given.stages.is_some())];
    let of_vgg = [("vgg-blocks", given.vgg_blocks.is_some())];
    let of_blocks = [("blocks", given.blocks.is_some()), ("block-layers", given.block_layers.is_some())];
    let of_dense = [
        ("dense-layers", given.dense_layers.is_some()),
        ("dense-width", given.dense_width.is_some()),
        ("dropout", given.dropout.is_some()),
        ("activation", given.activation.is_some()),
    ];
    let strange: Vec<&[(&str, bool)]> = match network {
        NetworkConfig::Fcnn(_) => vec![&of_strixnet, &of_vgg, &of_blocks],
        NetworkConfig::ConvStrix(_) => vec![&of_strixnet, &of_vgg],
        NetworkConfig::StrixNet(_) => vec![&of_vgg, &of_blocks, &of_dense],
        NetworkConfig::VggStrix(_) => vec![&of_strixnet],
        NetworkConfig::ResNet(_) => vec![&of_strixnet, &of_vgg, &of_blocks, &of_dense],
    };
    match strange.into_iter().flatten().find(|(_, given)| *given) {
        Some((name, _)) => Err(usage(format!("--{name} is not for {}", network.name()))),
        None => Ok(()),
    }
}

fn usage(what: String) -> Failure {
    strix_train::Error::Config(what).into()
}
