//! Exact sums, means, variances and covariances: the nearest f64 to what integers of any size say, and the same bytes of
//! the state in any order, pieces and threads.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use crate::common::{in_pieces, mixed, normal, unit};
use crate::nearest::{Oracle, condition, hard_f32, hard_f64};
use strix_reduce::aggregators::ExactMoments;
use strix_reduce::{
    Accuracy, Aggregator, Combine, Covariance, Engine, Exact, ExactElement, Item, Mean, Portable, Reducer, Sum,
    Variance, state, testkit,
};

fn answer<T: Item, A: Aggregator<T>>(aggregator: A, items: &[T]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    reducer.finish()
}

/// The moments' readings against the oracle; a sum that is 0 is +0 here.
fn check<T: ExactElement>(what: &str, items: &[T], sum: Option<f64>) {
    let wide: Vec<f64> = items.iter().map(|x| x.to_f64()).collect();
    let oracle = Oracle::of(&wide);
    let moments = answer(Exact(Variance), items);
    oracle.sum(what, sum.unwrap());
    oracle.mean(what, answer(Exact(Mean), items).unwrap());
    oracle.mean(what, moments.mean().unwrap());
    for ddof in [0, 1] {
        if items.len() as u64 > ddof {
            oracle.variance(what, ddof, moments.variance(ddof).unwrap());
            oracle.sd(what, ddof, moments.sd(ddof).unwrap());
        } else {
            assert_eq!((moments.variance(ddof), moments.sd(ddof)), (None, None));
        }
    }
}

#[test]
fn ten_thousand_hard_cases_of_f32() {
    for case in 0..10_000 {
        let items = hard_f32(case);
        check(&format!("case {case}"), &items, answer(Exact(Sum), &items));
    }
}

#[test]
fn hard_cases_of_f64() {
    for case in 0..2_000 {
        let items = hard_f64(case);
        check(&format!("case {case}"), &items, answer(Exact(Sum), &items));
    }
}

#[test]
fn the_ill_conditioned_cases_are() {
    for wide in [false, true] {
        let items = |case| if wide { hard_f64(case) } else { hard_f32(case).iter().map(|&x| x.into()).collect() };
        let conditions: Vec<f64> = (4..2000).step_by(8).map(|case| condition(&items(case))).collect();
        let share = |low: f64, high: f64| conditions.iter().filter(|c| (low..high).contains(*c)).count();
        assert!(share(1e3, 1e12) > 10 && share(1e12, 1e24) > 10 && share(1e24, 1e36) > 10, "{conditions:?}");
    }
}

#[test]
fn blocks_of_many_items_near_and_far() {
    // Around the pieces, bins and blocks of the kernels, with exponents that do and do not lie near one another.
    for (n, spread) in [(4095, 1.0), (4096, 9.0), (4097, 25.0), (65_535, 1.0), (65_537, 14.0), (200_001, 24.0)] {
        let items: Vec<f32> =
            normal(n, 7).iter().zip(normal(n, 8)).map(|(x, e)| (x * (e * spread).exp2()) as f32).collect();
        check(&format!("{n} f32 spread over {spread}"), &items, answer(Exact(Sum), &items));
        let items: Vec<f64> = normal(n, 9).iter().zip(normal(n, 10)).map(|(x, e)| x * (e * spread).exp2()).collect();
        check(&format!("{n} f64 spread over {spread}"), &items, answer(Exact(Sum), &items));
    }
}

#[test]
fn more_items_than_an_f32_can_count() {
    let n = (1 << 24) + 3;
    // Multiples of 2^-20 below 16, so that an i128 holds the sums of all of them and of their squares.
    let grid = |bits: u64| (bits % (1 << 24)) as i128 - (1 << 23);
    let (mut sum, mut squares, mut items) = (0i128, 0i128, Vec::with_capacity(n));
    for bits in mixed(3).take(n) {
        let x = grid(bits >> 20);
        (sum, squares) = (sum + x, squares + x * x);
        items.push(x as f32 / (1 << 20) as f32);
    }
    let oracle = Oracle::of_sums(n as u64, sum.into(), squares.into(), 20);
    let moments = answer(Exact(Variance), &items);
    oracle.sum("sum", moments.sum().unwrap());
    oracle.mean("mean", moments.mean().unwrap());
    oracle.variance("variance", 1, moments.sample_variance().unwrap());
    oracle.sum("sum alone", answer(Exact(Sum), &items).unwrap());
}

