//! Cuts a strided array into chunks that a device takes.

use super::view::Tensor;

/// Part of a strided array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) tensor: Tensor,
    /// Its first element, counted from the array's.
    pub(super) first: u64,
    /// Where it begins along the other axes, and along the axis.
    starts: Vec<u64>,
    pub(super) place: u64,
}

/// What a chunk may be at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From its first element to behind its last.
    pub(super) span: u64,
    /// Elements along the axis.
    pub(super) length: u64,
    /// Outputs.
    pub(super) outputs: u64,
    /// Outputs times the elements along the axis.
    pub(super) elements: u64,
}

/// Elements that a chunk spans at most. Kernels count in u32, from where a binding begins, which may be up to an
/// alignment before the chunk's first element, or eight times as many bits before that of its mask.
const MOST_SPAN: u64 = 1 << 31;

/// Bytes that a kernel binds at most, less what an alignment may cost at either end. Past 2^32 bytes indices would wrap,
/// whatever the device offers.
pub(super) fn room(limits: &wgpu::Limits, alignment: u64) -> u64 {
    limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(1 << 32).saturating_sub(2 * alignment)
}

impl Limits {
    /// In that many bytes a binding: for elements of at most `widest` bytes, results of `row` bytes an output, and
    /// partials of `partial` bytes a piece, which has `piece` elements of the `longest` that an axis may have at once.
    pub(super) fn of(room: u64, [widest, row, partial]: [u64; 3], piece: u64, longest: u64) -> Self {
        Self {
            span: (room / widest).min(MOST_SPAN),
            length: longest,
            outputs: room / row,
            elements: room / partial * piece / 2,
        }
    }
}

/// The chunks, of which those that share an output come in the order of the axis.
pub(super) fn chunks(tensor: &Tensor, limits: Limits) -> Vec<Chunk> {
    let mut done = Vec::new();
    if tensor.outputs() == 0 || tensor.length == 0 {
        return done;
    }
    let starts = vec![0; tensor.others.len()];
    let mut rest = vec![Chunk { tensor: tensor.clone(), first: 0, starts, place: 0 }];
    while let Some(chunk) = rest.pop() {
        match chunk.cut(limits) {
            None => done.push(chunk),
            // The first half comes off the stack first.
            Some((left, right)) => rest.extend([right, left]),
        }
    }
    done
}

impl Chunk {
    fn cut(&self, limits: Limits) -> Option<(Self, Self)> {
        let tensor = &self.tensor;
        let outputs = tensor.outputs();
        let longest = || (0..tensor.others.len()).max_by_key(|axis| (tensor.others[*axis].0 > 1, usize::MAX - axis));
        if tensor.length > limits.length {
            return Some(self.cut_axis());
        }
        if outputs > limits.outputs {
            return longest().map(|axis| self.cut_other(axis));
        }
        if tensor.span() > limits.span || outputs * tensor.length > limits.elements {
            // Where the halves are the furthest apart.
            let reach = |(length, stride): (u64, u64)| (length - 1) * stride;
            let other = (0..tensor.others.len()).max_by_key(|axis| reach(tensor.others[*axis]));
            let axis_reach = reach((tensor.length, tensor.stride));
            return match other {
                Some(axis) if reach(tensor.others[axis]) >= axis_reach && tensor.others[axis].0 > 1 => {
                    Some(self.cut_other(axis))
                }
                _ if tensor.length > 1 => Some(self.cut_axis()),
                _ => longest().filter(|axis| tensor.others[*axis].0 > 1).map(|axis| self.cut_other(axis)),
            };
        }
        None
    }

    fn cut_axis(&self) -> (Self, Self) {
        let (mut left, mut right) = (self.clone(), self.clone());
        // At a multiple of every tile, where there is one.
        let half = self.tensor.length / 2;
        let half = if half > 1 << 13 { half.next_multiple_of(1 << 13) } else { half };
        left.tensor.length = half;
        right.tensor.length -= half;
        right.place += half;
        right.first += half * self.tensor.stride;
        (left, right)
    }

    fn cut_other(&self, axis: usize) -> (Self, Self) {
        let (mut left, mut right) = (self.clone(), self.clone());
        let (length, stride) = self.tensor.others[axis];
        left.tensor.others[axis].0 = length / 2;
        right.tensor.others[axis].0 -= length / 2;
        right.starts[axis] += length / 2;
        right.first += length / 2 * stride;
        (left, right)
    }

