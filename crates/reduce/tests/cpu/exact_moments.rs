//! Skewness, kurtosis, covariance and weighted spread against exact rationals, inside their documented bounds.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use crate::common::{mixed, normal, rational, to_f64, unit};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use strix_reduce::{
    Aggregator, Covariance, DecayedMean, Element, Engine, GeometricMean, HarmonicMean, Item, Product, Reducer, Shape,
    Sum, Variance, Weighted,
};

const UNIT: f64 = 1.0 / (1u64 << 53) as f64;

/// Around lanes and blocks; rationals are slow, so no larger.
const SIZES: [usize; 5] = [2, 15, 17, 300, 4097];

fn answer<T: Item, A: Aggregator<T>>(aggregator: A, items: &[T]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    reducer.finish()
}

fn whole(n: usize) -> BigRational {
    BigRational::from_integer(BigInt::from(n))
}

fn mean(items: &[BigRational]) -> BigRational {
    items.iter().sum::<BigRational>() / whole(items.len())
}

/// Off from `exact` by at most `bound`.
fn within(what: &str, found: f64, exact: f64, bound: f64) {
    assert!(
        (found - exact).abs() <= bound,
        "{what}: {found}, not {exact}; off by {:e}, bound {bound:e}",
        found - exact
    );
}

fn check_shape<T: Element>(kind: &str, items: &[T], exact: &[BigRational]) {
    let center = mean(exact);
    let deviations: Vec<BigRational> = exact.iter().map(|x| x - &center).collect();
    let power = |k: i32| deviations.iter().map(|d| num_traits::pow::Pow::pow(d, k)).sum::<BigRational>();
    let [m2, m3, m4] = [power(2), power(3), power(4)].map(|m| to_f64(&m));
    let absolute = to_f64(&deviations.iter().map(|d| d.abs() * d * d).sum());
    let shape = answer(Shape, items);
    let n = items.len() as f64;
    let place = |what: &str| format!("{what} of {kind}, {n} elements");
    let relative = (1000.0 + 8.0 * n.log2()) * UNIT;
    within(
        &place("mean"),
        shape.mean().unwrap(),
        to_f64(&center),
        4.0 * UNIT * to_f64(&center).abs() + relative * (m2 / n).sqrt(),
    );
    within(&place("M2"), shape.variance(0).unwrap(), m2 / n, relative * m2 / n);
    // Skewness is M3 over a power of M2, kurtosis M4 over its square: their errors add up.
    let scale = n.sqrt() / (m2 * m2.sqrt());
    within(
        &place("skewness"),
        shape.population_skewness().unwrap(),
        scale * m3,
        relative * scale * (absolute + 2.0 * m3.abs()),
    );
    let kurtosis = n * m4 / (m2 * m2);
    within(&place("kurtosis"), shape.population_excess_kurtosis().unwrap() + 3.0, kurtosis, 3.0 * relative * kurtosis);
}

#[test]
fn shapes_of_floats() {
    for n in SIZES {
        let bell = normal(n, 1);
        let skewed: Vec<f64> = bell.iter().map(|x| (2.0 * x).exp()).collect();
        let alternating: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 0.1 } else { -0.3 }).collect();
        for (kind, items) in [("bell", bell), ("skewed", skewed), ("alternating", alternating)] {
            for offset in [0.0, 1e8, -1e15] {
                let items: Vec<f64> = items.iter().map(|x| x * 100.0 + offset).collect();
                let exact: Vec<BigRational> = items.iter().map(|&x| rational(x)).collect();
                check_shape(&format!("{kind} + {offset:e} as f64"), &items, &exact);
                let narrow: Vec<f32> = items.iter().map(|&x| (x - offset + offset.min(1e6)) as f32).collect();
                let exact: Vec<BigRational> = narrow.iter().map(|&x| rational(x.into())).collect();
                if narrow.iter().any(|x| x != &narrow[0]) {
                    check_shape(&format!("{kind} + {offset:e} as f32"), &narrow, &exact);
                }
            }
        }
    }
}

#[test]
fn shapes_of_integers_at_any_offset() {
    for n in SIZES {
        for offset in [100_000_000, i64::MAX - 2000, i64::MIN + 2000] {
            let items: Vec<i64> = mixed(3).take(n).map(|bits| offset + (bits % 2001) as i64 - 1000).collect();
            let exact: Vec<BigRational> = items.iter().map(|&x| BigRational::from_integer(x.into())).collect();
            check_shape(&format!("i64 + {offset}"), &items, &exact);
        }
    }
}

