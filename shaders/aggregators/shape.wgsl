// The first four moments: the sums of the first four powers of offsets.
struct ShapeState {
    total: f32,
    squares: f32,
    cubes: f32,
    fourths: f32,
}

fn shape_identity() -> ShapeState {
    return ShapeState(0.0, 0.0, 0.0, 0.0);
}

fn shape_lift(item: Item) -> ShapeState {
    let square = item.offset * item.offset;
    return ShapeState(item.offset, square, square * item.offset, square * square);
}

fn shape_merge(a: ShapeState, b: ShapeState) -> ShapeState {
    return ShapeState(a.total + b.total, a.squares + b.squares, a.cubes + b.cubes, a.fourths + b.fourths);
}

// The binomial formulas of (offset * scale + shift)^k.
fn shape_rebase(a: ShapeState, count: f32, by: Move) -> ShapeState {
    let scale = by.scale;
    let shift = by.shift;
    let total = a.total * scale;
    let squares = a.squares * scale * scale;
    let cubes = a.cubes * scale * scale * scale;
    let fourths = a.fourths * scale * scale * scale * scale;
    let first = total + count * shift;
    let second = 2.0 * total + count * shift;
    let third = 3.0 * squares + shift * (3.0 * total + count * shift);
    let fourth = 4.0 * cubes + shift * (6.0 * squares + shift * (4.0 * total + count * shift));
    return ShapeState(first, squares + shift * second, cubes + shift * third, fourths + shift * fourth);
}
