//! One wgpu device for burn and for strix-reduce, so that burn's tensors are reduced where they lie.

use std::any::Any;
use std::sync::OnceLock;

use burn::backend::Cube;
use burn::tensor::{Device, Int, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::wgpu::{AutoCompiler, WgpuServer};
use burn_cubecl::tensor::CubeTensor;
use strix_reduce::gpu::Gpu;
use strix_reduce::wgpu;

use crate::Error;

/// burn's device, and the same one as the engine has it.
pub(crate) struct Shared {
    pub(crate) device: Device,
    gpu: Gpu,
}

/// burn takes a device in once in a process.
static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();

/// On the preferred adapter, whatever it is.
pub(crate) fn shared() -> Result<&'static Shared, Error> {
    let open = || {
        let (device, setup) = Device::wgpu_options().init_with_setup().map_err(|e| e.to_string())?;
        let gpu = Gpu::from_device(setup.adapter.get_info(), setup.device, setup.queue);
        Ok(Shared { device, gpu })
    };
    SHARED.get_or_init(open).as_ref().map_err(|what| Error::Device(format!("the GPU cannot be opened: {what}")))
}

/// The preferred adapter, if it is hardware: burn's kernels are wrong or hang on software renderers.
pub(crate) fn open() -> Result<Device, Error> {
    let adapters = strix_reduce::gpu::adapters();
    if !adapters.into_iter().any(|adapter| adapter.info.device_type != wgpu::DeviceType::Cpu) {
        return Err(Error::Device("there is no hardware GPU to train on; use --device cpu".into()));
    }
    Ok(shared()?.device.clone())
}

/// The engine on this device, if it is the one that [`open`] opened.
pub(crate) fn engine_of(device: &Device) -> Option<&'static Gpu> {
    let shared = SHARED.get()?.as_ref().ok()?;
    (*device == shared.device).then_some(&shared.gpu)
}

/// The elements of a tensor of 32 bits each, where they lie on the device and stay while this is held.
pub(crate) struct Lent {
    pub(crate) buffer: wgpu::Buffer,
    /// Index of the first element.
    pub(crate) first: u64,
    pub(crate) count: u64,
    _held: Box<dyn Any>,
}

impl Lent {
    pub(crate) fn floats<const N: usize>(tensors: [Tensor<1>; N]) -> Result<[Self; N], Error> {
        lent(tensors.map(|tensor| {
            let tensor = tensor.inner();
            let (device, tensor) = (tensor.device(), tensor.try_into_primitive::<Cube>().map_err(failed)?);
            let resolved = tensor.client.clone().resolve_tensor_float::<CubeBackend>(tensor);
            Ok((device, resolved))
        }))
    }

    pub(crate) fn ints<const N: usize>(tensors: [Tensor<1, Int>; N]) -> Result<[Self; N], Error> {
        lent(tensors.map(|tensor| {
            let tensor = tensor.inner();
            let (device, tensor) = (tensor.device(), tensor.try_into_primitive::<Cube>().map_err(failed)?);
            let resolved = tensor.client.clone().resolve_tensor_int::<CubeBackend>(tensor);
            Ok((device, resolved))
        }))
    }
}

fn lent<const N: usize>(resolved: [Result<(Device, CubeTensor), Error>; N]) -> Result<[Lent; N], Error> {
    let mut lent = Vec::with_capacity(N);
    for resolved in resolved {
        let (device, tensor) = resolved?;
        let count = tensor.meta.shape().num_elements() as u64;
        if tensor.dtype.size() != 4 || (count > 1 && tensor.meta.strides()[..] != [1]) {
            return Err(Error::Device(format!("a tensor of {:?} does not lie in a row of 32 bits", tensor.dtype)));
        }
        // Submits what fills the tensor: the engine's commands come behind it in the same queue.
        device.flush().map_err(failed)?;
        let held = tensor.client.get_resource::<WgpuServer<AutoCompiler>>(tensor.handle.clone()).map_err(failed)?;
        let (buffer, first) = (held.resource().buffer.clone(), held.resource().offset / 4);
        lent.push(Lent { buffer, first, count, _held: Box::new((held, tensor)) });
    }
    lent.try_into().map_err(|_| Error::Device("a tensor was lost".into()))
}

fn failed(error: impl std::fmt::Debug) -> Error {
    Error::Device(format!("the device failed: {error:?}"))
}
