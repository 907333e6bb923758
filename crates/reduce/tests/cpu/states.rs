//! Stored states: golden files, refusals of what does not belong, and merging after a save.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;

use crate::every::{Each, each, state_of};
use strix_reduce::state::{Envelope, MOST_ITEMS, VERSION, from_bytes, to_bytes};
use strix_reduce::{
    Aggregator, Boxed, Combine, ConfusionMatrix, Count, Covariance, DecayedMean, Distinct, Engine, Error, Exact, First,
    Histogram, Max, Mean, Min, Portable, Quantiles, Range, Reducer, Sum, TopK, Variance, Weighted,
};

fn text(x: &impl Debug) -> String {
    format!("{x:?}")
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Writes the golden files anew, for a new [`VERSION`]: `cargo test --test states -- --ignored bless`.
#[test]
#[ignore = "writes the golden files"]
fn bless() {
    struct Bless;
    impl Each for Bless {
        fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, items: &[T]) {
            let bytes = to_bytes::<T, A>(&aggregator, &state_of(&aggregator, items), items.len() as u64).unwrap();
            std::fs::write(directory().join(name).with_extension("state"), bytes).unwrap();
        }
    }
    std::fs::create_dir_all(directory()).unwrap();
    each(&mut Bless);
}

#[test]
fn golden_files_decode_to_the_same_answer_and_bytes() {
    #[derive(Default)]
    struct Golden(BTreeSet<String>);
    impl Each for Golden {
        fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, items: &[T]) {
            let golden = std::fs::read(directory().join(name).with_extension("state")).unwrap();
            let (state, count) = from_bytes::<T, A>(&aggregator, &golden).unwrap();
            assert_eq!(count, items.len() as u64, "{name}");
            assert_eq!(to_bytes::<T, A>(&aggregator, &state, count).unwrap(), golden, "{name}");
            assert_eq!(to_bytes::<T, A>(&aggregator, &state_of(&aggregator, items), count).unwrap(), golden, "{name}");
            let wanted = aggregator.finish(state_of(&aggregator, items));
            assert_eq!(text(&aggregator.finish(state)), text(&wanted), "{name}");
            self.0.insert(format!("{name}.state"));
        }
    }
    let mut golden = Golden::default();
    each(&mut golden);
    let files = std::fs::read_dir(directory()).unwrap();
    let files: BTreeSet<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, golden.0);
}

#[test]
fn a_save_between_changes_nothing() {
    struct Saved;
    impl Each for Saved {
        fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, items: &[T]) {
            let count = items.len() as u64;
            let (left, right) = items.split_at(items.len() / 3);
            let part = |items: &[T], place| {
                let mut state = state_of(&aggregator, items);
                aggregator.shift(&mut state, place);
                state
            };
            let merged = |mut a: A::State, b: A::State| {
                aggregator.merge(&mut a, b);
                aggregator.finish(a)
            };
            let (a, b) = (part(left, 0), part(right, left.len() as u64));
            let stored = |state: &A::State| {
                let bytes = to_bytes::<T, A>(&aggregator, state, count).unwrap();
                let (state, items) = from_bytes::<T, A>(&aggregator, &bytes).unwrap();
                assert_eq!(items, count);
                state
            };
            let (loaded_a, loaded_b) = (stored(&a), stored(&b));
            assert_eq!(text(&merged(loaded_a, loaded_b)), text(&merged(a, b)), "{name}");
            // The empty state too.
            let bytes = to_bytes::<T, A>(&aggregator, &aggregator.identity(), 0).unwrap();
            let (none, _) = from_bytes::<T, A>(&aggregator, &bytes).unwrap();
            assert_eq!(text(&aggregator.finish(none)), text(&aggregator.finish(aggregator.identity())), "{name}");
        }
    }
    each(&mut Saved);
}

/// What an aggregator says of bytes that it refuses.
fn refusal<T, A: Portable<T>>(aggregator: &A, bytes: &[u8]) -> Option<String> {
    match from_bytes::<T, A>(aggregator, bytes) {
        Err(Error::State(what)) => Some(what),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    }
}

