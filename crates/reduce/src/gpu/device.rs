//! Finding adapters, opening a device, and what the engine keeps on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strix_shaders::{Load, Snippet};

use super::reduce::Scratch;
use super::{GpuHalf, Pipelines};
use crate::Error;

/// A GPU, opened: a device, its queue, compiled kernels and reusable buffers. Cheap to clone.
#[derive(Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

/// Compiled pipelines, by how elements lie and by the aggregators' snippets.
type Cache = HashMap<(Load, Vec<Snippet>), Arc<Pipelines>>;

struct Inner {
    info: wgpu::AdapterInfo,
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: Mutex<Cache>,
    scratch: Mutex<Scratch>,
}

/// What `strix devices` tells of an adapter.
#[derive(Debug, Clone)]
pub struct AdapterReport {
    /// Name, type, backend and driver.
    pub info: wgpu::AdapterInfo,
    /// The adapter's own limits.
    pub limits: wgpu::Limits,
    /// The features it offers.
    pub features: wgpu::Features,
}

/// All adapters of this machine, in the order of preference: hardware before software.
pub fn adapters() -> Vec<AdapterReport> {
    found()
        .iter()
        .map(|adapter| AdapterReport {
            info: adapter.get_info(),
            limits: adapter.limits(),
            features: adapter.features(),
        })
        .collect()
}

fn found() -> Vec<wgpu::Adapter> {
    // `WGPU_BACKEND` narrows the search, as in every program on wgpu.
    let backends = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::PRIMARY);
    let descriptor = wgpu::InstanceDescriptor { backends, ..wgpu::InstanceDescriptor::new_without_display_handle() };
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(backends));
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    adapters
}

fn preferred() -> Result<wgpu::Adapter, Error> {
    let none = || Error::NoGpu { reason: "no Vulkan, Metal or DirectX 12 adapter was found".into() };
    found().into_iter().next().ok_or_else(none)
}

impl Gpu {
    /// Opens the preferred adapter: a discrete GPU, else an integrated one, else whatever there is.
    ///
    /// # Errors
    /// [`Error::NoGpu`] where there is no adapter or it refuses a device.
    pub fn open() -> Result<Self, Error> {
        Self::open_adapter(&preferred()?)
    }

    /// As [`Gpu::open`], but no software renderer.
    ///
    /// # Errors
    /// [`Error::NoGpu`] also where the only adapters are software renderers.
    pub fn open_hardware() -> Result<Self, Error> {
        let adapter = preferred()?;
        let info = adapter.get_info();
        if info.device_type == wgpu::DeviceType::Cpu {
            return Err(Error::NoGpu { reason: format!("the only adapter, {}, is a software renderer", info.name) });
        }
        Self::open_adapter(&adapter)
    }

    fn open_adapter(adapter: &wgpu::Adapter) -> Result<Self, Error> {
        let info = adapter.get_info();
        let descriptor =
            wgpu::DeviceDescriptor { label: Some("strix"), required_limits: adapter.limits(), ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| Error::NoGpu { reason: format!("{} refused a device: {e}", info.name) })?;
        // Every call is inside an error scope, which reports; without a handler wgpu would panic
        // on what a lost device says outside of one.
        device.on_uncaptured_error(Arc::new(|_| {}));
        Ok(Self::from_device(info, device, queue))
    }

    /// The engine on a device and queue that the caller opened; `info` is its adapter's.
    pub fn from_device(info: wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let inner = Inner { info, device, queue, pipelines: Mutex::default(), scratch: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The adapter's name and backend, such as `NVIDIA H200 (vulkan)`.
    pub fn adapter_name(&self) -> String {
        format!("{} ({})", self.inner.info.name, self.inner.info.backend)
    }

    /// Whether it is a software renderer, which shares the processor with the CPU engine.
    pub fn is_software(&self) -> bool {
        self.inner.info.device_type == wgpu::DeviceType::Cpu
    }

    /// The device, for buffers that are to be reduced where they lie.
    pub fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    /// The device's queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    pub(super) fn scratch(&self) -> MutexGuard<'_, Scratch> {
        // A panic while the buffers were held leaves them usable: they are only memory.
        self.inner.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pipelines of that load and these aggregators, compiled once.
    pub(crate) fn pipelines<S>(&self, load: Load, half: &GpuHalf<S>) -> Result<Arc<Pipelines>, Error> {
        let key = (load, half.snippets().to_vec());
        let mut cache = self.inner.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&key) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(self.checked("kernel compilation", || Pipelines::new(self, load, half.snippets()))??);
        cache.insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// Runs `work` and turns whatever the device reports of it into an error.
    pub(super) fn checked<R>(&self, during: &'static str, work: impl FnOnce() -> R) -> Result<R, Error> {
        let device = self.device();
        let scopes = [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal]
            .map(|filter| device.push_error_scope(filter));
        let result = work();
        // Scopes are a stack: the last pushed is popped first, and all of them before any return.
        let errors: Vec<_> = scopes.into_iter().rev().map(|scope| pollster::block_on(scope.pop())).collect();
        match errors.into_iter().flatten().next() {
            Some(error) => Err(Error::Device { during, message: error.to_string() }),
            None => Ok(result),
        }
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gpu").field(&self.adapter_name()).finish()
    }
}
