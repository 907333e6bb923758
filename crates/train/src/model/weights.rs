//! Published weights: PyTorch's `.th`, `.pt` and `.pth` (also the form from before 1.6) and safetensors.

use std::fs;
use std::path::{Path, PathBuf};

use burn::store::{ModuleSnapshot, ModuleStore, PyTorchToBurnAdapter, PytorchStore, SafetensorsStore};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Network;
use crate::Error;
use crate::batch::Preparation;
use crate::config::{NetworkConfig, VGG19};

/// Which weights a run began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pretrained {
    /// The file's name.
    pub file: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// A weights file, opened and looked at.
pub struct Weights {
    path: PathBuf,
    /// What goes into the manifest.
    pub record: Pretrained,
    bytes: Vec<u8>,
    metadata: std::collections::HashMap<String, String>,
    names: Vec<String>,
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Weights").field("path", &self.path).field("names", &self.names).finish_non_exhaustive()
    }
}

/// Which convolutions of torchvision's `features` begin VGG19's blocks, and which index the first layer of all has.
const FEATURES: [usize; 5] = [0, 5, 10, 19, 28];

/// Means and deviations of ImageNet's channels, red first, as shares of white: what torchvision and the CIFAR ResNets
/// of akamaster/pytorch_resnet_cifar10 were trained with.
const IMAGENET: ([f64; 3], [f64; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// Keras's "caffe" preparation: blue first, 0 to 255, less the means, not scaled.
const CAFFE: [f64; 3] = [103.939, 116.779, 123.68];

impl Weights {
    /// Reads the file and the names of its tensors.
    ///
    /// # Errors
    /// [`Error::Read`] when it cannot be read or is of no known form.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let broken = |what: String| Error::Read { path: path.into(), what };
        let bytes = fs::read(path).map_err(|e| broken(format!("cannot read it: {e}")))?;
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let record = Pretrained { file, sha256 };
        let mut weights = Self { path: path.into(), record, bytes, metadata: Default::default(), names: Vec::new() };
        if weights.is_safetensors() {
            let (_, header) = safetensors::SafeTensors::read_metadata(&weights.bytes)
                .map_err(|e| broken(format!("is no whole safetensors file: {e}")))?;
            weights.metadata = header.metadata().clone().unwrap_or_default();
            weights.names = header.tensors().into_keys().collect();
        } else {
            let names = weights
                .pytorch()
                .keys()
                .map_err(|e| broken(format!("is neither safetensors nor a state that PyTorch saved: {e}")))?;
            weights.names = names;
        }
        weights.names.sort();
        Ok(weights)
    }

    fn is_safetensors(&self) -> bool {
        // A length of eight bytes, then JSON.
        self.bytes.get(8) == Some(&b'{')
    }

    fn pytorch(&self) -> PytorchStore {
        PytorchStore::from_file(&self.path)
            .with_top_level_key("state_dict")
            .with_key_remapping(r"^module\.", "")
            .skip_enum_variants(true)
            .allow_partial(true)
    }

    fn broken(&self, what: String) -> Error {
        Error::Read { path: self.path.clone(), what }
    }

    /// How many blocks of VGG19 the file holds, from the first on.
    ///
    /// # Errors
    /// [`Error::Read`] if not even the first.
    pub fn vgg_blocks(&self) -> Result<usize, Error> {
        let has = |index: usize| self.names.contains(&format!("features.{index}.weight"));
        let whole = |block: &usize| (0..VGG19[*block].0).all(|layer| has(FEATURES[*block] + 2 * layer));
        match (0..VGG19.len()).take_while(whole).count() {
            0 => Err(self.broken(format!(
                "holds no block of VGG19: names such as features.0.weight were expected, but there are {}",
                self.some_names()
            ))),
            blocks => Ok(blocks),
        }
    }

    fn some_names(&self) -> String {
        let some: Vec<&str> = self.names.iter().take(3).map(String::as_str).collect();
        some.join(", ")
    }

    /// How images are made ready for these weights, at `size` pixels a side.
    ///
    /// # Errors
    /// [`Error::Read`] when the file names a preparation that is not known.
    pub fn preparation(&self, size: usize) -> Result<Preparation, Error> {
        let said = self.metadata.get("preprocessing").map(String::as_str);
        let name = said.map(|text| text.split(':').next().unwrap_or_default().trim().to_ascii_lowercase());
        let (mean, sd) = match name.as_deref() {
            None | Some("torch") => (IMAGENET.0.to_vec(), IMAGENET.1.to_vec()),
            Some("caffe") => (CAFFE.map(|mean| mean / 255.0).to_vec(), vec![1.0 / 255.0; 3]),
            Some("tf") => (vec![0.5; 3], vec![0.5; 3]),
            Some(other) => {
                let what = format!("asks for the preprocessing {other:?}; caffe, torch and tf (as in Keras) are known");
                return Err(self.broken(what));
            }
        };
        Ok(Preparation { photo: false, size, mean, sd })
    }

    /// Puts the trunk's weights into `network`; the head keeps its own.
    ///
    /// # Errors
    /// [`Error::Read`] when the file is of another network.
    pub fn load_into(&self, network: &mut Network, config: &NetworkConfig) -> Result<(), Error> {
        let trunk = match config {
            NetworkConfig::VggStrix(_) => r"^vgg\.",
            NetworkConfig::ResNet(_) => r"^(conv1|bn1|layer[123])\.",
            _ => return Err(Error::Config(format!("{} takes no --weights", config.name()))),
        };
        let applied = if self.is_safetensors() {
            let mut store = SafetensorsStore::from_bytes(Some(self.bytes.clone()))
                .with_from_adapter(PyTorchToBurnAdapter)
                .skip_enum_variants(true)
                .allow_partial(true);
            for (block, (layers, _)) in VGG19.iter().enumerate() {
                for layer in 0..*layers {
                    let from = format!(r"^features\.{}\.", FEATURES[block] + 2 * layer);
                    store = store.with_key_remapping(from, format!("vgg.{block}.{layer}."));
                }
            }
            network.load_from(&mut store.with_regex(trunk)).map_err(|e| e.to_string())
        } else {
            network.load_from(&mut self.pytorch().with_regex(trunk)).map_err(|e| e.to_string())
        };
        let applied = applied.map_err(|e| self.broken(format!("cannot load the weights: {e}")))?;
        let of_trunk = |name: &str| match config {
            NetworkConfig::VggStrix(_) => name.starts_with("vgg."),
            _ => !name.starts_with("linear.") && !name.ends_with("num_batches_tracked"),
        };
        let missing = applied.missing.iter().map(|(name, _)| bare(name)).filter(|name| of_trunk(name));
        // Blocks of VGG19 beyond those asked for may be there; a ResNet is one depth.
        let more = applied.unused.iter().map(String::as_str);
        let more = more.filter(|name| matches!(config, NetworkConfig::ResNet(_)) && of_trunk(name));
        let wrong: Vec<&str> = missing.chain(more).collect();
        if !wrong.is_empty() || applied.applied.is_empty() || !applied.errors.is_empty() {
            let what = format!(
                "is of another network than {}: {} tensors are in one of them alone ({}), {} have another shape",
                config.name(),
                wrong.len(),
                wrong.iter().take(3).copied().collect::<Vec<_>>().join(", "),
                applied.errors.len(),
            );
            return Err(self.broken(what));
        }
        Ok(())
    }
}

/// A tensor's name without the variant of the enum that burn puts before it.
fn bare(name: &str) -> &str {
    name.split_once('.').filter(|(first, _)| first.starts_with(char::is_uppercase)).map_or(name, |(_, rest)| rest)
}