#[test]
fn damage_is_refused() {
    struct Damaged;
    impl Each for Damaged {
        fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, items: &[T]) {
            let bytes = to_bytes::<T, A>(&aggregator, &state_of(&aggregator, items), items.len() as u64).unwrap();
            for length in 0..bytes.len() {
                let what = refusal::<T, A>(&aggregator, &bytes[..length]).unwrap();
                assert!(what.contains("cut short"), "{name} cut to {length}: {what}");
            }
            for place in 0..bytes.len() {
                for mask in [1, 0x80, 0xff] {
                    let mut flipped = bytes.clone();
                    flipped[place] ^= mask;
                    assert!(refusal::<T, A>(&aggregator, &flipped).is_some(), "{name}, byte {place} ^ {mask}");
                }
            }
            let mut longer = bytes.clone();
            longer.push(0);
            let what = refusal::<T, A>(&aggregator, &longer).unwrap();
            assert!(what.contains("1 bytes follow its end"), "{name}: {what}");
            // The same inside the envelope, whose checksum is right.
            let mut envelope = Envelope::from_bytes(&bytes).unwrap();
            envelope.payload.push(0);
            let what = refusal::<T, A>(&aggregator, &envelope.to_bytes()).unwrap();
            assert!(what.contains("1 bytes follow the payload"), "{name}: {what}");
            let many = Envelope { items: MOST_ITEMS + 1, ..Envelope::from_bytes(&bytes).unwrap() };
            let what = refusal::<T, A>(&aggregator, &many.to_bytes()).unwrap();
            assert!(what.contains(&(MOST_ITEMS + 1).to_string()), "{name}: {what}");
        }
    }
    each(&mut Damaged);
}

#[test]
fn every_other_signature_is_refused_and_both_are_named() {
    #[derive(Default)]
    struct Collect(Vec<Vec<u8>>);
    impl Each for Collect {
        fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, _: &str, aggregator: A, items: &[T]) {
            let count = items.len() as u64;
            self.0.push(to_bytes::<T, A>(&aggregator, &state_of(&aggregator, items), count).unwrap());
        }
    }
    struct Cross(Vec<Vec<u8>>);
    impl Each for Cross {
        fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, _: &[T]) {
            let own = aggregator.signature();
            let mut kin = 0;
            for bytes in &self.0 {
                let found = Envelope::from_bytes(bytes).unwrap().signature;
                if found == own {
                    kin += 1;
                    continue;
                }
                let what = refusal::<T, A>(&aggregator, bytes).unwrap();
                assert!(what.contains(&own) && what.contains(&found), "{name}: {what}");
            }
            assert_eq!(kin, 1, "{own} is the signature of more than one");
        }
    }
    let mut all = Collect::default();
    each(&mut all);
    each(&mut Cross(all.0));
}

#[test]
fn other_parameters_types_and_versions_are_refused() {
    fn stored<T, A: Portable<T>>(aggregator: &A) -> Vec<u8> {
        to_bytes::<T, A>(aggregator, &aggregator.identity(), 0).unwrap()
    }
    let both = |what: Option<String>, parts: [&str; 2]| {
        let what = what.unwrap();
        assert!(parts.iter().all(|part| what.contains(part)), "{what} does not name {parts:?}");
    };
    let top = |capacity| TopK::new(capacity).unwrap();
    both(refusal::<f64, _>(&top(5), &stored::<f64, _>(&top(4))), ["capacity=4", "capacity=5"]);
    both(refusal::<f64, _>(&top(5), &stored::<f32, _>(&top(5))), ["of f32", "of f64"]);
    let k = |k| Quantiles::with_k(k).unwrap();
    both(refusal::<f64, _>(&k(9), &stored::<f64, _>(&k(8))), ["k=8", "k=9"]);
    let precision = |p| Distinct::with_precision(p).unwrap();
    both(refusal::<u8, _>(&precision(9), &stored::<u8, _>(&precision(8))), ["precision=8", "precision=9"]);
    let edges = |last| Histogram::new(&[0.0, last]).unwrap();
    both(refusal::<f64, _>(&edges(1.5), &stored::<f64, _>(&edges(2.5))), ["[0.0, 1.5]", "[0.0, 2.5]"]);
    let classes = |classes| ConfusionMatrix { classes };
    both(refusal(&classes(3), &stored(&classes(2))), ["classes=2", "classes=3"]);
    let life = |life| DecayedMean::new(life).unwrap();
    both(refusal::<(f64, f64), _>(&life(1.5), &stored::<(f64, f64), _>(&life(2.5))), ["1.5", "2.5"]);
    let by_u8 = Count.by_key(|x: &u64| *x as u8).named("value");
    let by_u64 = Count.by_key(|x: &u64| *x).named("value");
    both(refusal(&by_u8, &stored(&by_u64)), ["by value of u8", "by value of u64"]);
    both(
        refusal::<[f64; 2], _>(&Max.per_column(), &stored::<[f64; 3], _>(&Max.per_column())),
        ["2 columns", "3 columns"],
    );

    let mut bytes = stored::<f64, _>(&Mean);
    bytes[6] = VERSION as u8 + 1;
    both(refusal::<f64, _>(&Mean, &bytes), ["version 3", "version 2"]);
    both(refusal::<f64, _>(&Mean, b"PARQUET and so on"), ["PARQUE", "STRIX"]);
}