#[test]
fn covariance_and_slope() {
    for n in SIZES {
        for (offset_x, offset_y) in [(0.0, 0.0), (1e8, -1e8), (1e12, 3.0)] {
            let noise = normal(n, 5);
            let items: Vec<(f64, f64)> =
                normal(n, 4).iter().zip(noise).map(|(x, e)| (x + offset_x, 0.3 * x + e + offset_y)).collect();
            let (x, y): (Vec<BigRational>, Vec<BigRational>) =
                items.iter().map(|&(x, y)| (rational(x), rational(y))).unzip();
            let (x_mean, y_mean) = (mean(&x), mean(&y));
            let dot = |a: &[BigRational], am: &BigRational, b: &[BigRational], bm: &BigRational| {
                to_f64(&a.iter().zip(b).map(|(a, b)| (a - am) * (b - bm)).sum())
            };
            let (xx, yy, xy) =
                (dot(&x, &x_mean, &x, &x_mean), dot(&y, &y_mean, &y, &y_mean), dot(&x, &x_mean, &y, &y_mean));
            let moments = answer(Covariance, &items);
            let relative = (300.0 + 8.0 * (n as f64).log2()) * UNIT;
            let place = format!("{n} pairs at {offset_x}, {offset_y}");
            within(&place, moments.population_covariance().unwrap() * n as f64, xy, relative * (xx * yy).sqrt());
            within(&place, moments.correlation().unwrap(), xy / (xx * yy).sqrt(), 2.0 * relative);
        }
    }
}

/// The worst for a sum of one after the other: terms that all round the same way.
#[test]
fn covariance_of_terms_that_round_alike() {
    let items: Vec<(f64, f64)> = (0..4096).map(|i| if i % 2 == 0 { (0.1, 0.1) } else { (-0.1, -0.1) }).collect();
    let exact = to_f64(&(rational(0.1) * rational(0.1)));
    let found = answer(Covariance, &items).population_covariance().unwrap();
    within("alternating", found, exact, 300.0 * UNIT * exact);
}

#[test]
fn weighted_spread() {
    for n in SIZES {
        for offset in [0.0, 1e8] {
            let weights = unit(n, 7).into_iter().map(|u| if u < 0.1 { 0.0 } else { u });
            let items: Vec<(f64, f64)> = normal(n, 6).into_iter().map(|x| x + offset).zip(weights).collect();
            let exact: Vec<_> = items.iter().map(|&(x, w)| (rational(x), rational(w))).collect();
            let weight: BigRational = exact.iter().map(|(_, w)| w).sum();
            let center = exact.iter().map(|(x, w)| x * w).sum::<BigRational>() / &weight;
            let spread: BigRational =
                exact.iter().map(|(x, w)| (x - &center) * (x - &center) * w).sum::<BigRational>() / &weight;
            let moments = answer(Weighted(Variance), &items);
            let (center, spread) = (to_f64(&center), to_f64(&spread));
            let relative = (300.0 + 8.0 * (n as f64).log2()) * UNIT;
            within("mean", moments.mean().unwrap(), center, UNIT * center.abs() + relative * spread.sqrt());
            within("variance", moments.population_variance().unwrap(), spread, 2.0 * relative * spread);
        }
    }
}

#[test]
fn products_of_a_thousand_factors() {
    for seed in 0..5 {
        let items: Vec<f64> = unit(1000, seed).into_iter().map(|u| (u - 0.3) * 1e150f64.powf(u - 0.4)).collect();
        let exact = items.iter().fold(BigRational::one(), |product, &x| product * rational(x));
        let found = answer(Product, &items).unwrap();
        // The bits of the exact product say whether f64 holds it.
        let bits = exact.numer().bits() as i64 - exact.denom().bits() as i64;
        if (-1020..1020).contains(&bits) {
            let off = ((rational(found) - &exact) / &exact).abs();
            assert!(off <= rational(UNIT + 1000.0 * 2f64.powi(-102)), "{found}: off by {:e}", to_f64(&off));
        } else {
            assert!(if bits > 0 { found.is_infinite() } else { found.abs() < 1e-300 }, "{found}, 2^{bits}");
        }
    }
    // Past both ends on the way, and back.
    let there_and_back: Vec<f64> = (0..400).map(|i| if i < 200 { 1e300 } else { 1e-300 }).collect();
    within("there and back", answer(Product, &there_and_back).unwrap(), 1.0, 400.0 * UNIT);
    assert_eq!(answer(Product, &[5e-324f64, 0.25, 4.0]), Some(5e-324));
    assert_eq!(answer(Product, &[f64::MAX, -2.0]), Some(f64::NEG_INFINITY));
    assert_eq!(answer(Product, &[5e-324f64, -0.25]).map(f64::to_bits), Some((-0.0f64).to_bits()));
}