#[test]
fn integers_round_once() {
    let wide: Vec<i64> = mixed(5).take(999).map(|bits| bits as i64).collect();
    let oracle = Oracle::of_integers(wide.iter().copied());
    let moments = answer(Exact(Variance), &wide);
    assert_eq!(answer(Exact(Sum), &wide), Some(wide.iter().map(|&x| i128::from(x)).sum()));
    oracle.mean("i64", moments.mean().unwrap());
    oracle.variance("i64", 1, moments.sample_variance().unwrap());
    oracle.sd("i64", 1, moments.sample_sd().unwrap());
    let wide: Vec<u64> = wide.iter().map(|&x| x as u64).collect();
    let oracle = Oracle::of_integers(wide.iter().copied());
    oracle.mean("u64", answer(Exact(Mean), &wide).unwrap());
    oracle.variance("u64", 0, answer(Exact(Variance), &wide).population_variance().unwrap());
    assert_eq!(answer(Exact(Variance), &[true, false, true, true]).population_variance(), Some(0.1875));
    let pairs = [(u64::MAX, 0), (0, u64::MAX), (u64::MAX, 1u64)];
    assert!((answer(Exact(Covariance), &pairs).correlation().unwrap() + 1.0).abs() < 1e-15);
}

#[test]
fn covariance_and_correlation_round_once() {
    for case in 0..300 {
        let x = hard_f64(case);
        let y: Vec<f64> = hard_f64(case + 5).into_iter().chain(unit(x.len(), case)).take(x.len()).collect();
        let pairs: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
        let moments = answer(Exact(Covariance), &pairs);
        let what = format!("case {case}");
        let cross = crate::nearest::Cross::of(&x, &y);
        cross.covariance(&what, 0, moments.population_covariance().unwrap());
        if pairs.len() > 1 {
            cross.covariance(&what, 1, moments.sample_covariance().unwrap());
        }
        cross.correlation(&what, moments.correlation());
    }
    let line: Vec<(f32, f32)> = (0..1000).map(|i| (i as f32 * 0.1, i as f32 * -0.2)).collect();
    assert_eq!(answer(Exact(Covariance), &line).correlation(), Some(-1.0));
}

#[test]
fn rules_for_what_is_not_finite_for_zeros_and_for_nothing() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let sum = |items: &[f32]| answer(Exact(Sum), items).map(|x| (x.to_bits(), x.is_nan()));
    let is = |x: f64| Some((x.to_bits(), false));
    assert_eq!(sum(&[]), None);
    assert_eq!(sum(&[-0.0]), is(-0.0));
    assert_eq!(sum(&[-0.0, -0.0]), is(-0.0));
    assert_eq!(sum(&[-0.0, 0.0]), is(0.0));
    assert_eq!(sum(&[1.0, -1.0]), is(0.0));
    assert_eq!(sum(&[1.0, inf, -1.0]), is(f64::INFINITY));
    assert_eq!(sum(&[-inf, f32::MAX, -inf]), is(f64::NEG_INFINITY));
    assert!(sum(&[inf, -inf]).unwrap().1 && sum(&[inf, nan]).unwrap().1 && sum(&[-0.0, nan]).unwrap().1);
    let moments = answer(Exact(Variance), &[1.0, inf]);
    assert_eq!(moments.mean(), Some(f64::INFINITY));
    assert!(moments.population_variance().unwrap().is_nan() && moments.sample_sd().unwrap().is_nan());
    assert_eq!(answer(Exact(Mean), &[-0.0f64; 5]).map(f64::to_bits), Some((-0.0f64).to_bits()));
    // A sum past the largest f64 rounds to infinity, but its mean is in range.
    assert_eq!(answer(Exact(Sum), &[f64::MAX; 3]), Some(f64::INFINITY));
    assert_eq!(answer(Exact(Mean), &[f64::MAX; 3]), Some(f64::MAX));
    assert_eq!(answer(Exact(Variance), &[f64::MAX, -f64::MAX]).population_variance(), Some(f64::INFINITY));
    assert_eq!(answer(Exact(Variance), &[f64::MAX, -f64::MAX]).population_sd(), Some(f64::MAX));
    let nothing: [f64; 0] = [];
    let none = answer(Exact(Variance), &nothing);
    assert_eq!((none.count(), none.mean(), none.population_variance(), none.sum()), (0, None, None, None));
    let pairs: [(f64, f64); 0] = [];
    let none = answer(Exact(Covariance), &pairs);
    assert_eq!((none.population_covariance(), none.correlation()), (None, None));
    assert_eq!(answer(Exact(Covariance), &[(1.0, 2.0), (1.0, 3.0)]).correlation(), None);
    assert!(answer(Exact(Covariance), &[(1.0, f64::NAN)]).correlation().unwrap().is_nan());
}

