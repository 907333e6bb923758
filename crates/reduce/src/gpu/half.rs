//! The host side of a kernel: what an aggregator brings.

use std::sync::Arc;

use bytemuck::AnyBitPattern;
use strix_shaders::{ComposeError, Layout, Part, Snippet};

use super::Partial;

/// Reads an aggregator's state out of a partial.
type Read<S> = Arc<dyn Fn(&Partial<'_>) -> S + Send + Sync>;

/// An aggregator's GPU half: the WGSL of its state, and how to read that state back.
pub struct GpuHalf<S> {
    specs: Vec<Spec>,
    read: Read<S>,
}

/// A snippet, and what the host brings for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spec {
    pub(super) snippet: Snippet,
    pub(super) parameters: Arc<[u32]>,
    pub(super) counters: u32,
    /// The size and the members of the State's Rust half, where it is one struct.
    mirror: Option<Mirror>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Mirror {
    bytes: usize,
    members: Vec<(&'static str, usize)>,
}

impl<S: 'static> GpuHalf<S> {
    /// A half of these snippets, read by `read`.
    pub fn new(snippets: Vec<Snippet>, read: impl Fn(&Partial<'_>) -> S + Send + Sync + 'static) -> Self {
        let spec = |snippet| Spec { snippet, parameters: Arc::default(), counters: 0, mirror: None };
        Self { specs: snippets.into_iter().map(spec).collect(), read: Arc::new(read) }
    }

    /// A half whose WGSL State is the struct `P`, member by member; `members` are the names and offsets of those to
    /// check (`std::mem::offset_of!`). A kernel whose State lies otherwise is refused when it is compiled.
    ///
    /// ```
    /// use std::mem::offset_of;
    /// use strix_reduce::gpu::{GpuHalf, Snippet};
    ///
    /// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
    /// #[repr(C)]
    /// struct Positive { count: u32 }
    ///
    /// const POSITIVE: Snippet = Snippet::of_keys("positive", "struct PositiveState { count: u32 } ...");
    /// let half = GpuHalf::mirrored(POSITIVE, &[("count", offset_of!(Positive, count))], |state: Positive, _| state);
    /// # let _ = half;
    /// ```
    pub fn mirrored<P: AnyBitPattern>(
        snippet: Snippet,
        members: &[(&'static str, usize)],
        read: impl Fn(P, &Partial<'_>) -> S + Send + Sync + 'static,
    ) -> Self {
        let mirror = Some(Mirror { bytes: size_of::<P>(), members: members.into() });
        let spec = Spec { snippet, parameters: Arc::default(), counters: 0, mirror };
        Self { specs: vec![spec], read: Arc::new(move |partial| read(partial.state(snippet.name), partial)) }
    }

    /// A half that counts into `counters` bins, as the snippet's parameters say; see [`Partial::counts`].
    pub fn counting(
        snippet: Snippet,
        parameters: Arc<[u32]>,
        counters: u32,
        read: impl Fn(&[u32], &Partial<'_>) -> S + Send + Sync + 'static,
    ) -> Self {
        let spec = Spec { snippet, parameters: parameters.clone(), counters, mirror: None };
        let read = move |partial: &Partial<'_>| read(partial.counts(snippet.name, &parameters), partial);
        Self { specs: vec![spec], read: Arc::new(read) }
    }

    /// The same snippets, their state read through `f`.
    pub fn map<R>(self, f: impl Fn(S) -> R + Send + Sync + 'static) -> GpuHalf<R> {
        let read = self.read;
        GpuHalf { specs: self.specs, read: Arc::new(move |partial| f(read(partial))) }
    }

    /// Several halves as one, whose state `read` puts together of theirs.
    pub(crate) fn joined(specs: Vec<Spec>, read: impl Fn(&Partial<'_>) -> S + Send + Sync + 'static) -> Self {
        Self { specs, read: Arc::new(read) }
    }
}

impl<S> GpuHalf<S> {
    pub(crate) fn specs(&self) -> &[Spec] {
        &self.specs
    }

    /// The snippets to compose.
    pub fn snippets(&self) -> impl Iterator<Item = &Snippet> {
        self.specs.iter().map(|spec| &spec.snippet)
    }

    /// The state in a partial.
    pub fn read(&self, partial: &Partial<'_>) -> S {
        (self.read)(partial)
    }
}

impl<S> Clone for GpuHalf<S> {
    fn clone(&self) -> Self {
        Self { specs: self.specs.clone(), read: self.read.clone() }
    }
}

impl<S> std::fmt::Debug for GpuHalf<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.snippets().map(|snippet| snippet.name)).finish()
    }
}

/// The specs without repetitions, each as a numbered part of a kernel.
pub(super) fn parts(specs: &[Spec]) -> Vec<(Spec, Part)> {
    let mut parts: Vec<(Spec, Part)> = Vec::new();
    for spec in specs {
        if parts.iter().any(|(seen, _)| seen == spec) {
            continue;
        }
        // Snippets of one name that differ in their text meet in the composition, which refuses them.
        let alike = parts.iter().filter(|(seen, _)| seen.snippet == spec.snippet && spec.snippet.counts);
        let part = Part {
            snippet: spec.snippet,
            instance: alike.count() as u32,
            parameters: spec.parameters.len() as u32,
            counters: spec.counters,
        };
        parts.push((spec.clone(), part));
    }
    parts
}

impl Spec {
    /// Refuses a State that lies otherwise in WGSL than in Rust.
    pub(super) fn check(&self, layout: &Layout) -> Result<(), ComposeError> {
        let (Some(mirror), Some(part)) = (&self.mirror, layout.part(self.snippet.name)) else { return Ok(()) };
        let at =
            |name: &str| part.members.iter().find(|member| member.name == name).map(|member| member.offset as usize);
        if part.bytes as usize == mirror.bytes && mirror.members.iter().all(|(name, offset)| at(name) == Some(*offset))
        {
            return Ok(());
        }
        let list = |members: &mut dyn Iterator<Item = (&str, usize)>, bytes: usize| {
            let members = members.map(|(name, offset)| format!("{name} at {offset}, ")).collect::<String>();
            format!("{members}{bytes} bytes in all")
        };
        let mut wgsl = part.members.iter().map(|member| (member.name.as_str(), member.offset as usize));
        Err(ComposeError::Layout {
            name: self.snippet.name.into(),
            wgsl: list(&mut wgsl, part.bytes as usize),
            rust: list(&mut mirror.members.iter().copied(), mirror.bytes),
        })
    }
}
