// The variance of float elements: the sums of offsets and of squared offsets. In a frame whose
// shift is near the mean, M2 = squares - total^2 / count cancels nothing; the host takes it in f64.
struct VarianceState {
    total: f32,
    squares: f32,
}

fn variance_identity() -> VarianceState {
    return VarianceState(0.0, 0.0);
}

fn variance_lift(item: Item) -> VarianceState {
    return VarianceState(item.offset, item.offset * item.offset);
}

fn variance_merge(a: VarianceState, b: VarianceState) -> VarianceState {
    return VarianceState(a.total + b.total, a.squares + b.squares);
}

fn variance_rebase(a: VarianceState, count: f32, by: Move) -> VarianceState {
    let total = a.total * by.scale;
    return VarianceState(
        total + count * by.shift,
        a.squares * by.scale * by.scale + by.shift * (2.0 * total + count * by.shift),
    );
}
