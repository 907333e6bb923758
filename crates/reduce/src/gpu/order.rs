//! The steps that put elements in the order of their keys, and that plan the tiles of segments.

use std::sync::Arc;

use strix_shaders::order::{DIGIT_BITS, DIGITS, SCAN_BLOCK, SORT_TILE};
use strix_shaders::{Load, order};

use super::Gpu;
use super::kernel::Helper;
use super::step::{Step, buffer, uniform};
use crate::Error;

/// Which order kernel; each is compiled once a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Scan,
    Plan { tile: u32 },
    Sort { keys: Load },
    Bounds { keys: Load },
}

impl Kind {
    pub(super) fn compile(self, gpu: &Gpu) -> Result<Helper, Error> {
        match self {
            Self::Scan => Helper::new(gpu, order::scan(), &[true], &["scan_blocks", "add_totals"]),
            Self::Plan { tile } => Helper::new(gpu, order::plan(tile), &[false, true, true], &["plan_tiles"]),
            Self::Sort { keys } => {
                Helper::new(gpu, order::sort(keys), &[false, false, true, true], &["count_digits", "scatter"])
            }
            Self::Bounds { keys } => {
                Helper::new(gpu, order::bounds(keys), &[false, false, true, true], &["group_bounds"])
            }
        }
    }
}

/// Words that the exclusive sums of `count` values take, with the totals of their blocks.
pub(super) fn scan_words(count: u32) -> u64 {
    let (mut words, mut level) = (0u64, u64::from(count));
    loop {
        words += level;
        level = level.div_ceil(SCAN_BLOCK.into());
        if level <= 1 {
            // The last total.
            return words + 1;
        }
    }
}

/// Leaves exclusive sums of the first `count` words of `values`, which has room for [`scan_words`].
fn scan(gpu: &Gpu, values: &wgpu::Buffer, count: u32, steps: &mut Vec<Step>) -> Result<(), Error> {
    let helper = gpu.helper(Kind::Scan)?;
    let mut levels = vec![];
    let (mut begin, mut level) = (0, count);
    loop {
        let blocks = level.div_ceil(SCAN_BLOCK);
        let params = uniform(gpu, &[begin, level, begin + level, 0]);
        levels.push((Arc::new(params), blocks));
        if blocks <= 1 {
            break;
        }
        begin += level;
        level = blocks;
    }
    let mut step = |pipeline: usize, (params, blocks): &(Arc<wgpu::Buffer>, u32)| {
        let group = helper.bind(gpu, &[values.as_entire_binding(), params.as_entire_binding()]);
        steps.push(Step::new(gpu, &helper.pipelines[pipeline], group, (*blocks).into()));
    };
    for level in &levels {
        step(0, level);
    }
    // The level of one block has nothing before it.
    for level in levels.iter().rev().skip(1) {
        step(1, level);
    }
    Ok(())
}

/// Part of a buffer, bound.
pub(super) type Bound<'a> = wgpu::BindingResource<'a>;

/// The window of a segmented array: elements in it, the first of them, and all there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) count: u32,
    pub(super) first: u32,
    pub(super) total: u32,
}

/// Leaves in `tiles` where each segment's tiles begin, and reports the first wrong segment in `status`.
pub(super) fn plan(
    gpu: &Gpu,
    tile: u32,
    [offsets, status]: [Bound<'_>; 2],
    tiles: &wgpu::Buffer,
    outputs: u32,
    window: Window,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let helper = gpu.helper(Kind::Plan { tile })?;
    let params = uniform(gpu, &[window.count, outputs, window.total, window.first]);
    let group = helper.bind(gpu, &[offsets, tiles.as_entire_binding(), status, params.as_entire_binding()]);
    steps.push(Step::new(gpu, &helper.pipelines[0], group, (u64::from(outputs) + 1).div_ceil(64)));
    scan(gpu, tiles, outputs + 1, steps)
}

/// Keys of the elements of a window.
#[derive(Debug, Clone)]
pub(super) struct Keys<'a> {
    pub(super) load: Load,
    pub(super) bound: Bound<'a>,
    /// Index of the first of them in what is bound.
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) groups: u32,
}

/// What a sort works in.
#[derive(Debug)]
pub(super) struct Sorter {
    /// Both are written in turn.
    orders: [wgpu::Buffer; 2],
    digits: wgpu::Buffer,
    /// Where each group begins in the order.
    pub(super) offsets: wgpu::Buffer,
}

impl Sorter {
    /// For windows of at most `count` elements.
    pub(super) fn new(gpu: &Gpu, count: u32, groups: u32) -> Self {
        let storage = wgpu::BufferUsages::STORAGE;
        let words = scan_words(DIGITS * count.div_ceil(SORT_TILE));
        Self {
            orders: [0; 2].map(|_| buffer(gpu, 4 * u64::from(count), storage)),
            digits: buffer(gpu, 4 * words, storage),
            offsets: buffer(gpu, 4 * (u64::from(groups) + 1), storage),
        }
    }

    /// Sorts, finds the groups' bounds, reports the first key that is no group in `status`; the order.
    pub(super) fn sort(
        &self,
        gpu: &Gpu,
        keys: &Keys<'_>,
        status: Bound<'_>,
        steps: &mut Vec<Step>,
    ) -> Result<&wgpu::Buffer, Error> {
        let Keys { load, bound, first, count, groups } = keys;
        let helper = gpu.helper(Kind::Sort { keys: *load })?;
        let tiles = count.div_ceil(SORT_TILE);
        // The group that is none is sorted as well.
        let bits = u32::BITS - groups.leading_zeros();
        let mut passes = 0;
        for shift in (0..bits.max(1)).step_by(DIGIT_BITS as usize) {
            let params = uniform(gpu, &[*count, *first, *groups, shift, tiles, u32::from(passes == 0)]);
            let [before, after] = [&self.orders[(passes + 1) % 2], &self.orders[passes % 2]];
            let group = helper.bind(
                gpu,
                &[
                    bound.clone(),
                    before.as_entire_binding(),
                    after.as_entire_binding(),
                    self.digits.as_entire_binding(),
                    params.as_entire_binding(),
                ],
            );
            steps.push(Step::new(gpu, &helper.pipelines[0], group.clone(), tiles.into()));
            scan(gpu, &self.digits, DIGITS * tiles, steps)?;
            steps.push(Step::new(gpu, &helper.pipelines[1], group, tiles.into()));
            passes += 1;
        }
        let order = &self.orders[(passes + 1) % 2];
        let bounds = gpu.helper(Kind::Bounds { keys: *load })?;
        let params = uniform(gpu, &[*count, *first, *groups, 0]);
        let bound = [
            bound.clone(),
            order.as_entire_binding(),
            self.offsets.as_entire_binding(),
            status,
            params.as_entire_binding(),
        ];
        let group = bounds.bind(gpu, &bound);
        steps.push(Step::new(gpu, &bounds.pipelines[0], group, (u64::from(*groups) + 1).div_ceil(64)));
        Ok(order)
    }
}
