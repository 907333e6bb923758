// Where values lie: enough to choose a frame.
struct Spread {
    // The largest |x| as bits; above those of infinity if there is a NaN.
    magnitude: u32,
    total: f32,
    weight: f32,
    least: f32,
    greatest: f32,
}

// A frame, and whether every element is finite and is seen as it is: at exponent 0, or all zeros.
struct Found {
    frame: Frame,
    ordinary: bool,
}

fn spread_identity() -> Spread {
    return Spread(0u, 0.0, 0.0, 0x1p+127f, -0x1p+127f);
}

fn spread_of(value: f32, weight: f32) -> Spread {
    return Spread(0u, value * weight, weight, value, value);
}

fn spread_merge(a: Spread, b: Spread) -> Spread {
    return Spread(
        max(a.magnitude, b.magnitude),
        a.total + b.total,
        a.weight + b.weight,
        min(a.least, b.least),
        max(a.greatest, b.greatest),
    );
}

// Zeros, or a largest magnitude in a range from which no power or sum of 2^29 powers leaves that of f32, and of
// which what flushes to zero is too little to count.
fn is_ordinary(magnitude: u32) -> bool {
    return magnitude == 0u || (magnitude >= LEAST_ORDINARY && magnitude < PAST_ORDINARY);
}

// The mean, held between the extremes: so equal values give exactly that value, and zero offsets.
fn shift_of(spread: Spread) -> f32 {
    let mean = spread.total / select(1.0, spread.weight, spread.weight > 0.0);
    return select(0.0, clamp(mean, spread.least, spread.greatest), spread.weight > 0.0);
}