#[test]
fn nist_numacc_3_and_4_to_the_last_bit() {
    for (center, name) in [(1_000_000.2, "NumAcc3"), (10_000_000.2, "NumAcc4")] {
        // The sets as NIST lists them: the center, then what is a tenth below and above it, in turn.
        let tenth = |k: i64| (center * 10.0_f64).round() as i64 + k;
        let item = |i: usize| {
            tenth(if i == 0 {
                0
            } else if i % 2 == 1 {
                -1
            } else {
                1
            }) as f64
                / 10.0
        };
        let items: Vec<f64> = (0..1001).map(item).collect();
        check(name, &items, answer(Exact(Sum), &items));
        assert!((answer(Exact(Variance), &items).sample_sd().unwrap() - 0.1).abs() < 1e-8);
    }
}

/// The bytes of the state of `items` pushed at once.
fn bytes<T: Item, A: Portable<T> + Copy>(aggregator: A, items: &[T]) -> Vec<u8> {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    state::to_bytes::<T, A>(&aggregator, reducer.state(), reducer.pushed()).unwrap()
}

fn shuffled<T: Copy>(items: &[T], seed: u64) -> Vec<T> {
    let mut keyed: Vec<(u64, T)> = mixed(seed).zip(items.iter().copied()).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

fn one_state<T: ExactElement, A: Portable<T> + Copy>(aggregator: A, items: &[T]) {
    let whole = bytes(aggregator, items);
    for (pieces, seed) in [(1, 1), (2, 2), (7, 3), (1000, 4)] {
        let items = shuffled(items, seed);
        let merged = in_pieces(&aggregator, &items, pieces, seed);
        assert_eq!(
            state::to_bytes::<T, A>(&aggregator, &merged, items.len() as u64).unwrap(),
            whole,
            "{pieces} pieces"
        );
    }
    for threads in 1..=8 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| bytes(aggregator, items)), whole, "{threads} threads");
    }
    let (state, count) = state::from_bytes::<T, A>(&aggregator, &whole).unwrap();
    assert_eq!(state::to_bytes::<T, A>(&aggregator, &state, count).unwrap(), whole);
}

#[test]
fn one_state_whatever_the_order_the_pieces_and_the_threads() {
    for spread in [1.0, 60.0] {
        let wide: Vec<f64> =
            normal(150_001, 1).iter().zip(normal(150_001, 2)).map(|(x, e)| x * (e * spread).exp2()).collect();
        let mut single: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
        single.extend([f32::NAN, f32::INFINITY, -0.0, f32::MAX, f32::from_bits(1)]);
        one_state::<f32, _>(Exact(Sum), &single);
        one_state::<f32, _>((Exact(Mean), Exact(Variance)), &single);
        one_state::<f64, _>(Exact(Sum), &wide);
        one_state::<f64, _>(Exact(Variance), &wide[..30_000]);
    }
    one_state::<i64, _>(Exact(Variance), &mixed(9).take(5000).map(|bits| bits as i64).collect::<Vec<_>>());
}

#[test]
fn laws_and_groups() {
    let items: Vec<f64> = hard_f64(4).into_iter().chain(hard_f64(5)).collect();
    let same = |a: &ExactMoments<f64>, b: &ExactMoments<f64>| a == b;
    testkit::check_laws(&Exact(Variance), &items, same);
    testkit::check_laws(&Exact(Sum), &items, |a: &Option<f64>, b| a == b);
    let pairs: Vec<(f64, f64)> = items.iter().map(|&x| (x, x * 0.5)).collect();
    testkit::check_laws(&Exact(Covariance), &pairs, |a, b| a == b);
    let by_sign = Exact(Sum).by_key(|x: &f64| x.is_sign_negative());
    let groups = answer(by_sign, &items);
    for (negative, sum) in groups {
        let part: Vec<f64> = items.iter().copied().filter(|x| x.is_sign_negative() == negative).collect();
        Oracle::of(&part).sum("group", sum.unwrap());
    }
    assert_eq!(Exact(Sum).state_of(&[0.0f64; 0]), Aggregator::<f64>::identity(&Exact(Sum)));
}

#[test]
fn accuracy_is_chosen_at_run_time() {
    let items = [1e30f32, 1.0, -1e30, 3.0];
    assert_eq!(answer(Accuracy::Exact.sum::<f32>(), &items), Some(4.0));
    assert_eq!(answer(Accuracy::Exact.mean::<f32>(), &items), Some(1.0));
    assert_eq!(answer(Accuracy::Fast.mean::<f32>(), &[1.0, 3.0]), Some(2.0));
    for accuracy in [Accuracy::Fast, Accuracy::Exact] {
        assert_eq!(answer(accuracy.variance::<f32>(1), &[1.0, 3.0]), Some(2.0));
        assert_eq!(answer(accuracy.variance::<f32>(1), &[1.0]), None);
    }
}
