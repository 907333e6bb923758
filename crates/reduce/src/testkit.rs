//! The laws of an aggregator as checks that users run on their own.

use std::fmt::Debug;

use crate::{Aggregator, Block, Engine, Item, Reducer};

/// Checks identity, associativity, commutativity, lifting and splitting (see [`Aggregator`]) on these items and
/// panics where one does not hold. What nothing finishes to is for the aggregator's own tests.
///
/// The items are cut into 1, 2, 7 and 1000 pieces whose states, each shifted to its place, are
/// merged in a scrambled order. `same` says whether two answers are one: equality where the aggregator is exact, else its
/// bound.
///
/// ```
/// use strix_reduce::{Max, testkit};
/// testkit::check_laws(&Max, &[3, 1, 2], |a, b| a == b);
/// ```
///
/// # Panics
/// When a law does not hold, naming it and both answers.
pub fn check_laws<T, A>(aggregator: &A, items: &[T], same: impl Fn(&A::Output, &A::Output) -> bool)
where
    A: Aggregator<T>,
    A::Output: Debug,
{
    let finish = |state| aggregator.finish(state);
    let whole = finish(aggregator.state_of(items));
    let agree = |law: &str, answer: A::Output| {
        assert!(same(&answer, &whole), "{law}: {answer:?}, but one pass over all items gives {whole:?}");
    };

    // The state of a part of the items, in the part's own place.
    let part = |start: usize, end: usize| {
        let mut state = aggregator.state_of(&items[start..end]);
        aggregator.shift(&mut state, start as u64);
        state
    };
    let merged = |mut a: A::State, b: A::State| {
        aggregator.merge(&mut a, b);
        a
    };
    let state = || part(0, items.len());
    agree("identity on the left", finish(merged(aggregator.identity(), state())));
    agree("identity on the right", finish(merged(state(), aggregator.identity())));
    let one_by_one = |mut state: A::State, start: usize| {
        for (place, item) in items.iter().enumerate().skip(start) {
            aggregator.lift_at(&mut state, item, place as u64);
        }
        finish(state)
    };
    let third = items.len() / 3;
    agree("lifting one by one", one_by_one(aggregator.identity(), 0));
    agree("lifting into a state", one_by_one(part(0, third), third));
    // In groups by turns, which merge.
    let groups: Vec<u32> = (0..items.len()).map(|index| (index % 3) as u32).collect();
    let mut states = vec![aggregator.identity(); 3];
    aggregator.lift_groups(&mut states, &Block::new(items), &groups);
    agree("lifting into groups", finish(states.into_iter().reduce(merged).unwrap_or_else(|| aggregator.identity())));

    let (a, b, c) = (part(0, third), part(third, 2 * third), part(2 * third, items.len()));
    agree("associativity, left first", finish(merged(merged(a.clone(), b.clone()), c.clone())));
    agree("associativity, right first", finish(merged(a.clone(), merged(b.clone(), c.clone()))));
    agree("commutativity", finish(merged(c, merged(b, a))));

    for pieces in [1, 2, 7, 1000] {
        // Some are empty where there are fewer items than pieces.
        let cut = |piece: usize| piece * items.len() / pieces;
        let mut states: Vec<A::State> = (0..pieces).map(|piece| part(cut(piece), cut(piece + 1))).collect();
        // A fixed linear congruential sequence scrambles which two are merged next.
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        while states.len() > 1 {
            let mut pick = || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let index = (random >> 33) as usize % states.len();
                states.swap_remove(index)
            };
            let both = merged(pick(), pick());
            states.push(both);
        }
        let merged = states.pop().unwrap_or_else(|| aggregator.identity());
        agree(&format!("splitting into {pieces} pieces"), finish(merged));
    }
}

/// Checks that an aggregator answers on `engine` as on the CPU: all items, none, one, and every edge of words,
/// workgroups and tiles that there are items for, in one push and in two. `same` says whether two answers are one, the
/// engine's first.
///
/// ```
/// use strix_reduce::{Engine, EngineChoice, Max, testkit};
/// let engine = Engine::select(EngineChoice::Gpu)?;
/// testkit::check_engine(&Max, &engine, &[3.5f32, 1.0, 2.0], |a, b| a == b);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
///
/// # Panics
/// When the engine cannot take the aggregator, or answers otherwise.
pub fn check_engine<T, A>(aggregator: &A, engine: &Engine, items: &[T], same: impl Fn(&A::Output, &A::Output) -> bool)
where
    T: Item,
    A: Aggregator<T> + Clone,
    A::Output: Debug,
{
    let answer = |engine: &Engine, pieces: &[&[T]]| {
        let mut reducer = Reducer::new(aggregator.clone(), engine).unwrap_or_else(|error| panic!("{error}"));
        for piece in pieces {
            reducer.push(piece).unwrap_or_else(|error| panic!("{error}"));
        }
        reducer.finish()
    };
    let edges = [0, 1, 2, 3, 63, 64, 65, 255, 256, 257, 1023, 1025, 8191, 8192, 8193, items.len()];
    for count in edges.into_iter().filter(|count| *count <= items.len()) {
        let (all, parts) = (&items[..count], items[..count].split_at(count / 3));
        let expected = answer(&Engine::cpu(), &[all]);
        for found in [answer(engine, &[all]), answer(engine, &[parts.0, parts.1])] {
            assert!(same(&found, &expected), "{count} items: {found:?}, but the CPU gives {expected:?}");
        }
    }
}
