// The exact first two moments of integer elements of 32 bits: the sum of their keys as u64, and that of their squared
// keys, of which 2^29 fit 93 bits; low words first.
struct WideIntegerVarianceState {
    total: vec2<u32>,
    squares: vec2<u32>,
    above: u32,
}

fn wide_integer_variance_identity() -> WideIntegerVarianceState {
    return WideIntegerVarianceState(vec2<u32>(0u, 0u), vec2<u32>(0u, 0u), 0u);
}

fn wide_integer_variance_lift(item: Item) -> WideIntegerVarianceState {
    return WideIntegerVarianceState(vec2<u32>(item.key, 0u), multiply_u64(item.key, item.key), 0u);
}

fn wide_integer_variance_merge(a: WideIntegerVarianceState, b: WideIntegerVarianceState) -> WideIntegerVarianceState {
    let squares = add_u64(a.squares, b.squares);
    // A sum below a term has wrapped.
    let carry = u32(squares.y < a.squares.y || (squares.y == a.squares.y && squares.x < a.squares.x));
    return WideIntegerVarianceState(add_u64(a.total, b.total), squares, a.above + b.above + carry);
}
