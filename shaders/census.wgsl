// What every kernel counts: which elements there were. The NaN policy, the count and IEEE's rules
// for infinities are applied on the host from these numbers, so no kernel needs to know them.
struct Census {
    finite: u32,
    nan: u32,
    positive_infinite: u32,
    negative_infinite: u32,
    // Index of the first NaN in the chunk; 2^32 - 1 where there is none.
    first_nan: u32,
}

fn census_identity() -> Census {
    return Census(0u, 0u, 0u, 0u, 0xffffffffu);
}

// A finite element, which most are.
fn census_one() -> Census {
    return Census(1u, 0u, 0u, 0u, 0xffffffffu);
}

fn census_lift(key: u32, index: u32) -> Census {
    let nan = IS_FLOAT && is_nan(key);
    let positive = IS_FLOAT && key == KEY_POSITIVE_INFINITY;
    let negative = IS_FLOAT && key == KEY_NEGATIVE_INFINITY;
    return Census(u32(!nan && !positive && !negative), u32(nan), u32(positive), u32(negative), select(0xffffffffu, index, nan));
}

fn census_merge(a: Census, b: Census) -> Census {
    return Census(
        a.finite + b.finite,
        a.nan + b.nan,
        a.positive_infinite + b.positive_infinite,
        a.negative_infinite + b.negative_infinite,
        min(a.first_nan, b.first_nan),
    );
}