    /// The array's output that is the chunk's output `own`.
    pub(super) fn output(&self, own: u64, array: &Tensor) -> u64 {
        let (mut rest, mut step, mut output) = (own, 1, 0);
        for axis in (0..self.tensor.others.len()).rev() {
            let length = self.tensor.others[axis].0;
            output += (self.starts[axis] + rest % length) * step;
            rest /= length;
            step *= array.others[axis].0;
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_index_of_a_chunk_wraps_whatever_a_device_binds() {
        let arrays = [
            Tensor::whole((3 << 32) + 5),
            // Rows, columns, with gaps, and one element seen over and over.
            Tensor { others: vec![(1 << 20, 1 << 13)], length: 1 << 13, stride: 1 },
            Tensor { others: vec![(1 << 17, 1)], length: 1 << 17, stride: 1 << 17 },
            Tensor { others: vec![(5, 1 << 40), (1, 1 << 50)], length: 1 << 33, stride: 3 },
            Tensor { others: vec![(1 << 28, 0)], length: 1 << 6, stride: 1 << 33 },
        ];
        let alignment = 256;
        for most in [1 << 27, (1 << 31) - 1, u64::from(u32::MAX), 1 << 36, u64::MAX] {
            let limits = wgpu::Limits {
                max_storage_buffer_binding_size: most,
                max_buffer_size: most,
                ..wgpu::Limits::default()
            };
            let room = room(&limits, alignment);
            for (array, widest) in arrays.iter().flat_map(|array| [1, 2, 4].map(|widest| (array, widest))) {
                let (partial, piece) = (44, 8192);
                let chunks = chunks(array, Limits::of(room, [widest, partial, partial], piece, piece << 16));
                let mut elements = 0;
                for Chunk { tensor, first, place, .. } in &chunks {
                    let (outputs, pieces) = (tensor.outputs(), tensor.length.div_ceil(piece));
                    assert!(tensor.span() * widest <= room && first + tensor.span() <= array.span());
                    assert!(place + tensor.length <= array.length);
                    // The last element's index, and the last bit's; an invocation's, with those that are too many; the
                    // end of a piece; a byte of the partials.
                    let last = [
                        tensor.span() + 8 * alignment,
                        outputs * pieces + 64 * 65_535,
                        tensor.length + piece,
                        outputs * pieces * partial,
                    ];
                    assert!(last.iter().all(|last| *last <= u64::from(u32::MAX)), "{tensor:?}: {last:?}");
                    // What the kernel multiplies: steps that count.
                    let axes = tensor.others.iter().copied().chain([(tensor.length, tensor.stride)]);
                    assert!(axes.filter(|axis| axis.0 > 1).all(|axis| u32::try_from(axis.1).is_ok()));
                    elements += outputs * tensor.length;
                }
                assert_eq!(elements, array.outputs() * array.length);
            }
        }
    }

    #[test]
    fn chunks_cover_every_element_once_and_keep_their_outputs() {
        let arrays = [
            Tensor::whole(100_000),
            Tensor { others: vec![(7, 300), (5, 1)], length: 60, stride: 5 },
            Tensor { others: vec![(3, 1), (4, 1000)], length: 250, stride: 4 },
            Tensor { others: vec![(11, 0)], length: 9, stride: 2 },
        ];
        let limits = [
            Limits { span: 64, length: 1000, outputs: 3, elements: 50 },
            Limits { span: 1 << 20, length: 10, outputs: 2, elements: 1 << 20 },
        ];
        for (array, limits) in arrays.iter().flat_map(|array| limits.map(|limits| (array, limits))) {
            let mut seen = std::collections::HashSet::new();
            for chunk in chunks(array, limits) {
                let Tensor { others, length, stride } = &chunk.tensor;
                assert!(*length <= limits.length && chunk.tensor.outputs() <= limits.outputs);
                assert!(chunk.tensor.span() <= limits.span && chunk.tensor.outputs() * length <= limits.elements);
                for own in 0..chunk.tensor.outputs() {
                    let (mut rest, mut at) = (own, chunk.first);
                    for (length, stride) in others.iter().rev() {
                        at += rest % length * stride;
                        rest /= length;
                    }
                    let output = chunk.output(own, array);
                    let (mut rest, mut expected) = (output, 0);
                    for (length, stride) in array.others.iter().rev() {
                        expected += rest % length * stride;
                        rest /= length;
                    }
                    for i in 0..*length {
                        assert_eq!(at + i * stride, expected + (chunk.place + i) * array.stride);
                        assert!(seen.insert((output, chunk.place + i)));
                    }
                }
            }
            assert_eq!(seen.len() as u64, array.outputs() * array.length);
        }
    }
}