/// `payload` under the aggregator's own signature and a right checksum.
fn forged<T, A: Portable<T>>(aggregator: &A, payload: &[u8]) -> Vec<u8> {
    Envelope { signature: aggregator.signature(), items: MOST_ITEMS, payload: payload.to_vec() }.to_bytes()
}

#[test]
fn payloads_that_no_items_lead_to_are_refused() {
    fn refused<T, A: Portable<T>>(aggregator: A, payload: &impl serde::Serialize, part: &str) {
        let bytes = forged::<T, A>(&aggregator, &postcard::to_stdvec(payload).unwrap());
        let what = refusal::<T, A>(&aggregator, &bytes).unwrap_or_else(|| panic!("{} took it", aggregator.signature()));
        assert!(what.contains(part), "{what}");
    }
    let many = MOST_ITEMS + 1;
    refused::<u8, _>(Count, &many, "more than");
    refused::<f64, _>(Sum, &(many, (0.0, 0.0), false), "more than");
    refused::<f64, _>(Sum, &(2u64, (1.0, 0.0), true), "not past the largest");
    refused::<i32, _>(Sum, &(1u64, 1i128 << 65), "do not sum to");
    refused::<f64, _>(Variance, &(2u64, (0.0, 0.0), (-1.0, 0.0), 0i16), "never negative");
    refused::<f64, _>(Variance, &(2u64, (0.0, 0.0), (1.0, 0.0), i16::MIN), "not held in units");
    refused::<f64, _>(First, &Some((many, 1.0)), "past the last");
    refused::<f64, _>(Range, &(Some(2.0), Some(1.0)), "wrong way round");
    refused::<f64, _>(Range, &(Some(2.0), None::<f64>), "wrong way round");
    refused::<(f64, f64), _>(Covariance, &(1u64, (0.0, 0.0), (0.0, 0.0), -1.0, 0.0, 0.0, 0i16, 0i16), "negative");
    refused::<(f64, f64), _>(Weighted(Mean), &(many, (1.0, 0.0), 1.0, (0.0, 0.0), 0.0, 0i16, 0i16), "more than");
    refused::<(f64, f64), _>(
        DecayedMean::new(1.0).unwrap(),
        &(0.0, f64::INFINITY, (0.0, 0.0), false),
        "time or weight",
    );
    let bins = |counts: &[u64]| (counts.to_vec(), 0u64, 0u64, 0u64);
    let histogram = || Histogram::new(&[0.0, 1.0, 2.0]).unwrap();
    refused::<f64, _>(histogram(), &bins(&[1, 2, 3]), "3 bins, not 2");
    refused::<f64, _>(histogram(), &bins(&[MOST_ITEMS, 1]), "more than");
    refused(ConfusionMatrix { classes: 2 }, &(2u64, vec![MOST_ITEMS, 0, 0, 1], 0u64), "more than");
    refused(ConfusionMatrix { classes: 2 }, &(2u64, vec![0u64; 3], 0u64), "classes");
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let sketch =
        |least: f64, greatest: f64, items: &[f64]| (items.len() as u64, 0u64, least, greatest, vec![items.to_vec()]);
    let quantiles = Quantiles::default;
    refused::<f64, _>(quantiles(), &sketch(nan, nan, &[]), "do not lie between");
    refused::<f64, _>(quantiles(), &sketch(0.0, 1.0, &[]), "do not lie between");
    refused::<f64, _>(quantiles(), &sketch(inf, -inf, &[1.0]), "do not lie between");
    refused::<f64, _>(quantiles(), &sketch(0.0, 1.0, &[0.5, 0.25]), "canonical");
    refused::<f64, _>(quantiles(), &sketch(0.0, 1.0, &[nan]), "outside its extremes");
    refused::<f64, _>(quantiles(), &(5u64, 0u64, 0.0, 1.0, vec![vec![0.5]]), "stand for 1 of 5");
    let top = || TopK::new(2).unwrap();
    refused::<i32, _>(top(), &(vec![(1, 1u64), (2, 1), (3, 1)], 3u64, 0u64), "counts 3 values");
    refused::<i32, _>(top(), &(vec![(1, 1u64), (1, 1)], 2u64, 0u64), "damaged");
    refused::<i32, _>(top(), &(vec![(1, 2u64)], 4u64, 1u64), "too low by 1");
    refused::<f64, _>(top(), &(vec![(-0.0, 2u64)], 4u64, 0u64), "canonical");
    refused::<i32, _>(top(), &(vec![(2, 1u64), (1, 1)], 4u64, 0u64), "canonical");
    refused::<f64, _>(Sum, &(1u64, (f64::from_bits(nan.to_bits() | 1), 0.0), false), "canonical");
    let sum = |specials: (u64, u64, u64, u64, bool), top: u64| (specials, (0u64, 0u64, 0u64, 0u64, 0u64, top));
    refused::<f32, _>(Exact(Sum), &sum((1, 0, 0, 0, false), 1 << 40), "do not sum to");
    refused::<f32, _>(Exact(Sum), &sum((1, 0, 0, 0, true), 1), "every element is -0");
    refused::<f32, _>(Exact(Sum), &sum((1, 1, 1, 0, false), 0), "2 of 1 elements");
    let moments = |sum: (u64, u64), squares: (u64, u64, u64)| ((2u64, 0u64, 0u64, 0u64, false), sum, squares);
    refused::<u8, _>(Exact(Variance), &moments((9, 0), (1, 0, 0)), "no such sum and sum of squares");
    refused::<u8, _>(Exact(Variance), &moments((0, 0), (0, 0, u64::MAX)), "do not sum to");
    refused::<u8, _>(Exact(Sum), &((1u64, 0u64, 0u64, 0u64, false), (1000u64, 0u64)), "do not sum to");
    refused::<u8, _>(Exact(Sum), &((9u64, 5u64, 0u64, 0u64, false), (0u64, 0u64)), "no elements of u8");
    refused::<u64, _>(Exact(Sum), &((1u64, 0u64, 0u64, 0u64, false), (u64::MAX, u64::MAX)), "no elements of u64");
    // A varint of two bytes for what fits one.
    let bytes = forged::<u8, _>(&Count, &[0x81, 0x00]);
    assert!(refusal::<u8, _>(&Count, &bytes).unwrap().contains("canonical"));
    // A length of 2^60 with nothing behind it.
    let bytes = forged::<u64, _>(&Distinct::default(), &[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    assert!(refusal::<u64, _>(&Distinct::default(), &bytes).unwrap().contains("damaged"));
}

#[test]
fn a_state_counts_no_more_items_than_its_header() {
    /// Those whose states do not say how many items there were, and so only whether there were any.
    const FEW_SAY: [&str; 13] = [
        "min_f32",
        "max_i32",
        "min_text",
        "max_text",
        "range_f64",
        "arg_min_f64",
        "arg_max_i32",
        "first_text",
        "any",
        "all",
        "list",
        "optional",
        "by_text",
    ];
    struct Claimed;
    impl Each for Claimed {
        fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, items: &[T]) {
            let state = state_of(&aggregator, items);
            let honest = to_bytes::<T, A>(&aggregator, &state, items.len() as u64).unwrap();
            // Items that were left out are in the header alone.
            assert!(to_bytes::<T, A>(&aggregator, &state, items.len() as u64 + 100).is_ok(), "{name}");
            let claims: &[u64] = if FEW_SAY.contains(&name) { &[0] } else { &[0, 1, 5] };
            for &claim in claims {
                let forged = Envelope { items: claim, ..Envelope::from_bytes(&honest).unwrap() }.to_bytes();
                let what = refusal::<T, A>(&aggregator, &forged).unwrap_or_else(|| panic!("{name} of {claim} items"));
                assert!(what.contains("items"), "{name}: {what}");
                assert!(to_bytes::<T, A>(&aggregator, &state, claim).is_err(), "{name} of {claim} items");
            }
        }
    }
    each(&mut Claimed);
}

#[test]
fn too_many_items_are_not_written_either() {
    let error = to_bytes::<f64, _>(&Mean, &Aggregator::<f64>::identity(&Mean), MOST_ITEMS + 1).unwrap_err();
    assert!(error.to_string().contains(&MOST_ITEMS.to_string()), "{error}");
    let error = to_bytes::<f64, _>(&Count, &(MOST_ITEMS + 1), 1).unwrap_err();
    assert!(matches!(error, Error::State(_)), "{error}");
}

#[test]
fn more_items_than_sums_can_hold_are_an_error_and_change_nothing() {
    let mut reducer = Reducer::new(Sum, &Engine::cpu()).unwrap();
    reducer.push(&[i64::MAX, 1]).unwrap();
    let most = |sum: i64| (Sum.state_of(&[sum]), MOST_ITEMS - 1);
    let refused = |result: Result<(), Error>| {
        let what = result.unwrap_err();
        assert!(matches!(what, Error::TooMany { before: 2, .. }), "{what}");
    };
    let (state, items) = most(7);
    refused(reducer.push_state(state, items));
    let mut other = Reducer::new(Sum, &Engine::cpu()).unwrap();
    let (state, items) = most(7);
    other.push_state(state, items).unwrap();
    other.push(&[1]).unwrap();
    let what = other.push(&[1]).unwrap_err().to_string();
    assert!(what.contains(&MOST_ITEMS.to_string()), "{what}");
    assert!(other.push_masked(&[1], |_| false).is_err());
    refused(reducer.merge(other));
    assert_eq!((reducer.pushed(), reducer.finish()), (2, Some(1i128 << 63)));
}

#[test]
fn functions_with_a_name_are_stored_by_it() {
    let by_shop = |name: &str| {
        let price = Mean.map_input(|sale: &(u8, f64)| sale.1).named(name);
        price.by_key(|sale: &(u8, f64)| sale.0).named("shop")
    };
    let items = [(1u8, 2.0), (2, 5.0), (1, 4.0)];
    let state = state_of(&by_shop("price"), &items);
    let bytes = to_bytes::<(u8, f64), _>(&by_shop("price"), &state, 3).unwrap();
    let (state, count) = from_bytes::<(u8, f64), _>(&by_shop("price"), &bytes).unwrap();
    let means: Vec<_> = by_shop("price").finish(state).into_iter().collect();
    assert_eq!((count, means), (3, vec![(1, Some(3.0)), (2, Some(5.0))]));
    let what = refusal(&by_shop("weight"), &bytes).unwrap();
    assert!(what.contains("input price") && what.contains("input weight"), "{what}");
    // Of one type of key and of another key.
    let by = |name: &'static str| {
        Count.by_key(move |sale: &(u8, u8)| if name == "shop" { sale.0 } else { sale.1 }).named(name)
    };
    let bytes = to_bytes::<(u8, u8), _>(&by("shop"), &state_of(&by("shop"), &[(1u8, 2u8)]), 1).unwrap();
    let what = refusal(&by("weekday"), &bytes).unwrap();
    assert!(what.contains("by shop of u8") && what.contains("by weekday of u8"), "{what}");
    let large = |name: &str| Count.filter(|x: &f64| *x > 1.0).named(name);
    assert_eq!(Portable::<f64>::signature(&large("large")), "count where large");
}

#[test]
fn boxed_states_are_those_of_what_is_inside() {
    let boxed: [Boxed<f64, Option<f64>>; 2] = [Boxed::new(Min), Boxed::new(Max)];
    let items = [3.0, -1.0, 2.0];
    let bytes = boxed[1].to_bytes(&state_of(&boxed[1], &items), 3).unwrap();
    assert_eq!(bytes, to_bytes::<f64, _>(&Max, &Some(3.0), 3).unwrap());
    let (state, count) = boxed[1].read_bytes(&bytes).unwrap();
    assert_eq!((boxed[1].finish(state), count), (Some(3.0), 3));
    let what = boxed[0].read_bytes(&bytes).unwrap_err().to_string();
    assert!(what.contains("min of f64") && what.contains("max of f64"), "{what}");
}
