//! What of a caller's buffers is to be reduced, and how it lies.

use strix_shaders::Load;

use crate::Error;

/// Elements in buffers of the engine's device, and which of them belong together.
///
/// Buffers need usage `STORAGE`, and reach to the end of the word of their last element. Work that fills them has to
/// be submitted, or recorded, before that of the reduction.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// Each column's buffer, and the index of its first element.
    pub(super) columns: Vec<(&'a wgpu::Buffer, u64)>,
    /// One bit an element, and which of them is the first element's.
    pub(super) mask: Option<(&'a wgpu::Buffer, u64)>,
    pub(super) lie: Lie<'a>,
}

/// How elements belong to outputs.
#[derive(Debug, Clone)]
pub(super) enum Lie<'a> {
    Tensor(Tensor),
    Segments { offsets: &'a wgpu::Buffer, segments: u32, elements: u64 },
    Groups { keys: &'a wgpu::Buffer, load: Load, first: u64, groups: u32, elements: u64 },
}

/// A strided array, reduced along one axis; lengths and steps in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    /// The other axes, the last the fastest in the order of outputs: lengths and steps.
    pub(super) others: Vec<(u64, u64)>,
    /// The axis.
    pub(super) length: u64,
    pub(super) stride: u64,
}

impl Tensor {
    pub(super) fn whole(elements: u64) -> Self {
        Self { others: vec![], length: elements, stride: 1 }
    }

    pub(super) fn outputs(&self) -> u64 {
        self.others.iter().map(|(length, _)| length).product()
    }

    /// From the first element to behind the last.
    pub(super) fn span(&self) -> u64 {
        if self.outputs() == 0 || self.length == 0 {
            return 0;
        }
        let axes = self.others.iter().copied().chain([(self.length, self.stride)]);
        1 + axes.map(|(length, stride)| (length - 1) * stride).sum::<u64>()
    }
}

impl<'a> View<'a> {
    /// Elements of one buffer, all of which lead to one answer; `elements` is a range of indices.
    pub fn of(buffer: &'a wgpu::Buffer, elements: std::ops::Range<u64>) -> Self {
        let count = elements.end.saturating_sub(elements.start);
        Self { columns: vec![(buffer, elements.start)], mask: None, lie: Lie::Tensor(Tensor::whole(count)) }
    }

    /// Pairs: the second elements of each are in `buffer`, from index `first` on.
    #[must_use]
    pub fn paired(mut self, buffer: &'a wgpu::Buffer, first: u64) -> Self {
        self.columns.truncate(1);
        self.columns.push((buffer, first));
        self
    }

    /// Only the elements whose bit is 1: the first element's is bit `first` of `mask`, counted from the lowest bit of
    /// its first word. The bits of a strided array's elements lie as the elements do.
    #[must_use]
    pub fn masked(mut self, mask: &'a wgpu::Buffer, first: u64) -> Self {
        self.mask = Some((mask, first));
        self
    }

    /// A strided array that begins at the view's first element, reduced along `axis`: one answer for each place along
    /// the other axes, in row-major order. `strides` are in elements. Equal arrays in a row are the batched form:
    /// shape `[batches, elements]`, axis 1.
    ///
    /// # Errors
    /// [`Error::Parameter`] when shape and strides differ in length, there is no such axis, there are more than nine,
    /// or the array reaches past the view's elements.
    pub fn strided(mut self, shape: &[u64], strides: &[u64], axis: usize) -> Result<Self, Error> {
        if shape.len() != strides.len() || axis >= shape.len() || shape.len() > 9 {
            return Err(Error::Parameter(format!(
                "shape {shape:?} and strides {strides:?} describe no array with an axis {axis}; axes count from 0 to 8"
            )));
        }
        let available = self.elements();
        let mut others: Vec<(u64, u64)> = shape.iter().copied().zip(strides.iter().copied()).collect();
        let (length, stride) = others.remove(axis);
        let tensor = Tensor { others, length, stride };
        let fits = |tensor: &Tensor| {
            let axes = tensor.others.iter().copied().chain([(length, stride)]);
            axes.clone().try_fold(1u64, |all, axis| all.checked_mul(axis.0))?;
            let span = axes
                .filter(|axis| axis.0 > 0)
                .try_fold(1u64, |all, axis| all.checked_add((axis.0 - 1).checked_mul(axis.1)?))?;
            (shape.contains(&0) || span <= available).then_some(())
        };
        if fits(&tensor).is_none() {
            return Err(Error::Parameter(format!(
                "an array of shape {shape:?} and strides {strides:?} reaches past the {available} elements of the view"
            )));
        }
        self.lie = Lie::Tensor(tensor);
        Ok(self)
    }

    /// Segments of the view's elements: segment i from `offsets[i]` up to `offsets[i + 1]`, one answer each; `offsets`
    /// holds `segments + 1` u32 that rise (compressed sparse rows).
    #[must_use]
    pub fn segments(mut self, offsets: &'a wgpu::Buffer, segments: u32) -> Self {
        self.lie = Lie::Segments { offsets, segments, elements: self.elements() };
        self
    }

    /// Groups of the view's elements: element i belongs to group `keys[first + i]`, one answer for each of `groups`
    /// groups. `load` is how the keys lie: u8, u16 or u32.
    #[must_use]
    pub fn by_key(mut self, keys: &'a wgpu::Buffer, load: Load, first: u64, groups: u32) -> Self {
        self.lie = Lie::Groups { keys, load, first, groups, elements: self.elements() };
        self
    }

    /// From the view's first element to behind its last.
    pub(super) fn elements(&self) -> u64 {
        match &self.lie {
            Lie::Tensor(tensor) => tensor.span(),
            Lie::Segments { elements, .. } | Lie::Groups { elements, .. } => *elements,
        }
    }

    pub(super) fn outputs(&self) -> u64 {
        match &self.lie {
            Lie::Tensor(tensor) => tensor.outputs(),
            Lie::Segments { segments: outputs, .. } | Lie::Groups { groups: outputs, .. } => u64::from(*outputs),
        }
    }

    /// Refuses what does not lie in its buffers.
    pub(super) fn check(&self, loads: &[Load]) -> Result<(), Error> {
        if self.columns.len() != loads.len() {
            return Err(Error::Parameter(format!(
                "items have {} columns, and the view {}",
                loads.len(),
                self.columns.len()
            )));
        }
        let elements = self.elements();
        let holds = |what: &str, buffer: &wgpu::Buffer, bits: u64, first: u64, count: u64| {
            let end = first.checked_add(count).and_then(|end| end.checked_mul(bits));
            let words = end.map(|end| end.div_ceil(32));
            if words.is_some_and(|words| words <= buffer.size() / 4) {
                return Ok(());
            }
            let size = buffer.size();
            Err(Error::Parameter(format!(
                "{what} {first}..{} of {bits} bits each are not within the whole words of a buffer of {size} bytes",
                first.saturating_add(count)
            )))
        };
        for ((buffer, first), load) in self.columns.iter().zip(loads) {
            holds("elements", buffer, u64::from(load.element_bytes()) * 8, *first, elements)?;
        }
        if let Some((mask, first)) = self.mask {
            holds("mask bits", mask, 1, first, elements)?;
        }
        match &self.lie {
            Lie::Tensor(_) => Ok(()),
            Lie::Segments { offsets, segments, .. } => holds("offsets", offsets, 32, 0, u64::from(*segments) + 1),
            Lie::Groups { keys, load, first, groups, .. } => {
                if !matches!(load, Load::U8 | Load::U16 | Load::U32) || *groups == u32::MAX {
                    return Err(Error::Parameter(format!(
                        "keys are u8, u16 or u32, and groups fewer than 2^32 - 1; these are {load:?}, for {groups} groups"
                    )));
                }
                holds("keys", keys, u64::from(load.element_bytes()) * 8, *first, elements)
            }
        }
    }
}
