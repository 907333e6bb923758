//! Finding adapters, opening a device, and what the engine keeps on it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use strix_shaders::Recipe;

use super::kernel::{Helper, Pipelines};
use super::order::Kind;
use super::self_test::SelfTest;
use super::stream::Stream;
use crate::Error;

/// A GPU, opened: a device, its queue, compiled kernels and reusable buffers. Cheap to clone.
#[derive(Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

/// What is compiled once.
type Cache<K, V> = Mutex<HashMap<K, Arc<V>>>;

/// Changes a kernel's source, in tests that break it on purpose.
type Edit = Box<dyn Fn(String) -> String + Send + Sync>;

struct Inner {
    info: wgpu::AdapterInfo,
    device: wgpu::Device,
    limits: wgpu::Limits,
    queue: wgpu::Queue,
    pipelines: Cache<Recipe, Pipelines>,
    helpers: Cache<Kind, Helper>,
    stream: Mutex<Stream>,
    self_test: OnceLock<Result<SelfTest, Error>>,
    edit: Option<Edit>,
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
    adapter: wgpu::Adapter,
}

impl AdapterReport {
    /// Opens this adapter.
    ///
    /// # Errors
    /// [`Error::NoGpu`] where it refuses a device.
    pub fn open(&self) -> Result<Gpu, Error> {
        Gpu::open_adapter(&self.adapter)
    }
}

/// All adapters of this machine, in the order of preference: hardware before software.
pub fn adapters() -> Vec<AdapterReport> {
    found()
        .into_iter()
        .map(|adapter| AdapterReport {
            info: adapter.get_info(),
            limits: adapter.limits(),
            features: adapter.features(),
            adapter,
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

    /// The engine on a device and queue that the caller opened; `info` is its adapter's. Errors that the engine causes
    /// come back as [`Error::Device`]; a device without a handler of uncaptured errors panics at those that another
    /// thread causes by losing it.
    pub fn from_device(info: wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self::on(info, device, queue, None)
    }

    fn on(info: wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue, edit: Option<Edit>) -> Self {
        let inner = Inner {
            info,
            limits: device.limits(),
            device,
            queue,
            pipelines: Mutex::default(),
            helpers: Mutex::default(),
            stream: Mutex::default(),
            self_test: OnceLock::new(),
            edit,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The same device with every kernel's source changed, for tests that break kernels on purpose.
    #[doc(hidden)]
    #[must_use]
    pub fn with_edit(&self, edit: impl Fn(String) -> String + Send + Sync + 'static) -> Self {
        let Inner { info, device, queue, .. } = &*self.inner;
        Self::on(info.clone(), device.clone(), queue.clone(), Some(Box::new(edit)))
    }

    pub(super) fn edited(&self, source: String) -> String {
        match &self.inner.edit {
            Some(edit) => edit(source),
            None => source,
        }
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

    pub(super) fn limits(&self) -> &wgpu::Limits {
        &self.inner.limits
    }

    /// What a binding begins at a multiple of, storage or uniform, in bytes.
    pub(super) fn alignment(&self) -> u64 {
        self.inner.limits.min_storage_buffer_offset_alignment.max(4).into()
    }

    /// The buffers for host data, which one reduction uses at a time.
    pub(super) fn stream(&self) -> MutexGuard<'_, Stream> {
        // A panic while the buffers were held leaves them usable: they are only memory.
        self.inner.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn compiled(&self, recipe: Recipe) -> Result<Arc<Pipelines>, Error> {
        cached(&self.inner.pipelines, recipe, |recipe| {
            self.self_test()?.allows(recipe)?;
            self.checked("kernel compilation", || Pipelines::new(self, recipe))?
        })
    }

    pub(super) fn helper(&self, kind: Kind) -> Result<Arc<Helper>, Error> {
        cached(&self.inner.helpers, kind, |kind| self.checked("kernel compilation", || kind.compile(self))?)
    }

    /// What the device does with numbers, tested once: which kernels it may run follows from it.
    ///
    /// # Errors
    /// [`Error::Device`] when the test itself does not run.
    pub fn self_test(&self) -> Result<&SelfTest, Error> {
        let tested = self.inner.self_test.get_or_init(|| SelfTest::of(self));
        tested.as_ref().map_err(|error| Error::Device { during: "the self-test", message: error.to_string() })
    }

    /// Waits for all submitted work.
    pub(super) fn wait(&self) -> Result<(), Error> {
        let waited = self.device().poll(wgpu::PollType::wait_indefinitely());
        waited.map(|_| ()).map_err(|error| Error::Device { during: "the reduction", message: error.to_string() })
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

fn cached<K: Hash + Eq, V>(
    cache: &Cache<K, V>,
    key: K,
    make: impl FnOnce(&K) -> Result<V, Error>,
) -> Result<Arc<V>, Error> {
    let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(&key) {
        return Ok(Arc::clone(known));
    }
    let made = Arc::new(make(&key)?);
    Ok(Arc::clone(lock().entry(key).or_insert(made)))
}
