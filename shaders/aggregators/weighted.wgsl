// Sums of (value, weight) pairs: of weights, of their squares, and of weighted offsets and squared offsets. Offsets are
// those in the frame of what weighs something: its shift is near the weighted mean.
struct WeightedState {
    // Pairs whose weight is not 0.
    weighing: u32,
    // Bits: 1, 2, 4 what special values weigh something; 8 a weight that is negative or NaN; 16 an infinite one;
    // 32, 64, 128 what products are NaN, +infinity, -infinity.
    specials: u32,
    weight: f32,
    weight_squares: f32,
    total: f32,
    squares: f32,
}

fn weighted_identity() -> WeightedState {
    return WeightedState(0u, 0u, 0.0, 0.0, 0.0, 0.0);
}

fn weighted_lift(item: Item) -> WeightedState {
    let special = special_first(item.key);
    let magnitude = item.second_bits & 0x7fffffffu;
    if magnitude == 0u {
        return WeightedState(0u, select(0u, 32u, special != 0u), 0.0, 0.0, 0.0, 0.0);
    }
    if magnitude > 0x7f800000u || item.second_bits >= 0x80000000u {
        return WeightedState(1u, special | 8u | 32u, 0.0, 0.0, 0.0, 0.0);
    }
    if magnitude == 0x7f800000u {
        let infinite = select(64u, 128u, item.bits >= 0x80000000u);
        let nothing = (item.bits & 0x7fffffffu) == 0u || (special & 1u) == 1u;
        return WeightedState(1u, special | 16u | select(infinite, 32u, nothing), 0.0, 0.0, 0.0, 0.0);
    }
    if special != 0u {
        return WeightedState(1u, special | (special << 5u), item.second_scaled, 0.0, 0.0, 0.0);
    }
    let weight = item.second_scaled;
    // What weighs too little beside the heaviest to be told from nothing did not count in the frame either.
    let offset = select(0.0, item.weighed_offset, weight > 0.0);
    let total = weight * offset;
    return WeightedState(1u, special, weight, weight * weight, total, total * offset);
}

fn weighted_merge(a: WeightedState, b: WeightedState) -> WeightedState {
    return WeightedState(
        a.weighing + b.weighing,
        a.specials | b.specials,
        a.weight + b.weight,
        a.weight_squares + b.weight_squares,
        a.total + b.total,
        a.squares + b.squares,
    );
}

// Values move; weights only scale.
fn weighted_rebase(a: WeightedState, count: f32, by: Move, second: Move) -> WeightedState {
    let weight = a.weight * second.scale;
    let total = a.total * by.scale * second.scale;
    let squares = a.squares * by.scale * by.scale * second.scale;
    return WeightedState(
        a.weighing,
        a.specials,
        weight,
        a.weight_squares * second.scale * second.scale,
        total + weight * by.shift,
        squares + by.shift * (2.0 * total + weight * by.shift),
    );
}
