// The exact first two moments of integer elements of at most 16 bits: the sums of their keys and
// of their squared keys as u64, low word first. A square fits 32 bits, and 2^31 of them fit 64.
struct IntegerVarianceState {
    total: vec2<u32>,
    squares: vec2<u32>,
}

fn integer_variance_identity() -> IntegerVarianceState {
    return IntegerVarianceState(vec2<u32>(0u, 0u), vec2<u32>(0u, 0u));
}

fn integer_variance_lift(item: Item) -> IntegerVarianceState {
    return IntegerVarianceState(vec2<u32>(item.key, 0u), vec2<u32>(item.key * item.key, 0u));
}

fn integer_variance_merge(a: IntegerVarianceState, b: IntegerVarianceState) -> IntegerVarianceState {
    return IntegerVarianceState(add_u64(a.total, b.total), add_u64(a.squares, b.squares));
}
