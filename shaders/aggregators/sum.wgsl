// The sum of float elements: the sum of their offsets in the frame.
struct SumState {
    total: f32,
}

fn sum_identity() -> SumState {
    return SumState(0.0);
}

fn sum_lift(item: Item) -> SumState {
    return SumState(item.offset);
}

fn sum_merge(a: SumState, b: SumState) -> SumState {
    return SumState(a.total + b.total);
}

fn sum_rebase(a: SumState, count: f32, by: Move) -> SumState {
    return SumState(a.total * by.scale + count * by.shift);
}
