//! Which engine does the work, and why.

use crate::Error;
#[cfg(feature = "gpu")]
use crate::gpu::{Gpu, Planner};

/// What the caller asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineChoice {
    /// A hardware GPU where there is one, it can take the reduction, and a measurement says that it is the faster one; else
    /// the CPU, with the reason.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU, software renderers included, or an error.
    Gpu,
}

impl EngineChoice {
    /// The choices by the name that [`std::str::FromStr`] takes.
    pub const NAMES: [&'static str; 3] = ["auto", "cpu", "gpu"];
}

impl std::fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

impl std::str::FromStr for EngineChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            _ => Err(Error::UnknownName { what: "engine", name: name.into(), known: Self::NAMES.join(", ") }),
        }
    }
}

/// An engine, ready to work. Cheap to clone; one device serves any number of reducers.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) choice: EngineChoice,
    #[cfg(feature = "gpu")]
    pub(crate) gpu: Option<Gpu>,
    /// Decides for an automatic choice, by measure.
    #[cfg(feature = "gpu")]
    pub(crate) planner: Option<Planner>,
    /// Why an automatic choice is not the GPU.
    pub(crate) fallback: Option<String>,
}

/// Which engine did the work, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineReport {
    /// `cpu` or `gpu`.
    pub engine: &'static str,
    /// The GPU adapter's name and backend.
    pub adapter: Option<String>,
    /// Why the automatic choice fell back to the CPU.
    pub fallback: Option<String>,
    /// Why the automatic choice of the last push is what it is, where both engines could have taken it.
    pub plan: Option<String>,
}

impl EngineReport {
    /// That the CPU engine did the work; `fallback` says why the automatic choice took it.
    pub fn cpu(fallback: Option<String>) -> Self {
        Self { engine: "cpu", adapter: None, fallback, plan: None }
    }
}

impl Engine {
    /// The CPU engine.
    pub fn cpu() -> Self {
        Self {
            choice: EngineChoice::Cpu,
            #[cfg(feature = "gpu")]
            gpu: None,
            #[cfg(feature = "gpu")]
            planner: None,
            fallback: None,
        }
    }

    /// The engine of that choice.
    ///
    /// # Errors
    /// [`Error::NoGpu`] for [`EngineChoice::Gpu`] where there is no usable adapter.
    pub fn select(choice: EngineChoice) -> Result<Self, Error> {
        match choice {
            EngineChoice::Cpu => Ok(Self::cpu()),
            EngineChoice::Gpu => Self::open_gpu(),
            EngineChoice::Auto => Ok(Self::auto()),
        }
    }

    /// The same engine with a planner: one that remembers, or several engines' own. Only an automatic choice asks it.
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn planned(self, planner: Planner) -> Self {
        Self { planner: Some(planner), ..self }
    }

    /// The same engine, but where it cannot take a reduction or fails in it, the CPU does, and the report says why.
    #[must_use]
    pub fn or_cpu(self) -> Self {
        Self { choice: EngineChoice::Auto, ..self }
    }

    #[cfg(feature = "gpu")]
    fn open_gpu() -> Result<Self, Error> {
        Ok(Self { choice: EngineChoice::Gpu, gpu: Some(Gpu::open()?), planner: None, fallback: None })
    }

    #[cfg(not(feature = "gpu"))]
    fn open_gpu() -> Result<Self, Error> {
        Err(Error::NoGpu { reason: "this build has no `gpu` feature".into() })
    }

    #[cfg(feature = "gpu")]
    fn auto() -> Self {
        let (gpu, fallback) = match Gpu::open_hardware() {
            Ok(gpu) => (Some(gpu), None),
            Err(Error::NoGpu { reason }) => (None, Some(format!("no GPU: {reason}"))),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { choice: EngineChoice::Auto, gpu, planner: Some(Planner::new()), fallback }
    }

    #[cfg(not(feature = "gpu"))]
    fn auto() -> Self {
        let fallback = Some("this build has no `gpu` feature".into());
        Self { choice: EngineChoice::Auto, fallback }
    }
}

/// The GPU engine on a device that the caller opened.
#[cfg(feature = "gpu")]
impl From<Gpu> for Engine {
    fn from(gpu: Gpu) -> Self {
        Self { choice: EngineChoice::Gpu, gpu: Some(gpu), planner: None, fallback: None }
    }
}