#[test]
fn weighted_sums() {
    for n in SIZES {
        let values: Vec<f64> =
            normal(n, 31).iter().zip(mixed(32)).map(|(x, k)| x * 2f64.powi((k % 60) as i32)).collect();
        let items: Vec<(f64, f64)> = values.into_iter().zip(unit(n, 33)).collect();
        let products = || items.iter().map(|&(x, w)| rational(x) * rational(w));
        let (exact, magnitude) = (to_f64(&products().sum()), to_f64(&products().map(|p| p.abs()).sum()));
        let bound = UNIT * exact.abs() + n as f64 * 2f64.powi(-104) * magnitude;
        // Half a unit more, as the exact sum is rounded here too.
        within("weighted sum", answer(Weighted(Sum), &items).unwrap(), exact, bound + UNIT * exact.abs());
    }
}

#[test]
fn geometric_and_harmonic_means() {
    // Fewer than elsewhere: the digits of exact products and sums of reciprocals grow with every element.
    for n in [1, 2, 15, 17, 150] {
        let items: Vec<f64> = normal(n, 8).iter().map(|x| (40.0 * x).exp()).collect();
        let reciprocals: BigRational = items.iter().map(|&x| rational(x).recip()).sum();
        let exact = to_f64(&(whole(n) / reciprocals));
        within("harmonic", answer(HarmonicMean, &items).unwrap(), exact, 2.0 * UNIT * exact);
        // Its n-th power is the product: relative errors are n times as large there.
        let found = answer(GeometricMean, &items).unwrap();
        let product = items.iter().fold(BigRational::one(), |product, &x| product * rational(x));
        let power = num_traits::pow::Pow::pow(rational(found), n as u32);
        let off = to_f64(&((power / product) - BigRational::one())).abs() / n as f64;
        let bound = (2.0 + found.log2().abs()) * UNIT * 2.0;
        assert!(off <= bound, "geometric mean {found}: off by {off:e}, bound {bound:e}");
    }
    let zero = answer(HarmonicMean, &[3.0, 0.0, 5.0]);
    assert_eq!((zero, answer(HarmonicMean, &[1.0, -1.0]).map(f64::is_nan)), (Some(0.0), Some(true)));
}

#[test]
fn decayed_means_of_many_small_steps() {
    // Steps so small that each decay rounds: item after item, 4096 times the same rounding would add up.
    for (n, step) in [(4096, 0.001), (9001, 0.01), (1000, 1.0 / 3.0)] {
        let items: Vec<(f64, f64)> =
            unit(n, 9).into_iter().enumerate().map(|(i, u)| (i as f64 * step, u + 5.0)).collect();
        let latest = rational(items[n - 1].0);
        let (mut weight, mut sum, mut age) = (BigRational::zero(), BigRational::zero(), 0.0);
        for &(time, x) in &items {
            // 2^-a to about 2^-60, as the square root of 2 to whole powers would not do: the age is cut in two parts.
            let halves = (&latest - rational(time)) / rational(7.0);
            let decay = power_of_two(&-&halves);
            age += to_f64(&halves) * to_f64(&decay);
            weight += &decay;
            sum += decay * rational(x);
        }
        let exact = to_f64(&(sum / &weight));
        let age = age / to_f64(&weight);
        let found = answer(DecayedMean::new(7.0).unwrap(), &items).unwrap();
        let bound = (600.0 + 8.0 * (n as f64).log2() + 4.0 * age) * UNIT * exact;
        within(&format!("{n} steps of {step}"), found, exact, bound);
    }
}

/// 2^x for x <= 0 to about 2^-70, by the series of exp(x ln 2).
fn power_of_two(x: &BigRational) -> BigRational {
    // ln 2 to 2^-107: https://oeis.org/A002162.
    let ln_2 = BigRational::new(
        "693147180559945309417232121458176568".parse().unwrap(),
        "1000000000000000000000000000000000000".parse().unwrap(),
    );
    let steps = x.floor();
    let rest = (x - &steps) * ln_2;
    // In fixed point of 2^-120: exact rationals would grow with every term.
    let one = BigInt::from(1) << 120u32;
    let rest = (rest * BigRational::from_integer(one.clone())).to_integer();
    let (mut term, mut total) = (one.clone(), BigInt::zero());
    for k in 1..40 {
        total += &term;
        term = ((term * &rest) >> 120u32) / k;
    }
    let down = BigInt::from(1) << (-steps).to_integer().to_u32().unwrap();
    BigRational::new(total, one * down)
}
