//! An aggregator of one's own on both engines: a state, three functions in Rust, the same three in WGSL. The testkit holds
//! it to the laws, and the engines to one another.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::mem::offset_of;

use strix_reduce::gpu::{GpuHalf, Snippet};
use strix_reduce::{Aggregator, Engine, EngineChoice, Max, Reducer, testkit};

/// How many elements are above a level, and the greatest of the others.
#[derive(Clone, Copy)]
struct Above;

/// The state, in Rust as in WGSL.
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct AboveState {
    count: u32,
    // As a key, which orders as the elements do.
    below: u32,
}

// 0xbf800000 is the key of 1.0: keys of f32 that are not negative are their bits with the sign bit set.
const ABOVE: Snippet = Snippet::of_keys(
    "above",
    "struct AboveState { count: u32, below: u32 }
     fn above_identity() -> AboveState { return AboveState(0u, 0u); }
     fn above_lift(item: Item) -> AboveState {
         let above = item.key > 0xbf800000u;
         return AboveState(u32(above), select(item.key, 0u, above));
     }
     fn above_merge(a: AboveState, b: AboveState) -> AboveState {
         return AboveState(a.count + b.count, max(a.below, b.below));
     }",
);

impl Aggregator<f32> for Above {
    type State = (u64, Option<f32>);
    type Output = (u64, Option<f32>);

    fn identity(&self) -> Self::State {
        (0, None)
    }
    fn lift(&self, state: &mut Self::State, item: &f32) {
        self.merge(state, if *item > 1.0 { (1, None) } else { (0, Some(*item)) });
    }
    fn merge(&self, state: &mut Self::State, other: Self::State) {
        *state = (state.0 + other.0, [state.1, other.1].into_iter().flatten().reduce(f32::max));
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        state
    }
    fn gpu(&self) -> Option<GpuHalf<Self::State>> {
        let members = [("count", offset_of!(AboveState, count)), ("below", offset_of!(AboveState, below))];
        Some(GpuHalf::mirrored(ABOVE, &members, |state: AboveState, partial| {
            let below = partial.census().items() > u64::from(state.count);
            let bits = if state.below >> 31 == 1 { state.below & 0x7fff_ffff } else { !state.below };
            (state.count.into(), below.then(|| f32::from_bits(bits)))
        }))
    }
}

fn main() -> Result<(), strix_reduce::Error> {
    let items: Vec<f32> = (0..100_000).map(|i| (i % 301) as f32 / 100.0 - 1.0).collect();
    let engine = Engine::select(EngineChoice::Gpu)?;
    testkit::check_laws(&Above, &items, |a, b| a == b);
    testkit::check_engine(&Above, &engine, &items, |a, b| a == b);

    let mut reducer = Reducer::new((Above, Max), &engine)?;
    reducer.push(&items)?;
    let ((count, below), max) = reducer.finish();
    println!("{count} above 1, the greatest of the others {below:?}, of all {max:?}");
    Ok(())
}
