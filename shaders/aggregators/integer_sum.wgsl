// The exact sum of integer elements: the sum of their keys as u64, low word first.
struct IntegerSumState {
    total: vec2<u32>,
}

fn integer_sum_identity() -> IntegerSumState {
    return IntegerSumState(vec2<u32>(0u, 0u));
}

fn integer_sum_lift(item: Item) -> IntegerSumState {
    return IntegerSumState(vec2<u32>(item.key, 0u));
}

fn integer_sum_merge(a: IntegerSumState, b: IntegerSumState) -> IntegerSumState {
    return IntegerSumState(add_u64(a.total, b.total));
}
