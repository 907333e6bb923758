//! Several aggregators in one pass: a tuple of aggregators is an aggregator of tuples.

use crate::state::Signature;
use crate::{Aggregator, Block, Facts, Portable};

macro_rules! tuple {
    ($($aggregator:ident $index:tt),+) => {
        impl<T, $($aggregator: Aggregator<T>),+> Aggregator<T> for ($($aggregator,)+) {
            type State = ($($aggregator::State,)+);
            type Output = ($($aggregator::Output,)+);

            fn identity(&self) -> Self::State {
                ($(self.$index.identity(),)+)
            }
            #[inline(always)]
            fn lift(&self, state: &mut Self::State, item: &T) {
                $(self.$index.lift(&mut state.$index, item);)+
            }
            #[inline(always)]
            fn lift_at(&self, state: &mut Self::State, item: &T, place: u64) {
                $(self.$index.lift_at(&mut state.$index, item, place);)+
            }
            #[inline(always)]
            fn merge(&self, state: &mut Self::State, other: Self::State) {
                $(self.$index.merge(&mut state.$index, other.$index);)+
            }
            fn finish(&self, state: Self::State) -> Self::Output {
                ($(self.$index.finish(state.$index),)+)
            }
            // The block is in the cache after the first of them: one pass over memory.
            #[inline(always)]
            fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
                $(self.$index.lift_block(&mut state.$index, block);)+
            }

            fn block_items(&self) -> usize {
                usize::MAX $(.min(self.$index.block_items()))+
            }
            fn facts(&self) -> Facts {
                Facts::NONE $(| self.$index.facts())+
            }
            #[inline(always)]
            fn reads_nan(&self, item: &T, itself: bool) -> bool {
                false $(|| self.$index.reads_nan(item, itself))+
            }
            fn positional(&self) -> bool {
                false $(|| self.$index.positional())+
            }
            fn shift(&self, state: &mut Self::State, places: u64) {
                $(self.$index.shift(&mut state.$index, places);)+
            }

            #[cfg(feature = "gpu")]
            fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
                let halves = ($(self.$index.gpu()?,)+);
                let specs = [$(halves.$index.specs(),)+].concat();
                Some(crate::gpu::GpuHalf::joined(specs, move |partial| ($(halves.$index.read(partial),)+)))
            }
        }

        impl<T, $($aggregator: Portable<T>),+> Portable<T> for ($($aggregator,)+) {
            fn signature(&self) -> Signature {
                format!("({})", [$(self.$index.signature()),+].join(", "))
            }
            fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
                $(self.$index.check(&state.$index, items)?;)+
                Ok(())
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
