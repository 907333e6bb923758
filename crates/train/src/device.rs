//! Where a model is trained.

use burn::tensor::Device;

use crate::Error;

/// The device to train on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// burn's flex backend: SIMD and threads, repeatable to the bit.
    #[default]
    Cpu,
    /// burn's wgpu backend; needs the cargo feature `train-gpu` and a real GPU.
    Gpu,
}

impl DeviceChoice {
    /// The device, for inference.
    ///
    /// # Errors
    /// [`Error::Device`] for a GPU in a build without one, or on a machine without one.
    pub fn open(self) -> Result<Device, Error> {
        match self {
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "gpu")]
            Self::Gpu => crate::gpu::open(),
            #[cfg(not(feature = "gpu"))]
            Self::Gpu => Err(Error::Device(
                "this build trains on the CPU alone; build with `cargo build --release --features strix/train-gpu` for --device gpu".into(),
            )),
        }
    }
}
