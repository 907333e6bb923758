// What every kernel counts: which items there were. The NaN policy, the count and IEEE's rules
// for infinities are applied on the host from these numbers.
struct Census {
    finite: u32,
    nan: u32,
    positive_infinite: u32,
    negative_infinite: u32,
    // Name of the first NaN in the chunk; 2^32 - 1 where there is none.
    first_nan: u32,
}

fn census_identity() -> Census {
    return Census(0u, 0u, 0u, 0u, 0xffffffffu);
}

// A finite item, which most are.
fn census_one() -> Census {
    return Census(1u, 0u, 0u, 0u, 0xffffffffu);
}

// An item by what is special in it: 1 NaN, 2 +infinity, 4 -infinity. It counts once, as the first of these.
fn census_of(special: u32, name: u32) -> Census {
    let nan = special & 1u;
    let positive = (special >> 1u) & 1u & ~nan;
    let negative = (special >> 2u) & 1u & ~nan & ~positive;
    return Census(u32(special == 0u), nan, positive, negative, select(0xffffffffu, name, nan == 1u));
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
