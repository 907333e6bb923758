// The first two moments of pairs: sums of offsets, of their squares, and of their products.
struct CovarianceState {
    // Elements that are finite, of each column.
    x_count: u32,
    y_count: u32,
    // What special elements there were: three bits a column.
    specials: u32,
    x: f32,
    y: f32,
    xx: f32,
    yy: f32,
    xy: f32,
}

fn covariance_identity() -> CovarianceState {
    return CovarianceState(0u, 0u, 0u, 0.0, 0.0, 0.0, 0.0, 0.0);
}

fn covariance_lift(item: Item) -> CovarianceState {
    let x_special = special_first(item.key);
    let y_special = special_second(item.second_key);
    let x = item.offset;
    let y = item.second_offset;
    let specials = x_special | (y_special << 3u);
    return CovarianceState(u32(x_special == 0u), u32(y_special == 0u), specials, x, y, x * x, y * y, x * y);
}

fn covariance_merge(a: CovarianceState, b: CovarianceState) -> CovarianceState {
    return CovarianceState(
        a.x_count + b.x_count,
        a.y_count + b.y_count,
        a.specials | b.specials,
        a.x + b.x,
        a.y + b.y,
        a.xx + b.xx,
        a.yy + b.yy,
        a.xy + b.xy,
    );
}

// Where an element was special, no second moment counts any more; the counts differ there alone.
fn covariance_rebase(a: CovarianceState, count: f32, by: Move, second: Move) -> CovarianceState {
    var moved = a;
    let x_count = f32(a.x_count);
    let y_count = f32(a.y_count);
    let x = a.x * by.scale;
    let y = a.y * second.scale;
    moved.x = x + x_count * by.shift;
    moved.y = y + y_count * second.shift;
    moved.xx = a.xx * by.scale * by.scale + by.shift * (2.0 * x + x_count * by.shift);
    moved.yy = a.yy * second.scale * second.scale + second.shift * (2.0 * y + y_count * second.shift);
    moved.xy = a.xy * by.scale * second.scale + by.shift * y + second.shift * (x + x_count * by.shift);
    return moved;
}
